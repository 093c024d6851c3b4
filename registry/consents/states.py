"""States of a consent."""

from django.db import models


class Status(models.TextChoices):
    """Whether a consent holds within its period (FHIR consent-state-codes), or was withdrawn."""

    ACTIVE = "active"
    INACTIVE = "inactive"


TRANSITIONS = {Status.ACTIVE: frozenset({Status.INACTIVE}), Status.INACTIVE: frozenset()}
