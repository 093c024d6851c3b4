"""What is sealed in the records: messages, cut-out values, attachments."""

import zlib
from uuid import UUID

import orjson
from isal import isal_zlib

from kernel import crypto

FAST = 1
SHORT = 512
"""Bytes below which packing costs more than it spares."""

PACKED = b"x"
"""How every stream of zlib begins."""


def seal_packed(column: str, row_id: UUID, content: bytes) -> bytes:
    """Compressed where it is worth it, then sealed; bound to a column and row."""
    if len(content) >= SHORT or content.startswith(PACKED):
        content = isal_zlib.compress(content, FAST)
    return crypto.seal(content, context=crypto.context_of(column, row_id))


def open_packed(column: str, row_id: UUID, token: bytes | memoryview) -> bytes:
    """Undo `seal_packed`."""
    content = crypto.open_sealed(bytes(token), context=crypto.context_of(column, row_id))
    return zlib.decompress(content) if content.startswith(PACKED) else content


def seal_values(row_id: UUID, values: dict[str, object]) -> bytes | None:
    """The values cut out of a resource version; None when there are none."""
    if not values:
        return None
    context = crypto.context_of("health_records.ResourceVersion.sealed", row_id)
    return crypto.seal(orjson.dumps(values, option=orjson.OPT_SORT_KEYS), context=context)


def open_values(row_id: UUID, sealed: bytes | None) -> dict[str, object]:
    """Undo `seal_values`."""
    if sealed is None:
        return {}
    context = crypto.context_of("health_records.ResourceVersion.sealed", row_id)
    values: dict[str, object] = orjson.loads(crypto.open_sealed(sealed, context=context))
    return values
