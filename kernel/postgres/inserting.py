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
"""Bytes of JSON from which on COPY is cheaper for fewer, too."""


@dataclass(frozen=True, slots=True)
class Provided:
    """What must be true for rows to be written: SQL with its values. Where it is not, `fails` raises."""

    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fails: Callable[[], None] = lambda: None


ALWAYS = Provided("true")


class _Shape(NamedTuple):
    """What an insert's statement is made of, save its rows."""

    table: str
    names: tuple[str, ...]
    provided: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class _Insert:
    """Rows of one table."""

    shape: _Shape
    rows: Sequence[Mapping[str, Any]]
    provided: Provided


_kept: ContextVar[list[_Insert] | None] = ContextVar("inserts_kept", default=None)


@contextmanager
def together(*, are_all: bool = False) -> Iterator[None]:
    """Write what is inserted inside at its end: few rows of whatever tables by one statement.

    With `are_all` the caller's transaction does nothing afterwards. So where it did nothing before either, the
    statement is the transaction. What one insert is `provided`, all of that statement are.
    """
    token = _kept.set([])
    try:
        yield
        kept = _kept.get() or []
    finally:
        _kept.reset(token)
    few = []
    for one in kept:
        text = _few_as_json(one)
        if text is None:
            _copy(one)
        else:
            few.append((one, text))
    if few:
        _write(few, is_all=are_all)


def are_kept() -> bool:
    """Whether what is inserted now is written later, inside `together`."""
    return _kept.get() is not None


def insert_rows(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
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
    insert, kept = _Insert(shape, rows, provided), _kept.get()
    if kept is None:
        _write([(insert, _as_json(insert))], is_all=False)
    else:
        kept.append(insert)


def _write(inserts: Sequence[tuple[_Insert, str]], *, is_all: bool) -> None:
    # A part of a statement may look at those before it only.
    inserts = sorted(inserts, key=lambda one: one[0].provided is ALWAYS)
    values: dict[str, Any] = {}
    for number, (one, text) in enumerate(inserts):
        values |= one.provided.values
        values[f"rows_{number}"] = text
    statement = _statement(tuple(one.shape for one, _ in inserts))
    with connection.cursor() as cursor:
        prepared.execute(cursor, statement, values, beside=is_all)
        written = cursor.fetchone()
    for is_written, (one, _) in zip(written, inserts, strict=True):
        if not is_written:
            one.provided.fails()


@cache
def _statement(shapes: tuple[_Shape, ...]) -> str:
    provided = [one.provided for one in shapes]
    asking = [number for number, condition in enumerate(provided) if condition != "true"]
    for number, condition in enumerate(provided):
        if asking and condition == "true":
            provided[number] = f"EXISTS (SELECT FROM t{asking[0]})"
    parts = [
        "t{number} AS ({insert} RETURNING true)".format(
            number=number,
            insert=INSERT.format(
                table=one.table, names=", ".join(one.names), rows=f"rows_{number}",
                provided=provided[number], otherwise=one.otherwise,
            ),
        )
        for number, one in enumerate(shapes)
    ]  # fmt: skip
    said = [
        f"EXISTS (SELECT FROM t{number})" if number in asking else "true"
        for number in range(len(shapes))
    ]
    return f"WITH {', '.join(parts)} SELECT {', '.join(said)}"


def _few_as_json(insert: _Insert) -> str | None:
    """The rows as JSON; None where COPY does it, and better."""
    if insert.shape.otherwise or insert.provided is not ALWAYS:
        return _as_json(insert)
    if len(insert.rows) > FEW:
        return None
    text = _as_json(insert)
    return text if len(text) <= LONG else None


def _as_json(insert: _Insert) -> str:
    return orjson.dumps(insert.rows, default=_hex).decode()


def _copy(insert: _Insert) -> None:
    rows = [tuple(row.values()) for row in insert.rows]
    # The plain cursor is psycopg2's own; its errors become Django's like those of any statement.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        copy_rows(cursor.cursor, insert.shape.table, insert.shape.names, rows)


def _hex(value: bytes | memoryview) -> str:
    return rf"\x{value.hex()}"
