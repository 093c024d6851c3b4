"""What a hospital's system does at its city: publish schedules, stop them, list what is sold."""

from datetime import date, datetime, time
from typing import Any, Literal
from uuid import UUID

from ninja import Field, Router, Schema

from appointment_pool import selectors
from appointment_pool.errors import ScheduleUnknown
from appointment_pool.models import Appointment, Schedule
from appointment_pool.rules import Period
from appointment_pool.services import schedules
from appointment_pool.states import SlotStatus
from kernel.access.rules import AT_HOME
from kernel.access.services import Concern, authorise, authorise_search
from kernel.actor import Role
from kernel.http import Code, SignedInRequest
from registry.organisations.selectors import organisation_by_code

router = Router(tags=["schedules of a hospital"])

MOST_PERIODS, MOST_NUMBERS, MOST_FEE = 48, 500, 1_000_000


class PeriodIn(Schema):
    """So many numbers between two times of the day."""

    starts: time
    ends: time
    numbers: int = Field(ge=1, le=MOST_NUMBERS)


class ScheduleIn(Schema):
    """A schedule as the hospital wants it; codes are the hospital's own, the fee in 分."""

    department: Code
    practitioner: Code | None = None
    day: date
    period: Literal["am", "pm", "evening"]
    fee: int = Field(ge=0, le=MOST_FEE)
    status: Literal["planned", "open"] = "open"
    periods: list[PeriodIn] = Field(min_length=1, max_length=MOST_PERIODS)


class PublishedOut(Schema):
    """What is published under the hospital's number."""

    id: UUID
    schedule: str
    status: str
    free: int
    sold: int
    withdrawn: int


class SoldNumber(Schema):
    """A number that is sold, or was and is cancelled; the patient's number where one is known."""

    id: UUID
    sequence: int
    starts_at: datetime
    ends_at: datetime
    person: UUID
    registration: UUID | None
    status: str
    cancel_reason: str
    booked_at: datetime


class SoldPage(Schema):
    """Every appointment of a schedule, in order of numbers."""

    items: list[SoldNumber]


@router.put("/organisations/{code}/schedules/{source_key}", response=PublishedOut)
def publish(
    request: SignedInRequest, code: Code, source_key: Code, wanted: ScheduleIn
) -> dict[str, object]:
    """Publish a schedule under the hospital's own number, or change its fee, release or numbers."""
    plan = schedules.Plan(
        department=wanted.department,
        practitioner=wanted.practitioner,
        day=wanted.day,
        period=wanted.period,
        fee=wanted.fee,
        status=wanted.status,
        periods=[Period(one.starts, one.ends, one.numbers) for one in wanted.periods],
    )
    made = schedules.publish(
        organisation=organisation_by_code(code), source_key=source_key, plan=plan, by=request.auth
    )
    return _published(made)


@router.post("/organisations/{code}/schedules/{source_key}/stop", response=PublishedOut)
def stop(request: SignedInRequest, code: Code, source_key: Code) -> dict[str, object]:
    """Stop a schedule: nothing is sold any more, coming appointments are cancelled."""
    stopped = schedules.stop(
        organisation=organisation_by_code(code), source_key=source_key, by=request.auth
    )
    return _published(stopped)


@router.get("/organisations/{code}/schedules/{source_key}/appointments", response=SoldPage)
def sold(request: SignedInRequest, code: Code, source_key: Code) -> dict[str, object]:
    """The appointments of a schedule, cancelled ones too."""
    actor, organisation = request.auth, organisation_by_code(code)
    is_own = actor.role is Role.HOSPITAL_SYSTEM and organisation.id == actor.organisation_id
    facts: frozenset[Any] = AT_HOME if is_own else frozenset()
    found = selectors.schedule_of(organisation.id, source_key) if is_own else None
    authorise(
        actor, "appointment.list", facts=facts, organisation_id=organisation.id,
        resource_type="Schedule", resource_id=found.id if found else None,
    )  # fmt: skip
    if found is None:
        raise ScheduleUnknown(facts={"schedule": source_key})
    rows = list(selectors.appointments_of(found))
    if rows:
        authorise_search(
            actor, "appointment.list",
            [Concern(row.registration_id, facts, 1, person_id=row.person_id) for row in rows],
            organisation_id=organisation.id, resource_type="Appointment",
        )  # fmt: skip
    return {"items": [_sold(row) for row in rows]}


def _published(schedule: Schedule) -> dict[str, object]:
    counts = selectors.counts_of(schedule)
    return {
        "id": schedule.id,
        "schedule": schedule.source_key,
        "status": schedule.status,
        "free": counts.get(SlotStatus.FREE, 0),
        "sold": counts.get(SlotStatus.BUSY, 0),
        "withdrawn": counts.get(SlotStatus.WITHDRAWN, 0),
    }


def _sold(row: Appointment) -> dict[str, object]:
    return {
        "id": row.id,
        "sequence": row.sequence,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "person": row.person_id,
        "registration": row.registration_id,
        "status": row.status,
        "cancel_reason": row.cancel_reason,
        "booked_at": row.booked_at,
    }
