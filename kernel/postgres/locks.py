"""Locks on names: of what has no row yet, or must not be decided twice at once."""

from collections.abc import Iterable
from hashlib import sha256

from django.db import connection

from kernel.postgres import prepared

# The rows come in the order of the array, so everybody takes the locks in the same order.
HOLD = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS wanted(key)"


def hold(names: Iterable[str]) -> None:
    """Hold the names until the transaction ends; whoever holds one of them is waited for.

    Names are hashed before they leave: they may tell of a person, and statements may be logged.
    """
    with connection.cursor() as cursor:
        cursor.execute(*holding(names))


def holding(names: Iterable[str]) -> prepared.Statement:
    """The statement of `hold`, for those who have another one to run after it."""
    return HOLD, [sorted({_key(name) for name in names})]


def _key(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)
