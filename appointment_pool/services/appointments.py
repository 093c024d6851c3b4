"""Residents take a number and give it back; what is on its way to a city counts already."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from appointment_pool import selectors
from appointment_pool.errors import AlreadyBooked, LimitReached, SoldOut, TooLateToCancel
from appointment_pool.models import Appointment, Schedule, Slot
from appointment_pool.rules import (
    CANCEL_DAYS_BEFORE,
    DAYS_AHEAD,
    MOST_OPEN,
    MOST_PER_DEPARTMENT_AND_DAY,
    SETTINGS,
    may_cancel,
    refusal_to_book,
)
from appointment_pool.selectors import Standing
from appointment_pool.states import (
    APPOINTMENT_TRANSITIONS,
    AppointmentStatus,
    CancelReason,
    ScheduleStatus,
    SlotStatus,
)
from kernel.access.errors import NotVisible
from kernel.access.services import authorise_write
from kernel.actor import Actor
from kernel.commands.errors import KeyReused
from kernel.events import services as events
from kernel.homes import uuid7
from kernel.postgres import locks, prepared
from kernel.postgres.lazily import LAZILY
from kernel.transitions import require_transition
from registry.persons.selectors import facts_of_own

BOOK, CANCEL = "appointment.book", "appointment.cancel"

NEXT_FREE = """
  SELECT id FROM appointment_pool_slot
  WHERE schedule_id = %(schedule_id)s AND status = 'free' AND ends_at > %(booked_at)s
    AND (%(wanted)s::timestamptz IS NULL OR starts_at = %(wanted)s::timestamptz)
  ORDER BY starts_at, sequence LIMIT 1 FOR UPDATE
"""
TAKE = """
WITH taken AS (
  UPDATE appointment_pool_slot SET status = 'busy', appointment_id = %(id)s
  WHERE id = ({next_free}) RETURNING id, sequence, starts_at, ends_at
)
INSERT INTO appointment_pool_appointment (
  id, schedule_id, slot_id, organisation_id, department_id, practitioner_id, person_id,
  registration_id, sequence, day, starts_at, ends_at, fee, status, cancel_reason, request_key,
  booked_at, booked_by
)
SELECT %(id)s, %(schedule_id)s, id, %(organisation_id)s, %(department_id)s, %(practitioner_id)s,
  %(person_id)s, %(registration_id)s, sequence, %(day)s, starts_at, ends_at, %(fee)s, 'booked', '',
  %(request_key)s, %(booked_at)s, %(booked_by)s
FROM taken RETURNING slot_id, sequence, starts_at, ends_at
"""
TAKE_AT_ONCE = TAKE.format(next_free=f"{NEXT_FREE} SKIP LOCKED")
TAKE_IN_TURN = TAKE.format(next_free=NEXT_FREE)
"""One statement sells a number. What others are just taking is passed over; only when nothing else is
left are they waited for, since one of them may roll back."""

HOLD_SCHEDULE = "SELECT status FROM appointment_pool_schedule WHERE id = %s FOR SHARE"
UNSENT_SECONDS = 60
"""A reservation so old for which no command was stored was never sent: its process died."""

RESERVE = f"""
WITH {selectors.SAME_PERSON}, on_its_way AS (
  SELECT r.id, r.ends_at <= %(now)s OR c.status >= 400
    OR c.key IS NULL AND r.created_at < %(now)s - make_interval(secs => %(unsent)s)
    OR EXISTS (SELECT FROM appointment_pool_appointment a WHERE a.request_key = r.key) AS over
  FROM appointment_pool_reservation r LEFT JOIN commands_commandsent c ON c.key = r.key
  WHERE r.person_id = ANY((SELECT ids FROM same)::uuid[])
), let_go AS (
  DELETE FROM appointment_pool_reservation
  WHERE id IN (SELECT id FROM on_its_way WHERE over)
), counted AS (
  SELECT {selectors.STILL_OPEN} + (SELECT count(*) FROM on_its_way WHERE over IS NOT TRUE) AS number,
    coalesce((SELECT value FROM appointment_pool_bookingsetting
              WHERE name = %(name)s AND organisation_id IS NULL), %(usual)s) AS most,
    EXISTS (SELECT FROM commands_commandsent WHERE key = %(key)s)
      OR EXISTS (SELECT FROM appointment_pool_reservation WHERE key = %(key)s)
      OR EXISTS (SELECT FROM appointment_pool_appointment WHERE request_key = %(key)s) AS repeated
), reserved AS (
  INSERT INTO appointment_pool_reservation (person_id, key, ends_at)
  SELECT %(person)s, %(key)s, %(ends_at)s FROM counted WHERE NOT repeated AND number < most
  RETURNING true
)
SELECT repeated OR EXISTS (SELECT FROM reserved), most FROM counted
"""  # noqa: S608
"""What was on its way is let go where its outcome is known, or it never left; then the new one is counted
against what is still open. A reservation whose command has no answer yet has no status: `over` is null.
What is not let go at once, the next booking lets go; so a crash may undo it."""
RELEASE = f"DELETE FROM appointment_pool_reservation USING {LAZILY} WHERE key = %s"  # noqa: S608
RELEASE_ARRIVED = f"""{RELEASE}
AND EXISTS (SELECT FROM appointment_pool_appointment WHERE id = %s)"""


def take_number(
    *, schedule_id: UUID, person_id: UUID, key: str, starts_at: datetime | None, by: Actor
) -> tuple[Appointment, UUID | None]:
    """At the city: a number of a schedule for a person, and the event that tells of it.

    In the caller's transaction. The same key gives the same appointment. `starts_at` asks for a number of
    that period.
    """
    authorise_write(
        by, BOOK, facts=facts_of_own(by, person_id), person_id=person_id,
        resource_type="Schedule", resource_id=schedule_id,
    )  # fmt: skip
    locks.hold([f"booker/{person_id}"])
    now = timezone.now()
    standing = selectors.standing(schedule_id=schedule_id, person_id=person_id, key=key, now=now)
    if standing.repeated:
        return _earlier(schedule_id, person_id, key), None
    if standing.organisation_id is None:
        raise NotVisible
    refusal = refusal_to_book(
        status=standing.status, day=standing.day, ends_at=standing.ends_at,
        today=timezone.localdate(), now=now, days_ahead=standing.limits[DAYS_AHEAD],
    )  # fmt: skip
    if refusal is not None:
        raise refusal
    _require_room(schedule_id, standing)
    taken = _take(schedule_id, person_id, key, standing, starts_at, now, by)
    event_id = events.record(
        "appointment.booked", subject_id=taken.id,
        related=[schedule_id, taken.slot_id, person_id], by=by,
    )  # fmt: skip
    return taken, event_id


@transaction.atomic
def give_back(*, appointment_id: UUID, by: Actor) -> tuple[Appointment, UUID | None]:
    """At the city: cancel an appointment for its patient; the number is free again. Safe twice."""
    found = Appointment.objects.filter(id=appointment_id).values_list("person_id", "schedule_id")
    person_id, schedule_id = found.first() or (None, None)  # what is not there is nobody's own
    authorise_write(
        by, CANCEL, facts=facts_of_own(by, person_id), person_id=person_id,
        resource_type="Appointment", resource_id=appointment_id,
    )  # fmt: skip
    with connection.cursor() as cursor:  # so that the hospital cannot stop it meanwhile
        cursor.execute(HOLD_SCHEDULE, [schedule_id])
        (schedule_status,) = cursor.fetchone()
    booked = Appointment.objects.select_for_update().get(id=appointment_id)
    if booked.status == AppointmentStatus.CANCELLED:
        return booked, None
    now = timezone.now()
    allowed = may_cancel(
        day=booked.day, starts_at=booked.starts_at, booked_on=timezone.localdate(booked.booked_at),
        today=timezone.localdate(), now=now,
        days_before=selectors.settings_of(booked.organisation_id)[CANCEL_DAYS_BEFORE],
    )  # fmt: skip
    if not allowed:
        raise TooLateToCancel
    require_transition(
        APPOINTMENT_TRANSITIONS, current=booked.status, target=AppointmentStatus.CANCELLED
    )
    booked.status, booked.cancel_reason = AppointmentStatus.CANCELLED, CancelReason.PATIENT
    booked.cancelled_at, booked.cancelled_by = now, by.id
    booked.save(update_fields=["status", "cancel_reason", "cancelled_at", "cancelled_by"])
    stopped = schedule_status == ScheduleStatus.STOPPED
    Slot.objects.filter(id=booked.slot_id).update(
        status=SlotStatus.WITHDRAWN if stopped else SlotStatus.FREE, appointment_id=None
    )
    event_id = events.record(
        "appointment.cancelled", subject_id=booked.id,
        related=[booked.schedule_id, booked.slot_id, booked.person_id], by=by,
    )  # fmt: skip
    return booked, event_id


@transaction.atomic
def reserve(*, schedule: Schedule, person_id: UUID, key: str, by: Actor) -> int | None:
    """Before a booking leaves for its city: allow it, and count it against the person's limits.

    None, or how many open appointments are the most when there are as many. A repeat under the same key
    counts once, whatever became of it.
    """
    authorise_write(
        by, BOOK, facts=facts_of_own(by, person_id), person_id=person_id,
        resource_type="Schedule", resource_id=schedule.id,
    )  # fmt: skip
    locks.hold([f"booker/{person_id}"])
    asked = {
        "person": person_id, "key": key, "now": timezone.now(), "ends_at": schedule.ends_at,
        "name": MOST_OPEN, "usual": SETTINGS[MOST_OPEN], "unsent": UNSENT_SECONDS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        prepared.execute(cursor, RESERVE, asked)
        reserved, most = cursor.fetchone()
    return None if reserved else int(most)


def release(*, key: str) -> None:
    """A booking came to nothing."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, RELEASE, [key])


def release_what_arrived(*, key: str, appointment_id: UUID) -> None:
    """A booking's appointment counts from now on, if it is here."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, RELEASE_ARRIVED, [key, appointment_id])


def _earlier(schedule_id: UUID, person_id: UUID, key: str) -> Appointment:
    found = Appointment.objects.get(request_key=key)
    if (found.schedule_id, found.person_id) != (schedule_id, person_id):
        raise KeyReused
    return found


def _require_room(schedule_id: UUID, standing: Standing) -> None:
    """Nobody takes two numbers of one schedule, nor more than so many of one department and day, nor has
    more than so many open ones here; those of all cities the hub counts."""
    if schedule_id in standing.here:
        raise AlreadyBooked
    counted = {MOST_PER_DEPARTMENT_AND_DAY: len(standing.here), MOST_OPEN: standing.open}
    for name, number in counted.items():
        if number >= (most := standing.limits[name]):
            raise LimitReached(facts={"limit": name, "most": most})


def _take(
    schedule_id: UUID, person_id: UUID, key: str, standing: Standing, starts_at: datetime | None,
    now: datetime, by: Actor,
) -> Appointment:  # fmt: skip
    values: dict[str, Any] = {
        "id": uuid7(),
        "schedule_id": schedule_id,
        "organisation_id": standing.organisation_id,
        "department_id": standing.department_id,
        "practitioner_id": standing.practitioner_id,
        "person_id": person_id,
        "registration_id": standing.registration_id,
        "day": standing.day,
        "fee": standing.fee,
        "request_key": key,
        "booked_at": now,
        "booked_by": by.id,
        "wanted": starts_at,
    }
    with connection.cursor() as cursor:
        prepared.execute(cursor, TAKE_AT_ONCE, values)
        if not cursor.rowcount:
            prepared.execute(cursor, TAKE_IN_TURN, values)
        row = cursor.fetchone()
    if row is None:
        raise SoldOut
    slot_id, sequence, starts, ends = row
    return Appointment(
        id=values["id"], schedule_id=schedule_id, slot_id=slot_id, person_id=person_id,
        sequence=sequence, starts_at=starts, ends_at=ends, fee=standing.fee, booked_at=now,
    )  # fmt: skip
