"""Pages of lists, and cursors: where the last page ended, opaque to the client."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db.models import QuerySet

from kernel.problems import InputInvalid

Row = TypeVar("Row")


class CursorInvalid(InputInvalid):
    """The cursor was not made by this list."""

    status, code = 400, "cursor-invalid"
    title = {"zh": "分页游标无效", "en": "The cursor is not valid"}


def page_of(
    found: "QuerySet[Any, Row] | Sequence[Row]", limit: int, *, most: int
) -> tuple[list[Row], bool]:
    """The first rows, as many as are wanted and one page may hold, and whether others follow."""
    size = max(1, min(limit, most))
    rows = list(found[: size + 1])
    return rows[:size], len(rows) > size


def cursor_of(*place: object) -> str:
    """The cursor after a row with these sort values."""
    return base64.urlsafe_b64encode(orjson.dumps(place, default=str)).decode().rstrip("=")


def place_of(cursor: str, length: int) -> list[Any]:
    """The sort values in a cursor; CursorInvalid when it does not hold `length` of them."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid from error
    if not isinstance(place, list) or len(place) != length:
        raise CursorInvalid
    return place


def id_in(cursor: str) -> UUID:
    """The id in a cursor that holds nothing else; CursorInvalid when it does not."""
    (last,) = place_of(cursor, 1)
    try:
        return UUID(str(last))
    except ValueError as error:
        raise CursorInvalid from error


def moment_and_id_in(cursor: str) -> tuple[datetime, UUID]:
    """The time and id in a cursor that holds these two; CursorInvalid when it does not."""
    at, last = place_of(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), UUID(str(last))
    except ValueError as error:
        raise CursorInvalid from error
