"""States of one delivery of an event to one handler."""

from django.db import models


class State(models.TextChoices):
    """Whether the handler has still to run."""

    DUE = "due"
    DONE = "done"
    PARKED = "parked"


TRANSITIONS = {
    State.DUE: frozenset({State.DONE, State.PARKED}),
    State.PARKED: frozenset({State.DUE}),
    State.DONE: frozenset(),
}

BACK_OFF_SECONDS = (1, 5, 30, 120, 600, 3600)
"""Pauses after the first, second … failure; one failure more and the delivery is parked."""

WAITS = 60
"""How often a handler may say NotYet before that counts as a failure."""


def pause_after_failure(attempts: int) -> int | None:
    """Seconds until the next try after so many failures; None when it is parked."""
    return BACK_OFF_SECONDS[attempts - 1] if attempts <= len(BACK_OFF_SECONDS) else None


def pause_while_waiting(waits: int) -> float:
    """Seconds until the next look for a row that has not arrived: 20 ms, growing to 2 s."""
    return min(0.02 * 1.5 ** min(waits, 20), 2.0)
