"""States of schedules, numbers and appointments, in FHIR's words where it has them."""

from django.db import models


class ScheduleStatus(models.TextChoices):
    """Whether a schedule is released for booking (未放号、已放号、停诊)."""

    PLANNED = "planned"
    OPEN = "open"
    STOPPED = "stopped"


class SlotStatus(models.TextChoices):
    """FHIR slotstatus: whether a number is free, sold, or withdrawn by the hospital."""

    FREE = "free"
    BUSY = "busy"
    WITHDRAWN = "busy-unavailable"


class AppointmentStatus(models.TextChoices):
    """FHIR appointmentstatus, as far as booking goes."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


class CancelReason(models.TextChoices):
    """Who took the appointment back: HL7 appointment-cancellation-reason."""

    PATIENT = "pat"
    PROVIDER = "prov"


SCHEDULE_TRANSITIONS = {
    ScheduleStatus.PLANNED: frozenset({ScheduleStatus.OPEN, ScheduleStatus.STOPPED}),
    ScheduleStatus.OPEN: frozenset({ScheduleStatus.STOPPED}),
    ScheduleStatus.STOPPED: frozenset(),
}
SLOT_TRANSITIONS = {
    SlotStatus.FREE: frozenset({SlotStatus.BUSY, SlotStatus.WITHDRAWN}),
    SlotStatus.BUSY: frozenset({SlotStatus.FREE, SlotStatus.WITHDRAWN}),
    SlotStatus.WITHDRAWN: frozenset({SlotStatus.FREE}),
}
APPOINTMENT_TRANSITIONS = {
    AppointmentStatus.BOOKED: frozenset({AppointmentStatus.CANCELLED}),
    AppointmentStatus.CANCELLED: frozenset(),
}
