"""The keys of this node in the memory of a process.

Writers see a change of keys within RING_SECONDS; readers ask the database for a key they do not know.
"""

import threading
import time
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from kernel.keys import secrets
from kernel.keys.errors import KeysMissing, KeyUnknown
from kernel.keys.models import DataKey, KeyPurpose
from kernel.keys.states import Status

RING_SECONDS = 1.0


@dataclass(frozen=True)
class Ring:
    """Every key usable now: data keys by node and number, index keys by status."""

    data: dict[tuple[str, int], bytes]
    active: int | None
    index: dict[str, bytes]

    @classmethod
    def read(cls) -> Self:
        """The ring as the database has it now."""
        data, index, active = {}, {}, None
        for key in DataKey.objects.exclude(status=Status.DESTROYED):
            secret = secrets.unwrap(bytes(key.wrapped), name=name_of(key))
            if key.purpose == KeyPurpose.INDEX:
                index[key.status] = secret
                continue
            data[key.node, key.number] = secret
            if key.node == settings.NODE_CODE and key.status == Status.ACTIVE:
                active = key.number
        return cls(data, active, index)


_lock = threading.Lock()
_ring: Ring | None = None
_read_at = 0.0


def name_of(key: DataKey) -> str:
    """What a wrapped key is bound to, so that rows cannot be exchanged."""
    return f"{key.node}:{key.purpose}:{key.number}"


def for_writing() -> Ring:
    """The ring, at most RING_SECONDS old."""
    ring = _ring
    if ring is None or time.monotonic() - _read_at >= RING_SECONDS:
        ring = _reread()
    return ring


def active_data_key() -> tuple[int, bytes]:
    """Number and secret of the data key that seals now."""
    ring = for_writing()
    if ring.active is None:
        ring = _reread()
    if ring.active is None:
        raise KeysMissing
    return ring.active, ring.data[settings.NODE_CODE, ring.active]


def data_key(node: str, number: int) -> bytes:
    """The data key a ciphertext names; KeyUnknown when it is not held here."""
    ring = _ring
    secret = ring.data.get((node, number)) if ring else None
    if secret is None:
        secret = _reread().data.get((node, number))
    if secret is None:
        raise KeyUnknown(facts={"node": node, "key": number})
    return secret


def index_keys() -> dict[str, bytes]:
    """The blind-index keys by status, the active one always among them."""
    keys = for_writing().index
    if Status.ACTIVE not in keys:
        keys = _reread().index
    if Status.ACTIVE not in keys:
        raise KeysMissing
    return keys


def forget() -> None:
    """Drop what is cached; the next use reads the database."""
    global _ring
    _ring = None


def _reread() -> Ring:
    global _ring, _read_at
    with _lock:
        moment = time.monotonic()
        _ring, _read_at = Ring.read(), moment
        return _ring
