"""Reading schedules, numbers left and appointments."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import (
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointment_pool.models import Appointment, BookingSetting, Reservation, Schedule, Slot
from appointment_pool.rules import CANCEL_DAYS_BEFORE, DAYS_AHEAD, SETTINGS
from appointment_pool.states import AppointmentStatus, ScheduleStatus, SlotStatus
from kernel.actor import Actor, Role
from registry.organisations.models import Department, Organisation
from registry.persons.selectors import same_person
from registry.persons.states import LIVE

REGISTRATION = """
SELECT r.id FROM patients_patientregistration r
JOIN persons_identitylink l ON l.registration_id = r.id AND l.status = ANY(%(live)s)
WHERE r.organisation_id = %(organisation)s AND NOT r.deleted AND l.person_id = %(person)s
ORDER BY r.id DESC LIMIT 1
"""


def settings_of(organisation_id: UUID | None) -> dict[str, int]:
    """Every rule's number for a hospital: its own, else the province's, else the default."""
    rows = BookingSetting.objects.filter(Q(organisation=None) | Q(organisation=organisation_id))
    found = rows.order_by(F("organisation").asc(nulls_first=True)).values_list("name", "value")
    return {**SETTINGS, **dict(found)}


def schedules_visible_to(actor: Actor) -> QuerySet[Schedule]:
    """What hospitals have released, for whoever is signed in; also what was stopped since."""
    return Schedule.objects.exclude(status=ScheduleStatus.PLANNED).select_related(
        "organisation", "department", "practitioner"
    )


def bookable(schedules: QuerySet[Schedule], *, today: date, now: datetime) -> QuerySet[Schedule]:
    """Those that can be booked now, soonest first, with their `numbers` and how many are `left`."""
    found = open_schedules(schedules, today=today, now=now)
    return counted(found, now=now).order_by("starts_at", "id")


def open_schedules(
    schedules: QuerySet[Schedule], *, today: date, now: datetime
) -> QuerySet[Schedule]:
    """Those that can be booked now, if a number is left."""
    last_day = ExpressionWrapper(
        Value(today, DateField()) + _setting(DAYS_AHEAD), output_field=DateField()
    )
    return schedules.annotate(last_day=last_day).filter(
        status=ScheduleStatus.OPEN,
        starts_at__gte=_midnight(today),  # where the index is entered
        ends_at__gt=now,
        day__lte=F("last_day"),
    )


def counted(schedules: QuerySet[Schedule], *, now: datetime) -> QuerySet[Schedule]:
    """With their `numbers` and how many are `left`."""
    slots = Slot.objects.filter(node=OuterRef("node"), schedule=OuterRef("id"))
    free = slots.filter(status=SlotStatus.FREE, ends_at__gt=now)
    return schedules.annotate(
        numbers=_count(slots.exclude(status=SlotStatus.WITHDRAWN)), left=_count(free)
    )


def of_department(schedules: QuerySet[Schedule], standard: str) -> QuerySet[Schedule]:
    """Those of departments with this standard code, or one below it (`A03` holds `A03.01`)."""
    meant = Q(standard=standard) | Q(standard__startswith=f"{standard}.")
    departments = Department.objects.filter(meant)
    return schedules.filter(department_id__in=departments.values("id"))


def of_own_department(schedules: QuerySet[Schedule], code: str) -> QuerySet[Schedule]:
    """Those of the department to which its hospital gave this code."""
    return schedules.filter(department__code=code)


def hospitals_open(schedules: QuerySet[Schedule], city: str) -> QuerySet[Organisation]:
    """Institutions of a city that have one of these schedules, by name."""
    own = schedules.filter(node=city, organisation_id=OuterRef("id"))
    return Organisation.objects.filter(Exists(own), node=city).order_by("name", "code")


def departments_open(
    schedules: QuerySet[Schedule], organisation_id: UUID
) -> list[Mapping[str, Any]]:
    """Departments of an institution that have one of these schedules, with what is `left`, by name."""
    left: dict[UUID, int] = {}
    for schedule in schedules.filter(organisation_id=organisation_id):
        before = left.get(schedule.department_id, 0)
        left[schedule.department_id] = before + schedule.left  # type: ignore[attr-defined]
    found = Department.objects.filter(id__in=left).order_by("name", "code")
    return [
        {"code": one.code, "standard": one.standard, "name": one.name, "left": left[one.id]}
        for one in found
    ]


def on_day(schedules: QuerySet[Schedule], day: date) -> QuerySet[Schedule]:
    """Those of one day."""
    coming = max(day, timezone.localdate())  # a day long past has no midnight in the database
    return schedules.filter(day=day, starts_at__gte=_midnight(coming))


def after(schedules: QuerySet[Schedule], at: datetime, last: UUID) -> QuerySet[Schedule]:
    """Those behind a place in the order of `bookable`."""
    return schedules.filter(Q(starts_at__gt=at) | Q(starts_at=at, id__gt=last))


def schedule_of(organisation_id: UUID, source_key: str) -> Schedule | None:
    """The schedule a hospital published under this number."""
    found = Schedule.objects.filter(organisation_id=organisation_id, source_key=source_key)
    return found.first()


def periods_of(schedule: Schedule, *, now: datetime) -> list[Mapping[str, object]]:
    """The periods of a schedule with their numbers and how many are left."""
    slots = Slot.objects.filter(node=schedule.node, schedule=schedule)
    rows = (
        slots.exclude(status=SlotStatus.WITHDRAWN)
        .order_by("starts_at")
        .values("starts_at", "ends_at")
        .annotate(
            numbers=Count("id"), left=Count("id", filter=Q(status=SlotStatus.FREE, ends_at__gt=now))
        )
    )
    return list(rows)


def appointments_visible_to(actor: Actor) -> QuerySet[Appointment]:
    """A resident's own, and what a hospital sold."""
    found = Appointment.objects.select_related("organisation", "department", "practitioner")
    if actor.role is Role.RESIDENT and actor.person_id is not None:
        return found.filter(person_id__in=ids_of(actor.person_id))
    if actor.role is Role.HOSPITAL_SYSTEM and actor.organisation_id is not None:
        return found.filter(organisation_id=actor.organisation_id)
    return found.none()


def with_cancelling(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """With how many `days_before` the day each may last be cancelled."""
    return appointments.annotate(days_before=_setting(CANCEL_DAYS_BEFORE))


def latest_first(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """In the order of one's own list."""
    return appointments.order_by("-starts_at", "-id")


def before(appointments: QuerySet[Appointment], at: datetime, last: UUID) -> QuerySet[Appointment]:
    """Those behind a place in the order of `latest_first`."""
    return appointments.filter(Q(starts_at__lt=at) | Q(starts_at=at, id__lt=last))


def appointments_of(schedule: Schedule) -> QuerySet[Appointment]:
    """What was sold of a schedule, in order of numbers."""
    found = Appointment.objects.filter(node=schedule.node, schedule=schedule)
    return found.order_by("sequence", "id")


def ids_of(person_id: UUID) -> set[UUID]:
    """Every id under which this person may have booked."""
    return {person_id, *same_person(person_id)}


def open_appointments(person_ids: Iterable[UUID], *, now: datetime) -> QuerySet[Appointment]:
    """Booked and not over yet."""
    return Appointment.objects.filter(
        person_id__in=set(person_ids), status=AppointmentStatus.BOOKED, ends_at__gt=now
    )


def is_here(appointment_id: UUID) -> bool:
    """Whether an appointment of some city has arrived."""
    return Appointment.objects.filter(id=appointment_id).exists()


def is_on_its_way_or_here(key: str) -> bool:
    """Whether a booking under this key was reserved here or its appointment has arrived."""
    return (
        Reservation.objects.filter(key=key).exists()
        or Appointment.objects.filter(request_key=key).exists()
    )


def reservations_of(person_ids: Iterable[UUID]) -> list[Reservation]:
    """Bookings of a person that are on their way."""
    return list(Reservation.objects.filter(person_id__in=set(person_ids)).order_by("id"))


def registration_at(organisation_id: UUID, person_id: UUID) -> UUID | None:
    """The person's newest registration at a hospital, if this node knows of one."""
    asked: dict[str, Any] = {
        "organisation": organisation_id,
        "person": person_id,
        "live": list(LIVE),
    }
    with connection.cursor() as cursor:
        cursor.execute(REGISTRATION, asked)
        row = cursor.fetchone()
    return row[0] if row else None


def counts_of(schedule: Schedule) -> dict[str, int]:
    """Numbers of a schedule by status."""
    slots = Slot.objects.filter(node=schedule.node, schedule=schedule)
    return dict(slots.order_by().values_list("status").annotate(Count("id")))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _count(slots: QuerySet[Slot]) -> Coalesce:
    counted = slots.order_by().values("schedule").annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def _setting(name: str) -> Coalesce:
    rows = BookingSetting.objects.filter(name=name)
    own = rows.filter(organisation=OuterRef("organisation_id")).values("value")
    general = rows.filter(organisation=None).values("value")
    return Coalesce(
        Subquery(own), Subquery(general), Value(SETTINGS[name]), output_field=IntegerField()
    )
