"""Hospitals publish schedules with their numbers, change them and stop them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from appointment_pool import selectors
from appointment_pool.errors import (
    BelowSold,
    ScheduleFixed,
    ScheduleStopped,
    ScheduleUnknown,
    WrongCity,
)
from appointment_pool.models import Appointment, Schedule, Slot
from appointment_pool.rules import LONGEST_PERIOD, Period, faults_of
from appointment_pool.states import (
    SCHEDULE_TRANSITIONS,
    AppointmentStatus,
    CancelReason,
    ScheduleStatus,
    SlotStatus,
)
from kernel.access.rules import AT_HOME
from kernel.access.services import authorise_write
from kernel.actor import Actor, Role
from kernel.events import services as events
from kernel.postgres import locks
from kernel.problems import FieldError, InputInvalid
from kernel.transitions import require_transition
from registry.organisations.models import Organisation
from registry.organisations.selectors import department_ids
from registry.practitioners.selectors import post_of

PUBLISH = "schedule.write"

# In the order in which buyers look for a free number, or they and we could wait for each other.
HOLD_NUMBERS = """
SELECT FROM appointment_pool_slot WHERE schedule_id = %s ORDER BY starts_at, sequence FOR UPDATE
"""
WITHDRAW = """
UPDATE appointment_pool_slot SET status = 'busy-unavailable' WHERE id IN (
  SELECT id FROM appointment_pool_slot
  WHERE schedule_id = %(schedule)s AND status = 'free' AND starts_at = %(starts_at)s
    AND ends_at = %(ends_at)s
  ORDER BY sequence DESC LIMIT %(number)s
)
"""
RELEASE = """
UPDATE appointment_pool_slot SET status = 'free' WHERE id IN (
  SELECT id FROM appointment_pool_slot
  WHERE schedule_id = %(schedule)s AND status = 'busy-unavailable' AND starts_at = %(starts_at)s
    AND ends_at = %(ends_at)s
  ORDER BY sequence LIMIT %(number)s
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a hospital publishes: codes as the hospital gave them, the fee in 分."""

    department: str
    practitioner: str | None
    day: date
    period: str
    fee: int
    status: str
    periods: Sequence[Period]


@transaction.atomic
def publish(*, organisation: Organisation, source_key: str, plan: Plan, by: Actor) -> Schedule:
    """Make a hospital's schedule what the plan says; sold numbers are never touched. Safe twice."""
    _require_own(organisation, by)
    longest = selectors.settings_of(organisation.id)[LONGEST_PERIOD]
    if faults := faults_of(plan.periods, longest_minutes=longest):
        raise InputInvalid(errors=faults)
    locks.hold([f"schedule/{organisation.id}/{source_key}"])
    wanted = _schedule_of(organisation, source_key, plan)
    found = _held(organisation, source_key)
    if found is None:
        wanted.save(force_insert=True)
        wanted.node = organisation.node
        changed = True
    else:
        changed = _follow(found, wanted)
        wanted = found
    changed |= _set_numbers(wanted, plan.periods)
    if changed:
        events.record("schedule.published", subject_id=wanted.id, by=by)
    return wanted


@transaction.atomic
def stop(*, organisation: Organisation, source_key: str, by: Actor) -> Schedule:
    """Stop a schedule (停诊): no number is sold any more, coming appointments are cancelled. Safe twice."""
    _require_own(organisation, by)
    schedule = _held(organisation, source_key)
    if schedule is None:
        raise ScheduleUnknown(facts={"schedule": source_key})
    if schedule.status == ScheduleStatus.STOPPED:
        return schedule
    require_transition(SCHEDULE_TRANSITIONS, current=schedule.status, target=ScheduleStatus.STOPPED)
    now = timezone.now()
    schedule.status, schedule.changed_at = ScheduleStatus.STOPPED, now
    schedule.save(update_fields=["status", "changed_at"])
    _hold_numbers(schedule)
    schedule.slots.filter(status=SlotStatus.FREE).update(status=SlotStatus.WITHDRAWN)
    coming = Appointment.objects.filter(
        schedule=schedule, status=AppointmentStatus.BOOKED, ends_at__gt=now
    )
    cancelled = list(coming.select_for_update().order_by("id"))
    coming.filter(id__in=[one.id for one in cancelled]).update(
        status=AppointmentStatus.CANCELLED, cancel_reason=CancelReason.PROVIDER, cancelled_at=now,
        cancelled_by=by.id,
    )  # fmt: skip
    schedule.slots.filter(appointment_id__in=[one.id for one in cancelled]).update(
        status=SlotStatus.WITHDRAWN, appointment_id=None
    )
    news = [
        events.NewEvent("appointment.cancelled", one.id, [schedule.id, one.person_id])
        for one in cancelled
    ]
    events.record_all([events.NewEvent("schedule.stopped", schedule.id), *news], by=by)
    return schedule


def _require_own(organisation: Organisation, by: Actor) -> None:
    is_own = by.role is Role.HOSPITAL_SYSTEM and organisation.id == by.organisation_id
    authorise_write(
        by, PUBLISH, facts=AT_HOME if is_own else frozenset(), organisation_id=organisation.id,
        resource_type="Schedule",
    )  # fmt: skip
    if organisation.node != settings.NODE_CODE:
        raise WrongCity(facts={"city": organisation.node})


def _held(organisation: Organisation, source_key: str) -> Schedule | None:
    """The schedule with its row locked against cancelling, not against booking."""
    found = Schedule.objects.select_for_update(no_key=True)
    return found.filter(organisation=organisation, source_key=source_key).first()


def _schedule_of(organisation: Organisation, source_key: str, plan: Plan) -> Schedule:
    department = department_ids(organisation.id, [plan.department]).get(plan.department)
    post = post_of(organisation.id, plan.practitioner) if plan.practitioner else None
    unknown = []
    if department is None:
        unknown.append(("department", {"zh": "没有这个科室", "en": "no such department"}))
    if plan.practitioner and post is None:
        unknown.append(("practitioner", {"zh": "没有这位医师", "en": "no such doctor"}))
    if department is None or unknown:
        raise InputInvalid(errors=[FieldError(field, "unknown", text) for field, text in unknown])
    return Schedule(
        organisation=organisation,
        source_key=source_key,
        department_id=department,
        practitioner_id=post.practitioner_id if post else None,
        title=post.title if post else "",
        day=plan.day,
        period=plan.period,
        fee=plan.fee,
        status=plan.status,
        starts_at=_at(plan.day, plan.periods[0].starts),
        ends_at=_at(plan.day, plan.periods[-1].ends),
        changed_at=timezone.now(),
    )


def _follow(found: Schedule, wanted: Schedule) -> bool:
    """Bring fee, release and times up to date; whether anything differed."""
    fixed = ("department_id", "practitioner_id", "day", "period")
    if any(getattr(found, name) != getattr(wanted, name) for name in fixed):
        raise ScheduleFixed
    if found.status == ScheduleStatus.STOPPED:
        raise ScheduleStopped
    if found.status != wanted.status:
        target = ScheduleStatus(wanted.status)
        require_transition(SCHEDULE_TRANSITIONS, current=found.status, target=target)
    changing = ("fee", "status", "starts_at", "ends_at")
    differing = [name for name in changing if getattr(found, name) != getattr(wanted, name)]
    for name in [*differing, "changed_at"] if differing else ():
        setattr(found, name, getattr(wanted, name))
    if differing:
        found.save(update_fields=[*differing, "changed_at"])
    return bool(differing)


def _set_numbers(schedule: Schedule, periods: Sequence[Period]) -> bool:
    """Have so many numbers in each period; whether anything changed. The schedule is held."""
    there: dict[tuple[datetime, datetime], int] = {}
    present = schedule.slots.exclude(status=SlotStatus.WITHDRAWN)
    for times in present.values_list("starts_at", "ends_at"):
        there[times] = there.get(times, 0) + 1
    wanted = {
        (_at(schedule.day, one.starts), _at(schedule.day, one.ends)): one.numbers
        for one in periods
    }  # fmt: skip
    if any(there[times] > wanted.get(times, 0) for times in there):
        _hold_numbers(schedule)
    changed = False
    for times in sorted(there.keys() | wanted.keys()):
        more = wanted.get(times, 0) - there.get(times, 0)
        if more > 0:
            _add_numbers(schedule, times, more)
        elif more < 0:
            _withdraw_numbers(schedule, times, -more)
        changed |= more != 0
    return changed


def _hold_numbers(schedule: Schedule) -> None:
    """Wait for bookings under way, which the next statement sees; those that come wait for us."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_NUMBERS, [schedule.id])


def _add_numbers(schedule: Schedule, times: tuple[datetime, datetime], number: int) -> None:
    starts_at, ends_at = times
    released = _moved(RELEASE, schedule, times, number)
    last = schedule.slots.aggregate(last=Max("sequence"))["last"] or 0
    Slot.objects.bulk_create(
        Slot(schedule=schedule, sequence=last + place, starts_at=starts_at, ends_at=ends_at)
        for place in range(1, number - released + 1)
    )


def _withdraw_numbers(schedule: Schedule, times: tuple[datetime, datetime], number: int) -> None:
    if _moved(WITHDRAW, schedule, times, number) < number:
        facts = {"starts_at": times[0].isoformat(), "sold": _sold(schedule, times)}
        raise BelowSold(facts=facts)


def _moved(
    statement: str, schedule: Schedule, times: tuple[datetime, datetime], number: int
) -> int:
    """Have so many numbers of a period released or withdrawn; how many there were."""
    asked: dict[str, Any] = {
        "schedule": schedule.id, "starts_at": times[0], "ends_at": times[1], "number": number,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return int(cursor.rowcount)


def _sold(schedule: Schedule, times: tuple[datetime, datetime]) -> int:
    return schedule.slots.filter(
        starts_at=times[0], ends_at=times[1], status=SlotStatus.BUSY
    ).count()


def _at(day: date, of_day: time) -> datetime:
    return datetime.combine(day, of_day, ZoneInfo(settings.TIME_ZONE))
