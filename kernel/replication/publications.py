"""Publications of this node, derived from the homes; applied again after every migration.

A row filter may only read columns of the replica identity, or the publisher's own UPDATE fails
(docs/replication.md, pitfalls 4 and 27); tables of home NODE are insert-only and carry column lists.
"""

from typing import Any

from django.conf import settings
from django.db import models

from kernel.postgres.homes import Home
from kernel.replication import partitions
from kernel.replication.names import (
    CITY_PUBLICATION,
    NODE_PUBLICATION,
    PROVINCE_PUBLICATION,
    hub_publications,
)
from kernel.replication.tables import models_of, table_of

ALL_CHANGES = "publish = 'insert, update, delete, truncate'"
ROW_CHANGES = "publish = 'insert, update, delete'"
INSERTS = "publish = 'insert', publish_via_partition_root = true"


def published_models() -> list[type[models.Model]]:
    """Models whose rows leave this node."""
    if settings.ROLE == "province":
        return models_of(Home.PROVINCE, Home.PERSONAL, Home.NODE)
    return models_of(Home.CITY, Home.NODE)


def definitions(cities: list[str]) -> dict[str, tuple[list[str], str]]:
    """Publication name → (table clauses, options)."""
    if settings.ROLE == "city":
        own = f"node = '{settings.NODE_CODE}'"
        return {
            CITY_PUBLICATION: ([_clause(m) for m in models_of(Home.CITY)], ROW_CHANGES),
            NODE_PUBLICATION: ([_listed(m, own) for m in models_of(Home.NODE)], INSERTS),
        }
    found = {PROVINCE_PUBLICATION: ([_clause(m) for m in models_of(Home.PROVINCE)], ALL_CHANGES)}
    for city in cities:
        _, personal, node = hub_publications(city)
        heard = f"'{city}' = ANY(audience)"
        own = f"node = '{settings.NODE_CODE}' AND {heard}"
        found[personal] = ([_clause(m, heard) for m in models_of(Home.PERSONAL)], ROW_CHANGES)
        found[node] = ([_listed(m, own) for m in models_of(Home.NODE)], INSERTS)
    return found


def apply(cursor: Any) -> None:
    """Create or widen the publications of this node and of the cities enrolled with it."""
    cities = [code for code in partitions.enrolled(cursor) if code != settings.NODE_CODE]
    cursor.execute("SELECT pubname FROM pg_publication")
    there = {name for (name,) in cursor.fetchall()}
    for name, (tables, options) in definitions(cities).items():
        if name not in there:
            cursor.execute(f"CREATE PUBLICATION {name} WITH ({options})")
        if tables:
            cursor.execute(f"ALTER PUBLICATION {name} SET TABLE {', '.join(tables)}")


def _clause(model: type[models.Model], where: str = "") -> str:
    condition = f" WHERE ({where})" if where else ""
    return f'"{table_of(model)}"{condition}'


def _listed(model: type[models.Model], where: str) -> str:
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    return f'"{table_of(model)}" ({columns}) WHERE ({where})'
