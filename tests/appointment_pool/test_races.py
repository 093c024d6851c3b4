"""Many book at once: as many are sold as there are, and not without the condition."""

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from appointment_pool.models import Appointment, Schedule, Slot
from appointment_pool.services import appointments
from kernel.actor import Role
from kernel.events.models import Event
from tests.appointment_pool.conftest import booked, cancelled
from tests.factories.appointments import DepartmentFactory, ScheduleFactory, day
from tests.factories.registry import PersonFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db(transaction=True)]

BOOKERS, CAPACITY = 16, 10
WITHOUT_THE_CONDITION = appointments.TAKE.format(
    next_free="SELECT id FROM appointment_pool_slot WHERE schedule_id = %(schedule_id)s"
    " AND (%(wanted)s::timestamptz IS NULL OR true) ORDER BY sequence LIMIT 1"
)


def residents(number: int) -> list[Any]:
    """So many different people, signed in."""
    return [as_somebody(Role.RESIDENT, person_id=PersonFactory().id) for _ in range(number)]


def at_once(*calls: Any) -> list[Any]:
    """Make each call from a thread of its own, all at the same moment; the answers."""
    together, answers = threading.Barrier(len(calls), timeout=20), {}

    def make(place):
        try:
            together.wait()
            answers[place] = calls[place]()
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=[place]) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [answers[place] for place in range(len(calls))]


def all_book(schedule: Any, bookers: list[Any]) -> Counter[int]:
    """How often each status is the answer."""
    for one in bookers:
        one.raise_request_exception = False
    calls = [lambda one=one: booked(one, schedule).status_code for one in bookers]
    return Counter(at_once(*calls))


def sold(schedule: Any) -> tuple[int, int]:
    """Appointments that stand, and numbers that were sold."""
    booked_now = Appointment.objects.filter(schedule=schedule, status="booked")
    return booked_now.count(), Slot.objects.filter(schedule=schedule, status="busy").count()


def test_sixteen_bookers_and_ten_numbers():
    schedule = ScheduleFactory(numbers=CAPACITY)

    answers = all_book(schedule, residents(BOOKERS))

    assert answers == {201: CAPACITY, 409: BOOKERS - CAPACITY}
    assert sold(schedule) == (CAPACITY, CAPACITY)
    slots = Appointment.objects.values_list("slot_id", "sequence")
    assert sorted(sequence for _, sequence in slots) == list(range(1, CAPACITY + 1))
    assert Event.objects.filter(name="appointment.booked").count() == CAPACITY


def test_without_the_condition_the_constraint_still_holds(monkeypatch):
    monkeypatch.setattr(appointments, "TAKE_AT_ONCE", WITHOUT_THE_CONDITION)
    schedule = ScheduleFactory(numbers=CAPACITY)

    answers = all_book(schedule, residents(BOOKERS))

    assert answers == {201: 1, 500: BOOKERS - 1}
    assert sold(schedule) == (1, 1)


def test_without_condition_and_constraint_it_is_oversold(monkeypatch):
    monkeypatch.setattr(appointments, "TAKE_AT_ONCE", WITHOUT_THE_CONDITION)
    schedule = ScheduleFactory(numbers=CAPACITY)
    as_owner("DROP INDEX appointment_slot_once")
    try:
        answers = all_book(schedule, residents(BOOKERS))
        oversold = sold(schedule)
    finally:
        Appointment.objects.all().delete()
        as_owner(
            "CREATE UNIQUE INDEX appointment_slot_once ON appointment_pool_appointment (slot_id)"
            " WHERE status = 'booked'"
        )

    assert answers == {201: BOOKERS}
    assert oversold == (BOOKERS, 1)


def as_owner(statement: str) -> None:
    """Change a table as the login that owns it."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE jianqiao_owner")
        cursor.execute(statement)
        cursor.execute("SET ROLE jianqiao_app")


def test_one_person_at_once_under_many_keys_gets_one_number():
    schedule = ScheduleFactory(numbers=CAPACITY)
    person = PersonFactory()
    clients = [as_somebody(Role.RESIDENT, person_id=person.id) for _ in range(6)]

    answers = at_once(*[
        lambda one=one, key=f"key-{place:04d}": booked(one, schedule, key)
        for place, one in enumerate(clients)
    ])  # fmt: skip

    assert Counter(one.status_code for one in answers) == {201: 1, 409: 5}
    assert sold(schedule) == (1, 1)


def test_one_key_at_once_many_times_is_one_number_and_one_answer():
    schedule = ScheduleFactory(numbers=CAPACITY)
    person = PersonFactory()
    clients = [as_somebody(Role.RESIDENT, person_id=person.id) for _ in range(6)]

    answers = at_once(*[lambda one=one: booked(one, schedule) for one in clients])

    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert sold(schedule) == (1, 1)


def test_fewer_and_fewer_numbers_while_all_book_are_never_fewer_than_sold(monkeypatch):
    monkeypatch.setattr(appointments, "TAKE_AT_ONCE", appointments.TAKE_IN_TURN)
    department = DepartmentFactory()
    hospital = department.organisation
    system = as_hospital(hospital)
    plan = {"department": department.code, "day": day().isoformat(), "period": "am", "fee": 0}

    def publish(numbers):
        periods = [{"starts": "08:00", "ends": "09:00", "numbers": numbers}]
        path = f"/api/v1/organisations/{hospital.code}/schedules/S-1"
        return system.put(path, plan | {"periods": periods}, content_type="application/json")

    publish(CAPACITY)
    schedule = Schedule.objects.get()

    answers = at_once(
        *[lambda one=one: booked(one, schedule).status_code for one in residents(8)],
        lambda: [publish(numbers).status_code for numbers in (9, 7, 5, 3, CAPACITY, 2)],
    )

    *bookings, changes = answers
    assert set(bookings) <= {201, 409}
    assert set(changes) <= {200, 409}
    assert sold(schedule) == (bookings.count(201), bookings.count(201))


def test_booking_and_giving_back_while_the_hospital_stops_leaves_nothing_free():
    schedule = ScheduleFactory(numbers=CAPACITY)
    holders, others = residents(5), residents(6)
    held = [booked(one, schedule).json()["id"] for one in holders]
    system = as_hospital(schedule.organisation)
    path = f"/api/v1/organisations/{schedule.organisation.code}/schedules/{schedule.source_key}"

    answers = at_once(
        *[lambda a=a, o=o: cancelled(a, o).status_code for a, o in zip(holders, held, strict=True)],
        lambda: system.post(f"{path}/stop").status_code,
        *[lambda one=one: booked(one, schedule).status_code for one in others],
    )

    assert set(answers) <= {200, 201, 409}
    assert answers[5] == 200
    assert sold(schedule) == (0, 0)
    assert set(Slot.objects.values_list("status", flat=True)) == {"busy-unavailable"}
