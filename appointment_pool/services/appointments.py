"""Residents take a number and give it back; what is on its way to a city counts already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from appointment_pool import selectors
from appointment_pool.errors import AlreadyBooked, LimitReached, SoldOut, TooLateToCancel
from appointment_pool.models import Appointment, Reservation, Schedule, Slot
from appointment_pool.rules import (
    CANCEL_DAYS_BEFORE,
    DAYS_AHEAD,
    MOST_OPEN,
    MOST_PER_DEPARTMENT_AND_DAY,
    may_cancel,
    refusal_to_book,
)
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
from kernel.commands.selectors import statuses_of
from kernel.events import services as events
from kernel.homes import uuid7
from kernel.postgres import locks
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
FROM taken
"""
TAKE_AT_ONCE = TAKE.format(next_free=f"{NEXT_FREE} SKIP LOCKED")
TAKE_IN_TURN = TAKE.format(next_free=NEXT_FREE)
"""One statement sells a number. What others are just taking is passed over; only when nothing else is
left are they waited for, since one of them may roll back."""

HOLD_SCHEDULE = "SELECT status FROM appointment_pool_schedule WHERE id = %s FOR SHARE"
UNSENT_SECONDS = 60
"""A reservation so old for which no command was stored was never sent: its process died."""


@transaction.atomic
def take_number(
    *, schedule_id: UUID, person_id: UUID, key: str, starts_at: datetime | None, by: Actor
) -> tuple[Appointment, UUID | None]:
    """At the city: a number of a schedule for a person, and the event that tells of it.

    The same key gives the same appointment. `starts_at` asks for a number of that period.
    """
    authorise_write(
        by, BOOK, facts=facts_of_own(by, person_id), person_id=person_id,
        resource_type="Schedule", resource_id=schedule_id,
    )  # fmt: skip
    locks.hold([f"booker/{person_id}"])
    earlier = Appointment.objects.filter(request_key=key).first()
    if earlier is not None:
        if (earlier.schedule_id, earlier.person_id) != (schedule_id, person_id):
            raise KeyReused
        return earlier, None
    schedule = Schedule.objects.filter(id=schedule_id).first()
    if schedule is None:
        raise NotVisible
    now, today = timezone.now(), timezone.localdate()
    limits = selectors.settings_of(schedule.organisation_id)
    refusal = refusal_to_book(
        status=schedule.status, day=schedule.day, ends_at=schedule.ends_at, today=today, now=now,
        days_ahead=limits[DAYS_AHEAD],
    )  # fmt: skip
    if refusal is not None:
        raise refusal
    _require_none_here(schedule, person_id, limits[MOST_PER_DEPARTMENT_AND_DAY])
    taken = _take(schedule, person_id, key, starts_at, now, by)
    event_id = events.record(
        "appointment.booked", subject_id=taken.id,
        related=[schedule.id, taken.slot_id, person_id], by=by,
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
def reserve(*, schedule: Schedule, person_id: UUID, key: str, by: Actor) -> None:
    """Before a booking leaves for its city: allow it, and count it against the person's limits.

    A repeat under the same key counts once, whatever became of it.
    """
    authorise_write(
        by, BOOK, facts=facts_of_own(by, person_id), person_id=person_id,
        resource_type="Schedule", resource_id=schedule.id,
    )  # fmt: skip
    locks.hold([f"booker/{person_id}"])
    if statuses_of([key]) or selectors.is_on_its_way_or_here(key):
        return
    now, ids = timezone.now(), selectors.ids_of(person_id)
    most = selectors.settings_of(None)[MOST_OPEN]
    on_their_way = _still_open(selectors.reservations_of(ids), now)
    if selectors.open_appointments(ids, now=now).count() + on_their_way >= most:
        raise LimitReached(facts={"limit": MOST_OPEN, "most": most})
    Reservation.objects.create(person_id=person_id, key=key, ends_at=schedule.ends_at)


def release(*, key: str) -> None:
    """The outcome of a booking is known here."""
    Reservation.objects.filter(key=key).delete()


def _require_none_here(schedule: Schedule, person_id: UUID, most: int) -> None:
    """Nobody takes two numbers of one schedule, nor more than so many of one department and day."""
    same_day = Appointment.objects.filter(
        organisation_id=schedule.organisation_id, department_id=schedule.department_id,
        day=schedule.day, person_id__in=selectors.ids_of(person_id),
        status=AppointmentStatus.BOOKED,
    )  # fmt: skip
    schedules = list(same_day.values_list("schedule_id", flat=True))
    if schedule.id in schedules:
        raise AlreadyBooked
    if len(schedules) >= most:
        raise LimitReached(facts={"limit": MOST_PER_DEPARTMENT_AND_DAY, "most": most})


def _take(
    schedule: Schedule, person_id: UUID, key: str, starts_at: datetime | None, now: datetime,
    by: Actor,
) -> Appointment:  # fmt: skip
    values: dict[str, Any] = {
        "id": uuid7(),
        "schedule_id": schedule.id,
        "organisation_id": schedule.organisation_id,
        "department_id": schedule.department_id,
        "practitioner_id": schedule.practitioner_id,
        "person_id": person_id,
        "registration_id": selectors.registration_at(schedule.organisation_id, person_id),
        "day": schedule.day,
        "fee": schedule.fee,
        "request_key": key,
        "booked_at": now,
        "booked_by": by.id,
        "wanted": starts_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE_AT_ONCE, values)
        if not cursor.rowcount:
            cursor.execute(TAKE_IN_TURN, values)
        if not cursor.rowcount:
            raise SoldOut
    return Appointment.objects.get(id=values["id"])


def _still_open(reservations: Sequence[Reservation], now: datetime) -> int:
    """How many may still become an appointment that is not here yet; those that cannot are let go."""
    keys = [one.key for one in reservations]
    arrived = set(
        Appointment.objects.filter(request_key__in=keys).values_list("request_key", flat=True)
    )
    statuses = statuses_of(keys)
    over = [
        one.id for one in reservations
        if one.key in arrived or one.ends_at <= now
        or (statuses.get(one.key) or 0) >= 400
        or (one.key not in statuses and (now - one.created_at).total_seconds() > UNSENT_SECONDS)
    ]  # fmt: skip
    Reservation.objects.filter(id__in=over).delete()
    return len(reservations) - len(over)
