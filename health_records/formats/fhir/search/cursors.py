"""Where a page ended, with what was asked: opaque, and sealed, since a search may name a person."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from health_records.finding.criteria import Place
from kernel import crypto
from kernel.keys.errors import KeyUnknown, SealBroken
from registry.cursors import CursorInvalid

CURSOR = "_cursor"
CONTEXT = b"health_records.search.cursor"


def cursor_of(about: str, pairs: Sequence[tuple[str, str]], place: Place, *rest: Any) -> str:
    """The cursor after a place in the answers to these parameters of a type or operation."""
    plain = orjson.dumps([about, pairs, place.at, place.id, *rest])
    return base64.urlsafe_b64encode(crypto.seal(plain, context=CONTEXT)).decode().rstrip("=")


def place_in(cursor: str, about: str) -> tuple[list[tuple[str, str]], Place, list[Any]]:
    """What `cursor_of` kept; CursorInvalid for anything else."""
    try:
        token = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found, pairs, at, id_, *rest = orjson.loads(crypto.open_sealed(token, context=CONTEXT))
    except (binascii.Error, ValueError, SealBroken, KeyUnknown) as error:
        raise CursorInvalid from error
    if found != about:
        raise CursorInvalid
    moment = datetime.fromisoformat(at) if isinstance(at, str) and "T" in at else None
    return [(name, text) for name, text in pairs], Place(moment, UUID(id_)), rest
