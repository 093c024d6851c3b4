"""Triggers that refuse a foreign node's rows where a table holds rows of several nodes.

They are ordinary triggers: local writes meet them, replication passes (docs/replication.md, 9).
"""

from typing import Any

from django.conf import settings

from kernel.postgres.homes import Home
from kernel.replication.tables import models_of, table_of

REFUSE = """
CREATE OR REPLACE FUNCTION public.jianqiao_refuse_foreign_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'row of node % is not written at %', NEW.node, public.jianqiao_node()
    USING ERRCODE = '42501';
END $$
"""
# The code itself, which `prepare` compared: `jianqiao_node()` would run once for every statement and table.
GUARD = """
CREATE OR REPLACE TRIGGER jianqiao_guard BEFORE INSERT OR UPDATE ON "{table}" FOR EACH ROW
WHEN (NEW.node IS DISTINCT FROM '{node}')
EXECUTE FUNCTION public.jianqiao_refuse_foreign_row()
"""


def apply(cursor: Any) -> None:
    """Put the guard on every table that has it not yet, and the time its rows are kept."""
    cursor.execute(
        "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE t.tgname = 'jianqiao_guard' AND pg_get_triggerdef(t.oid) LIKE %s",
        [f"%'{settings.NODE_CODE}'%"],
    )
    guarded = {table for (table,) in cursor.fetchall()}
    bare = [m for m in models_of(Home.CITY, Home.NODE) if table_of(m) not in guarded]
    if bare:
        cursor.execute(REFUSE)
    for model in bare:
        cursor.execute(GUARD.format(table=table_of(model), node=settings.NODE_CODE))
    for table, days in settings.KEEP_DAYS.items():
        cursor.execute(f"COMMENT ON TABLE \"{table}\" IS 'jianqiao: kept {days} days'")
