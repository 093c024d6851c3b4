"""States of a command sent."""

from django.db import models


class State(models.TextChoices):
    """Whether the receiver's answer is known."""

    OPEN = "open"
    ANSWERED = "answered"
    PARKED = "parked"


TRANSITIONS = {
    State.OPEN: frozenset({State.ANSWERED, State.PARKED}),
    State.ANSWERED: frozenset(),
    State.PARKED: frozenset({State.ANSWERED}),
}

PAUSES_SECONDS = (5, 15, 60, 300, 900)
PARKED_AFTER_SECONDS = 24 * 3600


def pause_after(attempts: int) -> int:
    """Seconds until the next try after so many."""
    return PAUSES_SECONDS[min(attempts, len(PAUSES_SECONDS)) - 1]
