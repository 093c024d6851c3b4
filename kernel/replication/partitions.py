"""Partitions of the hub's tables: one per node, and by month where rows only accumulate."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

MONTHS_AHEAD = 3

IDENTITY = """
CREATE OR REPLACE FUNCTION public.jianqiao_node() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '{node}'::text $$
"""
ENROLLED = """
CREATE OR REPLACE FUNCTION public.jianqiao_nodes() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT '{{{nodes}}}'::text[] $$
"""
# Bounds are UUIDv7 values: their first 48 bits are milliseconds since 1970. How long rows are kept
# stands in the table's comment, which only the owner writes: the serving role cannot shorten it.
TENDING = r"""
CREATE OR REPLACE FUNCTION public.jianqiao_uuid_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

CREATE OR REPLACE FUNCTION public.jianqiao_make_months(parent regclass, ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  month timestamptz; leaf text; lower uuid; upper uuid; made int := 0;
  bare text := (SELECT relname FROM pg_class WHERE oid = parent AND relkind = 'p');
BEGIN
  IF bare IS NULL THEN RETURN 0; END IF;
  IF to_regclass(format('public.%I', bare || '_rest')) IS NULL THEN
    EXECUTE format('CREATE TABLE public.%I PARTITION OF %s DEFAULT', bare || '_rest', parent);
  END IF;
  FOR i IN 0..ahead LOOP
    month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))
             AT TIME ZONE 'UTC';
    leaf := bare || to_char(month AT TIME ZONE 'UTC', '_YYYYMM');
    IF to_regclass(format('public.%I', leaf)) IS NULL THEN
      lower := jianqiao_uuid_at(month);
      upper := jianqiao_uuid_at((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
      -- Rows dated so far ahead that they landed in the rest would forbid the month.
      EXECUTE format('CREATE TABLE public.%I (LIKE %s INCLUDING ALL)', leaf, parent);
      EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE id >= %L AND id < %L RETURNING *)'
                     ' INSERT INTO public.%I SELECT * FROM moved', bare || '_rest', lower, upper, leaf);
      EXECUTE format('ALTER TABLE %s ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                     parent, leaf, lower, upper);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;

CREATE OR REPLACE FUNCTION public.jianqiao_forget(root regclass) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  keep interval := make_interval(
    days => substring(obj_description(root, 'pg_class') FROM '^jianqiao: kept (\d+) days$')::int);
  leaf regclass; gone bigint := 0; part bigint; until uuid := jianqiao_uuid_at(now() - keep);
  partitioned boolean := (SELECT relkind = 'p' FROM pg_class WHERE oid = root);
BEGIN
  IF keep IS NULL THEN
    RAISE EXCEPTION '% is not a table whose rows age out', root USING ERRCODE = '42501';
  END IF;
  FOR leaf IN SELECT relid FROM pg_partition_tree(root) WHERE isleaf AND partitioned
              UNION ALL SELECT root WHERE NOT partitioned LOOP
    IF leaf::text !~ '_[0-9]{6}_[0-9]{6}$' THEN
      EXECUTE format('DELETE FROM %s WHERE id < %L', leaf, until);
      GET DIAGNOSTICS part = ROW_COUNT;
      gone := gone + part;
    ELSIF to_timestamp(right(leaf::text, 6), 'YYYYMM') + interval '1 month' < now() - keep THEN
      EXECUTE format('DROP TABLE %s', leaf);
      gone := gone + 1;
    END IF;
  END LOOP;
  RETURN gone;
END $$;

REVOKE ALL ON FUNCTION public.jianqiao_make_months(regclass, int) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.jianqiao_forget(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.jianqiao_make_months(regclass, int) TO jianqiao_app;
GRANT EXECUTE ON FUNCTION public.jianqiao_forget(regclass) TO jianqiao_app;
"""


def prepare(cursor: Any) -> None:
    """Say in the database which node it is; refuse a database that belongs to another node."""
    cursor.execute("SELECT to_regproc('public.jianqiao_nodes')")
    if cursor.fetchone()[0] is None:  # one statement, so one transaction
        cursor.execute(
            IDENTITY.format(node=settings.NODE_CODE)
            + ";"
            + ENROLLED.format(nodes=settings.NODE_CODE)
        )
    cursor.execute("SELECT public.jianqiao_node()")
    (found,) = cursor.fetchone()
    if found != settings.NODE_CODE:
        raise WrongDatabase(found)
    cursor.execute(TENDING)


class WrongDatabase(Exception):
    """The database says it is another node than NODE_CODE."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"this database belongs to node {found}, NODE_CODE is {settings.NODE_CODE}"
        )


def enrolled(cursor: Any) -> list[str]:
    """Codes of the nodes that have partitions here, own code included."""
    cursor.execute("SELECT unnest(public.jianqiao_nodes()) ORDER BY 1")
    return [code for (code,) in cursor.fetchall()]


def set_enrolled(cursor: Any, codes: Iterable[str]) -> None:
    """Replace the list of enrolled nodes."""
    cursor.execute(ENROLLED.format(nodes=",".join(sorted(codes))))


def partition_name(table: str, code: str) -> str:
    """Name of the partition that holds a node's rows."""
    return f"{table}_{code}"


def creation_sql(table: str, codes: Iterable[str], *, monthly: bool) -> list[str]:
    """Statements that give each node its partition, and by month where `monthly`."""
    statements = []
    for code in codes:
        name = partition_name(table, code)
        by_month = " PARTITION BY RANGE (id)" if monthly else ""
        statements.append(
            f'CREATE TABLE IF NOT EXISTS "{name}" PARTITION OF "{table}"'
            f" FOR VALUES IN ('{code}'){by_month}"
        )
        if monthly:
            statements.append(f"SELECT public.jianqiao_make_months('\"{name}\"', {MONTHS_AHEAD})")
    return statements
