"""Reading schedules, numbers left and appointments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

from appointment_pool.models import Appointment, BookingSetting, Schedule, Slot
from appointment_pool.rules import CANCEL_DAYS_BEFORE, DAYS_AHEAD, SETTINGS
from appointment_pool.states import ScheduleStatus, SlotStatus
from kernel.actor import Actor, Role
from kernel.postgres import prepared
from registry.organisations.models import Department, Organisation
from registry.persons.selectors import same_person
from registry.persons.states import LIVE
from registry.practitioners.models import Practitioner

OF_HOSPITAL = ("id", "code", "name", "address", "phone")
OF_DEPARTMENT = ("id", "code", "standard", "name")
OF_DOCTOR = ("id", "name")
RELEASED = f"""
SELECT s.node, s.day, s.ends_at, ARRAY[{", ".join(f"o.{name}::text" for name in OF_HOSPITAL)}],
  ARRAY[{", ".join(f"d.{name}::text" for name in OF_DEPARTMENT)}],
  ARRAY[{", ".join(f"p.{name}::text" for name in OF_DOCTOR)}]
FROM appointment_pool_schedule s
JOIN organisations_organisation o ON o.id = s.organisation_id
JOIN organisations_department d ON d.id = s.department_id
LEFT JOIN practitioners_practitioner p ON p.id = s.practitioner_id
WHERE s.id = %s AND s.status <> 'planned'
"""  # noqa: S608
SAME_PERSON = """
survivor AS (
  SELECT coalesce((SELECT survivor_id FROM persons_person WHERE id = %(person)s), %(person)s::uuid) AS id
), same AS (
  SELECT array_agg(id) AS ids FROM (
    SELECT %(person)s::uuid AS id UNION ALL SELECT id FROM survivor
    UNION ALL SELECT p.id FROM persons_person p JOIN survivor ON p.survivor_id = survivor.id
  ) every
)"""
"""Every id under which a person may have booked, as `ids_of` gives them."""
STILL_OPEN = """
(SELECT count(*) FROM appointment_pool_appointment
 WHERE person_id = ANY((SELECT ids FROM same)::uuid[]) AND status = 'booked' AND ends_at > %(now)s)"""
STANDING = f"""
WITH {SAME_PERSON}
SELECT
  EXISTS (SELECT FROM appointment_pool_appointment WHERE request_key = %(key)s),
  s.organisation_id, s.department_id, s.practitioner_id, s.status, s.day, s.ends_at, s.fee,
  (SELECT json_object_agg(name, value ORDER BY organisation_id NULLS FIRST)
   FROM appointment_pool_bookingsetting
   WHERE organisation_id IS NULL OR organisation_id = s.organisation_id),
  {STILL_OPEN},
  ARRAY(
    SELECT a.schedule_id FROM appointment_pool_appointment a
    WHERE a.person_id = ANY((SELECT ids FROM same)::uuid[]) AND a.status = 'booked'
      AND a.organisation_id = s.organisation_id AND a.department_id = s.department_id
      AND a.day = s.day),
  (SELECT r.id FROM patients_patientregistration r
   JOIN persons_identitylink l ON l.registration_id = r.id AND l.status = ANY(%(live)s::text[])
   WHERE r.organisation_id = s.organisation_id AND NOT r.deleted AND l.person_id = %(person)s
   ORDER BY r.id DESC LIMIT 1)
FROM (SELECT) asked LEFT JOIN appointment_pool_schedule s ON s.id = %(schedule)s
"""  # noqa: S608
"""All that a city must know to sell a number, in one look; the settings' last value of a name counts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a schedule and a person who asks for a number of it stand.

    `here` are the schedules of the same department and day of which the person has a number.
    """

    repeated: bool
    organisation_id: UUID | None
    department_id: UUID
    practitioner_id: UUID | None
    status: str
    day: date
    ends_at: datetime
    fee: int
    own_settings: Mapping[str, int] | None
    open: int
    here: Sequence[UUID]
    registration_id: UUID | None

    @property
    def limits(self) -> Mapping[str, int]:
        """Every rule's number, as `settings_of` gives them."""
        return {**SETTINGS, **(self.own_settings or {})}


def settings_of(organisation_id: UUID | None) -> dict[str, int]:
    """Every rule's number for a hospital: its own, else the province's, else the default."""
    rows = BookingSetting.objects.filter(Q(organisation=None) | Q(organisation=organisation_id))
    found = rows.order_by(F("organisation").asc(nulls_first=True)).values_list("name", "value")
    return {**SETTINGS, **dict(found)}


def set_for(organisation_id: UUID | None) -> dict[str, int]:
    """The numbers that were set for a hospital, or for the province."""
    rows = BookingSetting.objects.filter(organisation=organisation_id)
    return dict(rows.values_list("name", "value"))


def schedules_visible_to(actor: Actor) -> QuerySet[Schedule]:
    """What hospitals have released, for whoever is signed in; also what was stopped since."""
    return Schedule.objects.exclude(status=ScheduleStatus.PLANNED).select_related(
        "organisation", "department", "practitioner"
    )


def released_schedule(schedule_id: UUID) -> Schedule | None:
    """One of `schedules_visible_to`, with what an answer says of it.

    A crowd asks for this, hence without the ORM.
    """
    with connection.cursor() as cursor:
        prepared.execute(cursor, RELEASED, [schedule_id])
        row = cursor.fetchone()
    if row is None:
        return None
    node, day, ends_at, hospital, department, doctor = row
    return Schedule(
        id=schedule_id, node=node, day=day, ends_at=ends_at,
        organisation=Organisation(**dict(zip(OF_HOSPITAL, hospital, strict=True))),
        department=Department(**dict(zip(OF_DEPARTMENT, department, strict=True))),
        practitioner=Practitioner(**dict(zip(OF_DOCTOR, doctor, strict=True))) if doctor[0] else None,
    )  # fmt: skip


def standing(*, schedule_id: UUID, person_id: UUID, key: str, now: datetime) -> Standing:
    """How things stand when a person asks for a number; without `organisation_id` if there is no such
    schedule."""
    asked: dict[str, Any] = {
        "schedule": schedule_id, "person": person_id, "key": key, "now": now, "live": list(LIVE),
    }  # fmt: skip
    with connection.cursor() as cursor:
        prepared.execute(cursor, STANDING, asked)
        return Standing(*cursor.fetchone())


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
