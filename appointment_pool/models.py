"""Schedules, their numbers, and who booked them. One row per number, so nobody queues for a counter."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from appointment_pool.states import AppointmentStatus, CancelReason, ScheduleStatus, SlotStatus
from kernel.homes import CityModel, LocalModel, ProvinceModel
from registry.organisations.models import Department, Organisation
from registry.practitioners.models import Practitioner


class DayPeriod(models.TextChoices):
    """Part of the day (上午、下午、晚上)."""

    MORNING = "am"
    AFTERNOON = "pm"
    EVENING = "evening"


class BookingSetting(ProvinceModel):
    """A number of the rules of booking, of the province or of one hospital; see `rules.SETTINGS`."""

    name = models.TextField()
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    value = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="booking_setting_once", fields=["name", "organisation"], nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class Schedule(CityModel):
    """When a department or a doctor sees outpatients on one day (排班); the fee is in 分 (0.01 yuan).

    `source_key` is the hospital's own number of it; without a practitioner it is a general clinic.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    source_key = models.TextField()
    department = models.ForeignKey(
        Department, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, db_constraint=False, db_index=False, null=True,
        related_name="+",
    )  # fmt: skip
    title = models.TextField(blank=True, default="")  # GB/T 8561, as of the day of publishing
    day = models.DateField()
    period = models.TextField(choices=DayPeriod)
    fee = models.PositiveIntegerField()
    status = models.TextField(choices=ScheduleStatus)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="schedule_source_once", fields=["organisation", "source_key"]
            ),
            models.CheckConstraint(
                name="schedule_status_known", condition=Q(status__in=ScheduleStatus.values)
            ),
            models.CheckConstraint(
                name="schedule_period_known", condition=Q(period__in=DayPeriod.values)
            ),
            models.CheckConstraint(
                name="schedule_starts_first", condition=Q(starts_at__lt=F("ends_at"))
            ),
        ]
        indexes = [
            models.Index(name="schedule_coming", fields=["starts_at", "id"]),
            models.Index(
                name="schedule_of_hospital", fields=["organisation", "starts_at", "id"]
            ),
            models.Index(
                name="schedule_of_practitioner", fields=["practitioner", "starts_at", "id"]
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"schedule {self.id} on {self.day}, {self.status}"


class Slot(CityModel):
    """One number (号源) with its period; `sequence` counts within the schedule and is never reused."""

    schedule = models.ForeignKey(Schedule, models.PROTECT, db_index=False, related_name="slots")
    sequence = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.TextField(choices=SlotStatus, default=SlotStatus.FREE)
    appointment_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="slot_sequence_once", fields=["schedule", "sequence"]),
            models.CheckConstraint(
                name="slot_status_known", condition=Q(status__in=SlotStatus.values)
            ),
            models.CheckConstraint(
                name="slot_busy_with_appointment",
                condition=Q(status=SlotStatus.BUSY, appointment_id__isnull=False)
                | (~Q(status=SlotStatus.BUSY) & Q(appointment_id__isnull=True)),
            ),
            models.CheckConstraint(
                name="slot_starts_first", condition=Q(starts_at__lt=F("ends_at"))
            ),
        ]
        indexes = [
            models.Index(
                name="slot_free", fields=["schedule", "starts_at", "sequence"],
                condition=Q(status=SlotStatus.FREE),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"number {self.sequence} of {self.schedule_id}, {self.status}"


class Appointment(CityModel):
    """A number somebody booked (预约). What the schedule and the number said is kept with it.

    No constraint leads to the schedule: it would lock the schedule's row in every booking, and the
    number's own says the same.
    """

    schedule = models.ForeignKey(
        Schedule, models.PROTECT, db_constraint=False, db_index=False, related_name="appointments"
    )
    slot = models.ForeignKey(Slot, models.PROTECT, db_index=False, related_name="appointments")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    department = models.ForeignKey(
        Department, models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, db_constraint=False, db_index=False, null=True,
        related_name="+",
    )  # fmt: skip
    person_id = models.UUIDField()
    registration_id = models.UUIDField(null=True)
    sequence = models.PositiveSmallIntegerField()
    day = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    fee = models.PositiveIntegerField()
    status = models.TextField(choices=AppointmentStatus, default=AppointmentStatus.BOOKED)
    cancel_reason = models.TextField(choices=CancelReason, blank=True, default="")
    request_key = models.TextField()
    booked_at = models.DateTimeField()
    booked_by = models.UUIDField()
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="appointment_slot_once", fields=["slot"],
                condition=Q(status=AppointmentStatus.BOOKED),
            ),
            models.UniqueConstraint(
                name="appointment_person_once", fields=["schedule", "person_id"],
                condition=Q(status=AppointmentStatus.BOOKED),
            ),
            models.UniqueConstraint(name="appointment_request_once", fields=["request_key"]),
            models.CheckConstraint(
                name="appointment_status_known", condition=Q(status__in=AppointmentStatus.values)
            ),
            models.CheckConstraint(
                name="appointment_cancelled_why",
                condition=Q(
                    status=AppointmentStatus.CANCELLED, cancelled_at__isnull=False,
                    cancelled_by__isnull=False, cancel_reason__in=CancelReason.values,
                )
                | (~Q(status=AppointmentStatus.CANCELLED) & Q(cancelled_at__isnull=True)),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(name="appointment_of_person", fields=["person_id", "starts_at"]),
            models.Index(
                name="appointment_cancelled", fields=["cancelled_at"],
                condition=Q(cancelled_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"appointment {self.id}, {self.status}"


class Reservation(LocalModel):
    """A booking on its way to a city: it counts against the person's limits until its outcome is here."""

    person_id = models.UUIDField(db_index=True)
    key = models.TextField(unique=True)
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"reservation {self.id}"
