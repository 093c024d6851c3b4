"""Records that were opened in an emergency."""

from django.db import models
from django.db.models import F, Q

from kernel.homes import CityModel
from registry.emergency_access.states import EmergencyReason
from registry.organisations.models import Organisation


class EmergencyAccess(CityModel):
    """A doctor opened a record without a treatment relationship (紧急调阅); never changed.

    `sealed` holds the doctor's words; `event_id` is the event of the opening, which the hub waits for
    before it answers this doctor.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    account_id = models.UUIDField()
    registration_id = models.UUIDField()
    reason = models.TextField(choices=EmergencyReason)
    sealed = models.BinaryField()
    event_id = models.UUIDField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="emergency_access_reason_known", condition=Q(reason__in=EmergencyReason.values)
            ),
            models.CheckConstraint(
                name="emergency_access_period", condition=Q(ends_at__gt=F("starts_at"))
            ),
        ]
        indexes = [models.Index(name="emergency_access_of", fields=["account_id", "ends_at"])]

    def __str__(self) -> str:
        return f"emergency access {self.id}"
