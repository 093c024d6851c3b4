"""States of a key of this node, and of the copies the hub holds."""

from django.db import models


class Status(models.TextChoices):
    """How far a key is used.

    A new data key waits for the hub to hold it; a new index key is written to the second column.
    A retired key only reads. A destroyed one has lost its material.
    """

    NEW = "new"
    ACTIVE = "active"
    RETIRED = "retired"
    HELD = "held"
    DESTROYED = "destroyed"


TRANSITIONS = {
    Status.NEW: frozenset({Status.ACTIVE, Status.DESTROYED}),
    Status.ACTIVE: frozenset({Status.RETIRED}),
    Status.RETIRED: frozenset({Status.DESTROYED, Status.HELD}),
    Status.HELD: frozenset({Status.RETIRED}),
    Status.DESTROYED: frozenset({Status.HELD}),  # the city's database was made anew
}
