"""When a text message is tried again."""

from datetime import timedelta

FIRST_PAUSE = 10
"""Longer than an adapter may take, so that nobody else tries what is being handed over."""
LONGEST_PAUSE = 60
"""In seconds."""


def pause_after(attempts: int) -> timedelta:
    """The pause after so many attempts, doubled each time up to a minute."""
    return timedelta(seconds=min(FIRST_PAUSE << min(attempts - 1, 6), LONGEST_PAUSE))
