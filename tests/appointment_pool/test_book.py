"""Numbers are sold and given back where their hospital is."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointment_pool import booking
from appointment_pool.models import Appointment, BookingSetting, Reservation, Slot
from appointment_pool.services import appointments
from kernel.access import context
from kernel.access.errors import NotVisible, Refused
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.commands.errors import KeyReused
from kernel.events.models import Event
from kernel.homes import uuid7
from tests.appointment_pool.conftest import booked, cancelled, problem
from tests.factories.appointments import (
    NINE,
    TEN,
    AppointmentFactory,
    ScheduleFactory,
    SlotFactory,
    at,
    day,
)  # fmt: skip
from tests.factories.registry import PersonFactory, actor_of
from tests.factories.signed_in import as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]


@pytest.fixture
def schedule(hospital):
    """Two numbers, tomorrow from eight to nine."""
    return ScheduleFactory(organisation=hospital)


def somebody():
    return as_somebody(Role.RESIDENT, person_id=PersonFactory().id)


def nothing_happened(schedule) -> bool:
    return (
        not Appointment.objects.filter(schedule=schedule).exists()
        and not schedule.slots.exclude(status="free").exists()
        and not Event.objects.exists()
        and not Reservation.objects.exists()
    )


def test_the_first_free_number(book, schedule, person, hospital):
    answer = book(schedule)

    made = Appointment.objects.get()
    assert (answer.status_code, answer.json()) == (201, {
        "id": str(made.id), "schedule": str(schedule.id), "city": hospital.node,
        "city_name": hospital.node,
        "hospital": {"code": hospital.code, "name": hospital.name, "address": "", "phone": ""},
        "department": {
            "code": schedule.department.code, "standard": "A03.01", "name": "呼吸内科",
        },
        "practitioner": None, "sequence": 1, "day": day().isoformat(),
        "starts_at": f"{day()}T08:00:00+08:00", "ends_at": f"{day()}T09:00:00+08:00", "fee": 2500,
        "status": "booked", "cancel_reason": "", "cancel_by": day(0).isoformat(),
        "may_cancel": True,
    })  # fmt: skip
    slot = Slot.objects.get(sequence=1)
    assert (slot.status, slot.appointment_id, made.slot_id) == ("busy", made.id, slot.id)
    assert (made.person_id, made.request_key) == (person.id, f"{person.id}/key-0001")
    told = Event.objects.get()
    assert (told.name, told.subject_id) == ("appointment.booked", made.id)
    assert told.related == [schedule.id, slot.id, person.id]
    assert not Reservation.objects.exists()


def test_who_booked_is_audited(book, schedule, person):
    book(schedule)

    rows = AuditRow.objects.filter(action="appointment.book")
    assert {(one.outcome, one.person_id, one.resource_id) for one in rows} == {
        ("allowed", person.id, schedule.id)
    }


def test_the_same_key_gives_the_same_answer(book, schedule):
    first = book(schedule)

    assert book(schedule).content == first.content
    assert Appointment.objects.count() == 1
    assert Event.objects.count() == 1


def test_a_repeat_is_answered_although_the_limit_is_reached(book, schedule, arrives):
    first = book(schedule)
    with arrives():
        BookingSetting.objects.create(name="most-open", value=1)

    assert book(schedule).content == first.content
    other = ScheduleFactory(ahead=2)
    answer = book(other, key="key-0002")
    assert problem(answer) == (409, "limit-reached")
    assert answer.json()["facts"] == {"limit": "most-open", "most": 1}
    assert not Appointment.objects.filter(schedule=other).exists()


def test_the_same_key_for_something_else_is_refused(book, schedule):
    book(schedule)
    other = ScheduleFactory(ahead=2)

    assert problem(book(other)) == (409, "idempotency-key-reused")
    assert not Appointment.objects.filter(schedule=other).exists()


def test_the_key_of_another_person_is_another_key(book, schedule):
    first, second = book(schedule), booked(somebody(), schedule)

    assert (first.json()["sequence"], second.json()["sequence"]) == (1, 2)


@pytest.mark.parametrize("key", [None, "short", "k" * 129, "with space", "字" * 8])
def test_without_a_fit_key_nothing_is_booked(resident, schedule, key):
    headers = {} if key is None else {"Idempotency-Key": key}

    answer = resident.post(
        "/api/v1/appointments", {"schedule": str(schedule.id)}, content_type="application/json",
        headers=headers,
    )  # fmt: skip

    assert problem(answer) == (422, "input-invalid")
    assert nothing_happened(schedule)


def test_sold_out(book, hospital):
    schedule = ScheduleFactory(organisation=hospital, numbers=1)
    assert booked(somebody(), schedule).status_code == 201

    assert problem(book(schedule)) == (409, "sold-out")
    assert Appointment.objects.count() == 1
    assert not Reservation.objects.exists()


def test_a_number_of_the_wanted_period(book, schedule):
    late = SlotFactory(schedule=schedule, sequence=3, starts_at=at(NINE), ends_at=at(TEN))

    answer = book(schedule, starts_at=at(NINE).isoformat())

    assert (answer.json()["sequence"], answer.json()["starts_at"]) == (3, f"{day()}T09:00:00+08:00")
    assert problem(booked(somebody(), schedule, starts_at=at(NINE).isoformat())) == (
        409,
        "sold-out",
    )
    assert Slot.objects.get(id=late.id).status == "busy"


def test_not_twice_in_one_schedule(book, schedule):
    book(schedule)

    assert problem(book(schedule, key="key-0002")) == (409, "already-booked")
    assert Appointment.objects.count() == 1


def test_one_a_department_and_day_unless_the_province_allows_more(book, schedule, arrives):
    book(schedule)
    afternoon = ScheduleFactory(organisation=schedule.organisation, department=schedule.department)

    answer = book(afternoon, key="key-0002")

    assert problem(answer) == (409, "limit-reached")
    assert answer.json()["facts"] == {"limit": "most-per-department-and-day", "most": 1}
    assert not Appointment.objects.filter(schedule=afternoon).exists()
    with arrives():
        BookingSetting.objects.create(name="most-per-department-and-day", value=2)
    assert book(afternoon, key="key-0003").status_code == 201


def test_another_department_or_day_is_free(book, schedule):
    book(schedule)
    same = {"organisation": schedule.organisation}

    assert book(ScheduleFactory(**same), key="key-0002").status_code == 201
    later = ScheduleFactory(**same, department=schedule.department, ahead=2)
    assert book(later, key="key-0003").status_code == 201


@pytest.mark.parametrize(("language", "title"), [("zh", "号源已约满"), ("en", "Sold out")])
def test_refusals_are_said_in_both_languages(person, hospital, language, title):
    schedule = ScheduleFactory(organisation=hospital, numbers=0)
    client = as_somebody(Role.RESIDENT, person_id=person.id, **{"Accept-Language": language})

    assert booked(client, schedule).json()["title"] == title


@pytest.mark.covers("S004-32")
def test_days_ahead_are_a_setting_of_the_hospital(book, hospital, arrives):
    far = ScheduleFactory(organisation=hospital, ahead=8)
    answer = book(far)
    assert problem(answer) == (409, "not-open-yet")
    assert answer.json()["facts"] == {"opens": day(1).isoformat()}
    assert nothing_happened(far)
    with arrives():
        BookingSetting.objects.create(name="days-ahead", organisation=hospital, value=14)

    assert book(far, key="key-0002").status_code == 201


def test_what_is_over_cannot_be_booked(book, hospital):
    past = ScheduleFactory(organisation=hospital, ahead=-1)

    assert problem(book(past)) == (409, "schedule-over")
    assert nothing_happened(past)


def test_what_is_not_released_is_not_there(book, hospital):
    planned = ScheduleFactory(organisation=hospital, status="planned")

    assert problem(book(planned)) == (404, "not-found")
    assert nothing_happened(planned)


def test_only_residents_book_and_only_for_themselves(schedule, system, hospital):
    doctor = as_somebody(Role.CLINICIAN, organisation=hospital)
    nobody = as_somebody(Role.RESIDENT)

    assert [booked(one, schedule).status_code for one in (system, doctor, nobody)] == [
        403,
        403,
        404,
    ]
    assert nothing_happened(schedule)
    assert AuditRow.objects.filter(action="appointment.book", outcome="refused").count() == 3


def asked(schedule, person_id, key="key-0001"):
    return {
        "schedule": str(schedule.id), "person": str(person_id), "starts_at": None, "key": key,
    }  # fmt: skip


def test_the_city_decides_for_the_hubs_resident(schedule):
    person_id = uuid7()  # of whom this city has never heard
    somebody = actor_of(Role.RESIDENT, person_id=person_id)

    answer = booking.taken(body=asked(schedule, person_id), by=somebody)

    assert answer["event_id"] == str(Event.objects.get().id)
    assert answer["sequence"] == 1
    for stranger in (uuid7(), None):
        with context.request(), pytest.raises(NotVisible):
            booking.taken(
                body=asked(schedule, person_id, "key-0002"),
                by=actor_of(Role.RESIDENT, person_id=stranger),
            )
    with context.request(), pytest.raises(Refused):
        booking.taken(
            body=asked(schedule, person_id, "key-0002"),
            by=actor_of(Role.CLINICIAN, person_id=person_id),
        )
    assert Appointment.objects.count() == 1


def test_the_city_remembers_a_key_longer_than_the_command(schedule):
    person_id, other = uuid7(), ScheduleFactory()
    by = actor_of(Role.RESIDENT, person_id=person_id)
    first = booking.taken(body=asked(schedule, person_id), by=by)

    again = booking.taken(body=asked(schedule, person_id), by=by)

    assert (again["id"], again["event_id"]) == (first["id"], None)
    with pytest.raises(KeyReused):
        booking.taken(body=asked(other, person_id), by=by)


def test_a_schedule_the_city_does_not_have(schedule):
    person_id = uuid7()
    body = asked(schedule, person_id) | {"schedule": str(uuid7())}

    with pytest.raises(NotVisible):
        booking.taken(body=body, by=actor_of(Role.RESIDENT, person_id=person_id))


def test_a_number_given_back_is_free_again(book, resident, schedule, person):
    made = book(schedule).json()

    answer = cancelled(resident, made["id"])

    assert (answer.status_code, answer.json()) == (
        200, made | {"status": "cancelled", "cancel_reason": "pat", "may_cancel": False},
    )  # fmt: skip
    slot = Slot.objects.get(sequence=1)
    assert (slot.status, slot.appointment_id) == ("free", None)
    told = Event.objects.get(name="appointment.cancelled")
    assert (str(told.subject_id), told.related) == (made["id"], [schedule.id, slot.id, person.id])
    assert cancelled(resident, made["id"]).content == answer.content
    assert Event.objects.count() == 2
    assert book(schedule, key="key-0002").json()["sequence"] == 1


@pytest.fixture
def todays(hospital):
    """A schedule of today that begins in half an hour."""
    soon = timezone.now() + timedelta(minutes=30)
    return ScheduleFactory(
        organisation=hospital, ahead=0, starts_at=soon, ends_at=soon + timedelta(hours=1)
    )


@pytest.mark.covers("S002-70")
def test_a_number_of_today_may_be_given_back_until_its_time_comes(book, resident, todays):
    made = book(todays)
    assert made.status_code == 201

    assert cancelled(resident, made.json()["id"]).status_code == 200


@pytest.mark.covers("S004-37")
def test_what_was_booked_before_is_given_back_until_the_day_before(resident, person, todays):
    tomorrows = ScheduleFactory(organisation=todays.organisation)
    earlier = timezone.now() - timedelta(days=3)
    on_the_day, before = (
        AppointmentFactory(schedule=one, person_id=person.id, booked_at=earlier)
        for one in (todays, tomorrows)
    )

    assert problem(cancelled(resident, on_the_day.id)) == (409, "too-late-to-cancel")
    assert Appointment.objects.get(id=on_the_day.id).status == "booked"
    assert Slot.objects.get(id=on_the_day.slot_id).status == "busy"
    assert cancelled(resident, before.id).status_code == 200


def test_how_long_before_is_a_setting(resident, person, hospital, arrives):
    earlier = timezone.now() - timedelta(days=3)
    mine = AppointmentFactory(
        schedule=ScheduleFactory(organisation=hospital), person_id=person.id, booked_at=earlier
    )
    with arrives():
        BookingSetting.objects.create(name="cancel-days-before", value=2)

    assert problem(cancelled(resident, mine.id)) == (409, "too-late-to-cancel")


def test_nobody_gives_back_anothers_number(book, schedule, system):
    made = book(schedule).json()

    answers = [cancelled(one, made["id"]).status_code for one in (somebody(), system)]

    assert answers == [404, 403]
    assert Appointment.objects.get().status == "booked"
    with context.request(), pytest.raises(NotVisible):
        booking.cancelled(
            body={"appointment": made["id"]}, by=actor_of(Role.RESIDENT, person_id=uuid7())
        )
    assert AuditRow.objects.filter(action="appointment.cancel", outcome="refused").count() == 2


def test_an_appointment_the_city_does_not_have(resident, person):
    assert problem(cancelled(resident, uuid7())) == (404, "not-found")
    with context.request(), pytest.raises(NotVisible):
        booking.cancelled(
            body={"appointment": str(uuid7())},
            by=actor_of(Role.RESIDENT, person_id=person.id),
        )


def test_what_is_given_back_of_a_stopped_schedule_is_not_sold_again(resident, schedule, person):
    mine = AppointmentFactory(schedule=schedule, person_id=person.id)
    schedule.status = "stopped"
    schedule.save(update_fields=["status"])

    assert cancelled(resident, mine.id).status_code == 200
    assert Slot.objects.get(id=mine.slot_id).status == "busy-unavailable"


def test_the_database_has_the_last_word(schedule, person):
    first = AppointmentFactory(schedule=schedule, person_id=person.id)
    values = Appointment.objects.filter(id=first.id).values().get()
    twice = [
        {"person_id": uuid7(), "request_key": "a"},
        {"slot_id": schedule.slots.first().id, "request_key": "b"},
        {"slot_id": schedule.slots.first().id, "person_id": uuid7()},
    ]
    named = ["appointment_slot_once", "appointment_person_once", "appointment_request_once"]

    for changes, constraint in zip(twice, named, strict=True):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Appointment.objects.create(**values | {"id": uuid7()} | changes)
    with pytest.raises(IntegrityError, match="slot_busy_with_appointment"), transaction.atomic():
        schedule.slots.filter(status="free").update(status="busy")


def test_the_number_is_looked_for_again_before_it_is_said_to_be_sold_out(
    book, schedule, monkeypatch
):
    nothing = appointments.TAKE.format(next_free="SELECT NULL::uuid LIMIT 0")
    monkeypatch.setattr(appointments, "TAKE_AT_ONCE", nothing)

    assert book(schedule).json()["sequence"] == 1
