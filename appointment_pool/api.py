"""Numbers for residents: found, booked, listed, given back."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from django.utils import timezone
from ninja import Header, Query, Router, Schema
from ninja.responses import Status
from pydantic import AwareDatetime, StringConstraints

from appointment_pool import booking, selectors
from appointment_pool.models import Appointment, Schedule
from appointment_pool.rules import CANCEL_DAYS_BEFORE, last_day_to_cancel, may_cancel
from appointment_pool.states import AppointmentStatus
from kernel.access.errors import NotVisible
from kernel.access.rules import ANYBODY_KNOWN
from kernel.access.services import authorise
from kernel.http import Code, SignedInRequest
from kernel.nodes.selectors import node_names
from registry.cursors import cursor_of, moment_and_id_in, page_of
from registry.organisations.selectors import organisation_by_code
from registry.persons.selectors import facts_of_own

router = Router(tags=["appointments"])

MOST_LISTED = 200

Key = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{8,128}$")]


class InstitutionOut(Schema):
    """A hospital."""

    code: str
    name: str
    address: str
    phone: str


class DepartmentOut(Schema):
    """A department; `standard` is its code in CT08.00.002."""

    code: str
    standard: str
    name: str


class PractitionerOut(Schema):
    """A doctor."""

    id: UUID
    name: str


class ScheduleOut(Schema):
    """A schedule with how many of its numbers are left; the fee in 分 (0.01 yuan)."""

    id: UUID
    city: str
    city_name: str
    hospital: InstitutionOut
    department: DepartmentOut
    practitioner: PractitionerOut | None
    title: str
    day: date
    period: str
    starts_at: datetime
    ends_at: datetime
    fee: int
    status: str
    numbers: int
    left: int


class PeriodOut(Schema):
    """Numbers between two times."""

    starts_at: datetime
    ends_at: datetime
    numbers: int
    left: int


class WholeScheduleOut(ScheduleOut):
    """A schedule with its periods; `cancel_by`: until which day what is booked today may be cancelled."""

    periods: list[PeriodOut]
    cancel_by: date


class SchedulePage(Schema):
    """A page, soonest first."""

    items: list[ScheduleOut]
    next: str | None


class ScheduleFilter(Schema):
    """What is looked for; `department` is a standard code, those below it included.

    `own_department` is the code that a hospital gave its department.
    """

    city: Code | None = None
    hospital: Code | None = None
    department: Code | None = None
    own_department: Code | None = None
    practitioner: UUID | None = None
    day: date | None = None
    cursor: str | None = None
    limit: int = 50


class AppointmentIn(Schema):
    """Which schedule, and from when on the wanted period lasts; any period if nothing is said."""

    schedule: UUID
    starts_at: AwareDatetime | None = None


class AppointmentOut(Schema):
    """A number somebody booked; the fee in 分 (0.01 yuan).

    `cancel_by` is the last day on which the patient may cancel, before the number's time.
    """

    id: UUID
    schedule: UUID
    city: str
    city_name: str
    hospital: InstitutionOut
    department: DepartmentOut
    practitioner: PractitionerOut | None
    sequence: int
    day: date
    starts_at: datetime
    ends_at: datetime
    fee: int
    status: str
    cancel_reason: str
    cancel_by: date
    may_cancel: bool


class AppointmentPage(Schema):
    """A page, the latest first."""

    items: list[AppointmentOut]
    next: str | None


@router.get("/schedules", response=SchedulePage)
def schedules(request: SignedInRequest, wanted: Query[ScheduleFilter]) -> dict[str, object]:
    """What can be booked now, with how many numbers are left."""
    authorise(request.auth, "schedule.read", facts=ANYBODY_KNOWN)
    found = selectors.bookable(
        selectors.schedules_visible_to(request.auth),
        today=timezone.localdate(), now=timezone.now(),
    )  # fmt: skip
    if wanted.city is not None:
        found = found.filter(node=wanted.city)
    if wanted.hospital is not None:
        found = found.filter(organisation_id=organisation_by_code(wanted.hospital).id)
    if wanted.department is not None:
        found = selectors.of_department(found, wanted.department)
    if wanted.own_department is not None:
        found = selectors.of_own_department(found, wanted.own_department)
    if wanted.practitioner is not None:
        found = found.filter(practitioner_id=wanted.practitioner)
    if wanted.day is not None:
        found = selectors.on_day(found, wanted.day)
    if wanted.cursor is not None:
        found = selectors.after(found, *moment_and_id_in(wanted.cursor))
    rows, more = page_of(found, wanted.limit, most=MOST_LISTED)
    place = cursor_of(rows[-1].starts_at.isoformat(), rows[-1].id) if more else None
    names = node_names()
    return {"items": [_schedule(one, names) for one in rows], "next": place}


@router.get("/schedules/{uuid:schedule_id}", response=WholeScheduleOut)
def schedule(request: SignedInRequest, schedule_id: UUID) -> dict[str, object]:
    """A schedule with its periods and how many numbers are left in each."""
    authorise(
        request.auth, "schedule.read", facts=ANYBODY_KNOWN, resource_type="Schedule",
        resource_id=schedule_id,
    )  # fmt: skip
    now = timezone.now()
    visible = selectors.schedules_visible_to(request.auth)
    found = selectors.counted(visible, now=now).filter(id=schedule_id).first()
    if found is None:
        raise NotVisible
    days_before = selectors.settings_of(found.organisation_id)[CANCEL_DAYS_BEFORE]
    last = last_day_to_cancel(
        day=found.day, booked_on=timezone.localdate(), days_before=days_before
    )
    periods = selectors.periods_of(found, now=now)
    return _schedule(found, node_names()) | {"periods": periods, "cancel_by": last}


@router.post("/appointments", response={201: AppointmentOut})
def book(
    request: SignedInRequest,
    wanted: AppointmentIn,
    key: Annotated[Key, Header(alias="Idempotency-Key")],
) -> Status[dict[str, object]]:
    """Book a number for oneself. The same key gives the same answer, however often it is sent."""
    booked = booking.book(
        schedule_id=wanted.schedule, starts_at=wanted.starts_at, key=key, by=request.auth
    )
    return Status(201, _told(booked))


@router.get("/me/appointments", response=AppointmentPage)
def own_appointments(
    request: SignedInRequest, cursor: str | None = None, limit: int = 50
) -> dict[str, object]:
    """One's own appointments, the latest first."""
    actor = request.auth
    visible = selectors.with_cancelling(selectors.appointments_visible_to(actor))
    found = selectors.latest_first(visible)
    if cursor is not None:
        found = selectors.before(found, *moment_and_id_in(cursor))
    rows, more = page_of(found, limit, most=MOST_LISTED)
    authorise(
        actor, "appointment.read", facts=facts_of_own(actor, actor.person_id),
        person_id=actor.person_id, resource_type="Appointment", count=len(rows),
    )  # fmt: skip
    place = cursor_of(rows[-1].starts_at.isoformat(), rows[-1].id) if more else None
    names = node_names()
    return {
        "items": [_appointment(one, one.days_before, names) for one in rows],  # type: ignore[attr-defined]
        "next": place,
    }


@router.get("/appointments/{uuid:appointment_id}", response=AppointmentOut)
def appointment(request: SignedInRequest, appointment_id: UUID) -> dict[str, object]:
    """One of one's own appointments."""
    actor = request.auth
    found = selectors.appointments_visible_to(actor).filter(id=appointment_id).first()
    person_id = found.person_id if found else None
    authorise(
        actor, "appointment.read", facts=facts_of_own(actor, person_id), person_id=person_id,
        resource_type="Appointment", resource_id=appointment_id,
    )  # fmt: skip
    if found is None:
        raise NotVisible
    return _told(found)


@router.post("/appointments/{uuid:appointment_id}/cancel", response=AppointmentOut)
def cancel(request: SignedInRequest, appointment_id: UUID) -> dict[str, object]:
    """Give a number back. Safe to repeat."""
    return _told(booking.cancel(appointment_id=appointment_id, by=request.auth))


def _schedule(row: Schedule, cities: Mapping[str, str]) -> dict[str, object]:
    return {
        "id": row.id,
        "city": row.node,
        "city_name": cities.get(row.node, row.node),
        "hospital": row.organisation,
        "department": row.department,
        "practitioner": row.practitioner,
        "title": row.title,
        "day": row.day,
        "period": row.period,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "fee": row.fee,
        "status": row.status,
        "numbers": row.numbers,  # type: ignore[attr-defined]
        "left": row.left,  # type: ignore[attr-defined]
    }


def _told(row: Appointment) -> dict[str, object]:
    days_before = selectors.settings_of(row.organisation_id)[CANCEL_DAYS_BEFORE]
    return _appointment(row, days_before, node_names())


def _appointment(
    row: Appointment, days_before: int, cities: Mapping[str, str]
) -> dict[str, object]:
    booked_on = timezone.localdate(row.booked_at)
    may = row.status == AppointmentStatus.BOOKED and may_cancel(
        day=row.day, starts_at=row.starts_at, booked_on=booked_on, today=timezone.localdate(),
        now=timezone.now(), days_before=days_before,
    )  # fmt: skip
    return {
        "id": row.id,
        "schedule": row.schedule_id,
        "city": row.node,
        "city_name": cities.get(row.node, row.node),
        "hospital": row.organisation,
        "department": row.department,
        "practitioner": row.practitioner,
        "sequence": row.sequence,
        "day": row.day,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "fee": row.fee,
        "status": row.status,
        "cancel_reason": row.cancel_reason,
        "cancel_by": last_day_to_cancel(day=row.day, booked_on=booked_on, days_before=days_before),
        "may_cancel": may,
    }
