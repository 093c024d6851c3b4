"""COPY of rows from memory: about twice as fast as INSERT, for tables that take thousands at once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any
from uuid import UUID

NULL = r"\N"
ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
TO_ESCAPE = re.compile(r"[\\\t\n\r]")


def copy_rows(
    cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows in the caller's transaction; `cursor` is psycopg2's own.

    Takes None, texts, numbers, UUIDs, aware datetimes, bytes and lists of texts.
    """
    text = "".join(
        "\t".join([ENCODERS[type(value)](value) for value in row]) + "\n" for row in rows
    )
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", StringIO(text))


def _text(value: str) -> str:
    return (
        TO_ESCAPE.sub(lambda found: ESCAPES[found[0]], value) if TO_ESCAPE.search(value) else value
    )


def _texts(values: list[str]) -> str:
    quoted = (value.replace("\\", r"\\").replace('"', r"\"") for value in values)
    return _text("{" + ",".join(f'"{value}"' for value in quoted) + "}")


ENCODERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: NULL,
    str: _text,
    int: str,
    float: repr,
    bool: str,
    UUID: str,
    datetime: datetime.isoformat,
    bytes: lambda value: r"\\x" + value.hex(),
    list: _texts,
}
