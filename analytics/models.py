"""What happened at the hospitals, in numbers: counted in their cities, new persons at the hub."""

from django.db import models

from kernel.homes import CityModel, LocalModel
from registry.organisations.models import Organisation


class Activity(CityModel):
    """What happened at a hospital in ten minutes; a row only where something did.

    `visits` count by when they began, whatever day they are told of; everything else by when it happened
    at the node.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    begins_at = models.DateTimeField()
    visits = models.PositiveIntegerField(default=0, db_default=0)
    booked = models.PositiveIntegerField(default=0, db_default=0)
    cancelled = models.PositiveIntegerField(default=0, db_default=0)
    registrations = models.PositiveIntegerField(default=0, db_default=0)
    accepted = models.PositiveIntegerField(default=0, db_default=0)
    refused = models.PositiveIntegerField(default=0, db_default=0)
    resources = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="activity_once", fields=["organisation", "begins_at"]),
        ]
        indexes = [models.Index(name="activity_of_day", fields=["begins_at"])]

    def __str__(self) -> str:
        return f"activity of {self.organisation_id} at {self.begins_at}"


class ClinicDay(CityModel):
    """How many numbers of a hospital's day are taken, and how many are not, on released schedules."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    day = models.DateField()
    taken = models.PositiveIntegerField()
    free = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="clinic_day_once", fields=["organisation", "day"]),
        ]
        indexes = [models.Index(name="clinic_day_of_day", fields=["day"])]

    def __str__(self) -> str:
        return f"numbers of {self.organisation_id} on {self.day}"


class Counted(CityModel):
    """Up to when a city has counted, and when a count last changed; one row a city."""

    until = models.DateTimeField()
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.node} counted until {self.until}"


class NewPersons(LocalModel):
    """Persons whom the index came to know in ten minutes, at the hospital that first told of them.

    At the hub only, which alone knows who is new.
    """

    node = models.TextField()
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    begins_at = models.DateTimeField()
    persons = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="new_persons_once", fields=["organisation", "begins_at"]),
        ]
        indexes = [models.Index(name="new_persons_of_day", fields=["begins_at"])]

    def __str__(self) -> str:
        return f"new persons of {self.organisation_id} at {self.begins_at}"
