"""Booking and cancelling from wherever somebody asks: here, or by command at the hospital's city."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from appointment_pool import selectors
from appointment_pool.errors import LimitReached
from appointment_pool.models import Appointment, Schedule
from appointment_pool.rules import MOST_OPEN
from appointment_pool.services import appointments
from appointment_pool.services.appointments import BOOK, CANCEL
from appointment_pool.states import AppointmentStatus
from kernel.access.errors import NotVisible
from kernel.access.services import authorise
from kernel.actor import Actor
from kernel.commands.errors import CityUnreachable, KeyReused
from kernel.commands.services import send
from kernel.problems import DomainError
from registry.persons.selectors import facts_of_own, survivor_of

PENDING = {
    "zh": "医院所在市州的节点没有应答。请稍后用同一个 Idempotency-Key 重试，不会重复预约；"
    "在此之前该预约仍可能完成，请查看“我的挂号”。",
    "en": "The hospital's city does not answer. Try again with the same Idempotency-Key: nothing is "
    "booked twice. Until then the booking may still come about; look at your appointments.",
}
CANCEL_PENDING = {
    "zh": "医院所在市州的节点没有应答，取消请求已保存并会自动重试，请稍后查看“我的挂号”。",
    "en": "The hospital's city does not answer. The request is kept and tried again; look at your "
    "appointments later.",
}


def book(*, schedule_id: UUID, starts_at: datetime | None, key: str, by: Actor) -> Appointment:
    """A number of a schedule for the resident who asks; the same key gives the same answer.

    Raises the city's refusal, or CityUnreachable while its answer is not known.
    """
    schedule = selectors.released_schedule(schedule_id)
    if schedule is None or by.person_id is None:
        authorise(by, BOOK, resource_type="Schedule", resource_id=schedule_id)
        raise NotVisible
    person_id = survivor_of(by.person_id)
    named = f"{person_id}/{key}"
    body = {
        "schedule": str(schedule_id),
        "person": str(person_id),
        "starts_at": starts_at.isoformat() if starts_at else None,
        "key": named,
    }
    resident = replace(by, person_id=person_id)
    if schedule.node == settings.NODE_CODE:
        answer = _booked_here(body, by, resident)
    else:
        most = appointments.reserve(schedule=schedule, person_id=person_id, key=named, by=by)
        if most is not None:
            raise LimitReached(facts={"limit": MOST_OPEN, "most": most})
        answer = _booked_there(schedule, body, resident)
    return _told(schedule, person_id, answer)


def cancel(*, appointment_id: UUID, by: Actor) -> Appointment:
    """Give a number back for the resident who booked it."""
    found = selectors.appointments_visible_to(by).filter(id=appointment_id).first()
    facts = facts_of_own(by, found.person_id if found else None)
    authorise(
        by, CANCEL, facts=facts, person_id=found.person_id if found else None,
        resource_type="Appointment", resource_id=appointment_id,
    )  # fmt: skip
    if found is None:
        raise NotVisible
    body = {"appointment": str(appointment_id)}
    patient = replace(by, person_id=found.person_id)
    if found.node == settings.NODE_CODE:
        answer = cancelled(body=body, by=patient)
    else:
        try:
            answer = send("appointments.cancel", to=found.node, body=body, by=patient)
        except CityUnreachable as error:
            raise CityUnreachable(CANCEL_PENDING, facts={"city": found.node}) from error
    found.status, found.cancel_reason = answer["status"], answer["cancel_reason"]
    return found


def taken(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """At the city: `appointments.book`, in the transaction that keeps its answer."""
    starts_at = body["starts_at"]
    appointment, event_id = appointments.take_number(
        schedule_id=UUID(body["schedule"]), person_id=UUID(body["person"]), key=body["key"],
        starts_at=datetime.fromisoformat(starts_at) if starts_at else None, by=by,
    )  # fmt: skip
    return {
        "id": str(appointment.id),
        "sequence": appointment.sequence,
        "starts_at": appointment.starts_at.isoformat(),
        "ends_at": appointment.ends_at.isoformat(),
        "fee": appointment.fee,
        "booked_at": appointment.booked_at.isoformat(),
        "event_id": str(event_id) if event_id else None,
    }


def cancelled(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """At the city: `appointments.cancel`."""
    appointment, event_id = appointments.give_back(
        appointment_id=UUID(body["appointment"]), by=by
    )  # fmt: skip
    return {
        "status": appointment.status,
        "cancel_reason": appointment.cancel_reason,
        "event_id": str(event_id) if event_id else None,
    }


def _booked_here(body: dict[str, Any], by: Actor, resident: Actor) -> dict[str, Any]:
    person_id = UUID(body["person"])
    authorise(  # its audit row stays, also when there is no number left
        by, BOOK, facts=facts_of_own(by, person_id), person_id=person_id,
        resource_type="Schedule", resource_id=UUID(body["schedule"]),
    )  # fmt: skip
    with transaction.atomic():
        return taken(body=body, by=resident)


def _booked_there(schedule: Schedule, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    key = str(body["key"])
    try:
        answer = send("appointments.book", to=schedule.node, body=body, by=by, key=key)
    except CityUnreachable as error:
        raise CityUnreachable(PENDING, facts={"city": schedule.node}) from error
    except KeyReused:  # what is reserved under the key belongs to its first use
        raise
    except DomainError:
        appointments.release(key=key)
        raise
    appointments.release_what_arrived(key=key, appointment_id=UUID(answer["id"]))
    return answer


def _told(schedule: Schedule, person_id: UUID, answer: dict[str, Any]) -> Appointment:
    """The appointment as its city told of it, whether or not its row has arrived."""
    return Appointment(
        id=UUID(answer["id"]),
        node=schedule.node,
        schedule=schedule,
        organisation=schedule.organisation,
        department=schedule.department,
        practitioner=schedule.practitioner,
        person_id=person_id,
        sequence=answer["sequence"],
        day=schedule.day,
        starts_at=datetime.fromisoformat(answer["starts_at"]),
        ends_at=datetime.fromisoformat(answer["ends_at"]),
        fee=answer["fee"],
        booked_at=datetime.fromisoformat(answer["booked_at"]),
        status=AppointmentStatus.BOOKED,
    )
