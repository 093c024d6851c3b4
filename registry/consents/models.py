"""Whom a person lets see the record."""

from django.db import models
from django.db.models import Q

from kernel.homes import PersonalModel
from registry.consents.states import Status
from registry.organisations.models import Organisation


class Consent(PersonalModel):
    """A person's consent that an organisation sees the record (授权); the audience is its city."""

    person_id = models.UUIDField()
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    status = models.TextField(choices=Status, default=Status.ACTIVE)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    given_by = models.UUIDField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="consent_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="consent_period", condition=Q(ends_at__gt=models.F("starts_at"))
            ),
            models.CheckConstraint(
                name="consent_withdrawn_when",
                condition=Q(status=Status.ACTIVE, withdrawn_at__isnull=True)
                | Q(status=Status.INACTIVE, withdrawn_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="consent_of_person", fields=["person_id", "organisation"])]

    def __str__(self) -> str:
        return f"consent {self.id}, {self.status}"
