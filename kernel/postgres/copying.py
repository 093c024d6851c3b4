"""COPY of rows from memory: about twice as fast as INSERT, for tables that take thousands at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from io import BytesIO
from operator import attrgetter, is_
from typing import Any
from uuid import UUID

import orjson

NULL = r"\N"
AT_ONCE = 1 << 16
"""Bytes handed to the connection in one go."""


def copy_rows(
    cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows in the caller's transaction; `cursor` is psycopg2's own.

    Takes None, texts, numbers, UUIDs, dates, aware datetimes, bytes, lists of texts or UUIDs, and objects of JSON.
    """
    written = map(_written, zip(*rows, strict=True))
    text = "\n".join(map("\t".join, zip(*written, strict=True))) + "\n"
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    cursor.copy_expert(command, BytesIO(text.encode()), AT_ONCE)


def _written(values: Sequence[Any]) -> Iterable[str]:
    """The values of one column as COPY's text format wants them."""
    first = values[0]
    if all(map(partial(is_, first), values)):
        return [ENCODERS[type(first)](first)] * len(values)
    kinds = set(map(type, values))
    if kinds == {str}:
        return _texts(values)
    if len(kinds) == 1:
        return map(ENCODERS[kinds.pop()], values)
    return [ENCODERS[type(value)](value) for value in values]


def _texts(values: Sequence[str]) -> Sequence[str]:
    """All at once, because one long text takes less time than many short ones; none holds a NUL."""
    return _text("\0".join(values)).split("\0")


def _text(value: str) -> str:
    value = value.replace("\\", r"\\").replace("\t", r"\t")
    return value.replace("\n", r"\n").replace("\r", r"\r")


def _list(values: Sequence[str | UUID]) -> str:
    quoted = (str(value).replace("\\", r"\\").replace('"', r"\"") for value in values)
    return _text("{" + ",".join(f'"{value}"' for value in quoted) + "}")


ENCODERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: NULL,
    str: _text,
    int: str,
    float: repr,
    bool: str,
    UUID: attrgetter("hex"),
    date: date.isoformat,
    datetime: datetime.isoformat,
    bytes: lambda value: r"\\x" + value.hex(),
    list: _list,
    dict: lambda value: _text(orjson.dumps(value).decode()),
}
