"""States of a node."""

from django.db import models


class Status(models.TextChoices):
    """Whether a node takes part."""

    ENROLLED = "enrolled"
    RETIRED = "retired"


TRANSITIONS = {
    Status.ENROLLED: frozenset({Status.RETIRED}),
    Status.RETIRED: frozenset({Status.ENROLLED}),
}
