"""Bytes and digests of the audit log: what a seal vouches for. Pure.

They depend neither on the time zone of a client nor on the order of columns. A column added later
gets a new layout; rows are always judged by the layout of their seal.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

LAYOUTS: dict[int, tuple[str, ...]] = {
    1: (
        "id",
        "node",
        "audience",
        "at",
        "actor_id",
        "actor_role",
        "actor_node",
        "organisation_id",
        "on_behalf_of",
        "action",
        "purpose",
        "person_id",
        "registration_id",
        "resource_type",
        "resource_id",
        "outcome",
        "reason",
        "facts",
        "request_id",
        "route",
        "ip",
        "count",
    ),
}
LAYOUT = 1
DIGEST_BYTES = 32
NOTHING = bytes(DIGEST_BYTES)  # digest before the first seal, and of a row gone before its sealing


def row_bytes(row: Any, layout: int = LAYOUT) -> bytes:
    """The row as one JSON list of names and values, in the layout's order."""
    return _bytes_of([getattr(row, name) for name in LAYOUTS[layout]], layout)


def row_digest(row: Any, layout: int = LAYOUT) -> bytes:
    """SHA-256 of a row's bytes."""
    return hashlib.sha256(row_bytes(row, layout)).digest()


def values_digest(values: Iterable[Any], layout: int = LAYOUT) -> bytes:
    """The same of a row's values in the layout's order; an id may be given as text."""
    return hashlib.sha256(_bytes_of(values, layout)).digest()


def seal_digest(
    *,
    node: str,
    sequence: int,
    layout: int,
    row_ids: Sequence[UUID],
    row_digests: bytes | memoryview,
    previous: bytes | memoryview,
    sealed_at: datetime,
) -> bytes:
    """SHA-256 over a seal: its place in the chain, its rows in order, and the seal before it."""
    head = orjson.dumps([node, sequence, layout, len(row_ids), _plain(sealed_at)])
    parts = [head, *(row_id.bytes for row_id in row_ids), bytes(row_digests), bytes(previous)]
    return hashlib.sha256(b"".join(parts)).digest()


def split_digests(row_digests: bytes | memoryview) -> list[bytes]:
    """The digest of each row of a seal."""
    whole = bytes(row_digests)
    return [whole[at : at + DIGEST_BYTES] for at in range(0, len(whole), DIGEST_BYTES)]


def _bytes_of(values: Iterable[Any], layout: int) -> bytes:
    named = zip(LAYOUTS[layout], map(_plain, values), strict=True)
    return orjson.dumps(list(named))  # ids as their hexadecimal text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value
