"""Cursors of paged lists: where the last page ended, opaque to the client."""

import base64
import binascii
from typing import Any
from uuid import UUID

import orjson

from kernel.problems import InputInvalid


class CursorInvalid(InputInvalid):
    """The cursor was not made by this list."""

    status, code = 400, "cursor-invalid"
    title = {"zh": "分页游标无效", "en": "The cursor is not valid"}


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
