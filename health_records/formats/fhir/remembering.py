"""What is asked of the same texts again and again: the resources of a message have moments in common."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

MOST = 2_000
LONGEST = 40

Told = TypeVar("Told")


def of_short_texts(tell: Callable[[str], Told]) -> Callable[[str], Told]:
    """The same function of a text, which remembers what it told of short ones."""
    remembered = lru_cache(MOST)(tell)

    @wraps(tell)
    def told(text: str) -> Told:
        return remembered(text) if len(text) <= LONGEST else tell(text)

    return told
