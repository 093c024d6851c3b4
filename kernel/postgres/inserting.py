"""Rows from memory into tables; they travel as one JSON text for each table, or by COPY.

The ORM takes up to 0.2 ms of Python for a wide row. COPY is the cheapest for many rows, but takes two
round trips for each table and knows no ON CONFLICT.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection, models

from kernel.postgres import prepared
from kernel.postgres.copying import copy_rows

# The names in braces are those of our own tables and their columns.
INSERT = """INSERT INTO {table} ({names}) SELECT {names}
FROM json_populate_recordset(NULL::{table}, %({rows})s::json) WHERE {provided} {otherwise}"""
UPDATED = "ON CONFLICT (id) DO UPDATE SET ({names}) = ROW ({values})"
LEFT_OUT = "ON CONFLICT DO NOTHING"
FEW = 10
"""Rows of a table up to which they travel as JSON: more are cheaper by COPY."""

LONG = 1 << 16
"""Characters or bytes of a value that is cheaper by COPY."""


class _Shape(NamedTuple):
    """What an insert's statement is made of, save its rows."""

    table: str
    names: tuple[str, ...]
    provided: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Provided:
    """What must be true for rows to be written: SQL with its values. Where it is not, `fails` raises."""

    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fails: Callable[[], None] = lambda: None


ALWAYS = Provided("true")
_kept: ContextVar[list[tuple[_Shape, Sequence[dict[str, Any]], Provided]] | None] = ContextVar(
    "inserts_kept", default=None
)


@contextmanager
def together() -> Iterator[None]:
    """Write what is inserted inside only at its end, few rows for all tables by one statement."""
    token = _kept.set([])
    try:
        yield
        kept = _kept.get() or []
    finally:
        _kept.reset(token)
    few = []
    for shape, rows, provided in kept:
        if shape.provided == "true" and not shape.otherwise and not _are_few(rows):
            _copy(shape, rows)
        else:
            few.append((shape, rows, provided))
    if few:
        _write(few)


def are_kept() -> bool:
    """Whether what is inserted now is written later, inside `together`."""
    return _kept.get() is not None


def insert_rows(
    model: type[models.Model],
    rows: Sequence[dict[str, Any]],
    *,
    known: Sequence[str] = (),
    or_leave_out: bool = False,
    provided: Provided = ALWAYS,
) -> None:
    """Insert rows by column, all with the same columns; the others get the database's defaults.

    Of a row whose id is there the columns `known` are updated. With `or_leave_out` a row that meets
    another one in any unique rule is left out.
    """
    if not rows:
        return
    otherwise = LEFT_OUT if or_leave_out else ""
    if known:
        values = ", ".join(f"excluded.{name}" for name in known)
        otherwise = UPDATED.format(names=", ".join(known), values=values)
    shape = _Shape(model._meta.db_table, tuple(rows[0]), provided.condition, otherwise)
    kept = _kept.get()
    if kept is None:
        _write([(shape, rows, provided)])
    else:
        kept.append((shape, rows, provided))


def _write(inserts: Sequence[tuple[_Shape, Sequence[dict[str, Any]], Provided]]) -> None:
    values: dict[str, Any] = {}
    for number, (_, rows, provided) in enumerate(inserts):
        values |= provided.values
        values[f"rows_{number}"] = orjson.dumps(rows, default=_hex).decode()
    with connection.cursor() as cursor:
        prepared.execute(cursor, _statement(tuple(shape for shape, _, _ in inserts)), values)
        written = cursor.fetchone()
    for is_written, (_, _, provided) in zip(written, inserts, strict=True):
        if not is_written:
            provided.fails()


@cache
def _statement(shapes: tuple[_Shape, ...]) -> str:
    parts = [
        "t{number} AS ({insert} RETURNING true)".format(
            number=number,
            insert=INSERT.format(
                table=one.table, names=", ".join(one.names), rows=f"rows_{number}",
                provided=one.provided, otherwise=one.otherwise,
            ),
        )
        for number, one in enumerate(shapes)
    ]  # fmt: skip
    said = (
        "true" if one.provided == "true" else f"EXISTS (SELECT FROM t{number})"
        for number, one in enumerate(shapes)
    )  # fmt: skip
    return f"WITH {', '.join(parts)} SELECT {', '.join(said)}"


def _are_few(rows: Sequence[dict[str, Any]]) -> bool:
    return len(rows) <= FEW and not any(
        isinstance(value, str | bytes) and len(value) > LONG
        for row in rows for value in row.values()
    )  # fmt: skip


def _copy(shape: _Shape, rows: Sequence[dict[str, Any]]) -> None:
    # The plain cursor is psycopg2's own; its errors become Django's like those of any statement.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        copy_rows(cursor.cursor, shape.table, shape.names, [tuple(row.values()) for row in rows])


def _hex(value: bytes | memoryview) -> str:
    return rf"\x{value.hex()}"
