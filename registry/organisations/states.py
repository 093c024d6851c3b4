"""States of an institution."""

from django.db import models


class Status(models.TextChoices):
    """Operating status of an institution (开业、筹建、停业、撤销)."""

    OPEN = "0"
    PLANNED = "1"
    SUSPENDED = "2"
    CLOSED = "3"


TRANSITIONS = {
    Status.PLANNED: frozenset({Status.OPEN, Status.CLOSED}),
    Status.OPEN: frozenset({Status.SUSPENDED, Status.CLOSED}),
    Status.SUSPENDED: frozenset({Status.OPEN, Status.CLOSED}),
    Status.CLOSED: frozenset(),
}
