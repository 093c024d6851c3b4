"""What a booking leaves and costs: one's own list, the audit row of an attempt, few statements."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from appointment_pool import booking
from appointment_pool.services import appointments
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.homes import uuid7
from tests.factories.appointments import AppointmentFactory, ScheduleFactory, day
from tests.factories.registry import actor_of

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]


def test_an_attempt_that_finds_none_left_is_audited(book, person, hospital):
    book(ScheduleFactory(organisation=hospital, numbers=0))

    rows = AuditRow.objects.filter(action="appointment.book", person_id=person.id)
    assert [one.outcome for one in rows] == ["allowed"]


@pytest.mark.covers("S000-53", "S004-36")
def test_numbers_of_today_of_coming_days_and_of_the_past_are_listed(
    book, resident, person, hospital
):
    soon = timezone.now() + timedelta(minutes=30)
    todays = ScheduleFactory(
        organisation=hospital, ahead=0, starts_at=soon, ends_at=soon + timedelta(hours=1)
    )
    tomorrows = ScheduleFactory(organisation=hospital)
    past = ScheduleFactory(organisation=hospital, ahead=-1)
    was = AppointmentFactory(schedule=past, person_id=person.id)
    made = [book(one, key=f"key-{one.id}").json()["id"] for one in (todays, tomorrows)]

    listed = resident.get("/api/v1/me/appointments").json()["items"]

    assert [one["id"] for one in listed] == [*reversed(made), str(was.id)]
    assert [one["day"] for one in listed] == [day(ahead).isoformat() for ahead in (1, 0, -1)]


def test_a_sale_is_access_lock_look_take_and_event(hospital, django_assert_num_queries):
    schedule = ScheduleFactory(organisation=hospital)

    def sell():
        person_id = uuid7()
        asked = {"schedule": str(schedule.id), "person": str(person_id), "starts_at": None}
        by = actor_of(Role.RESIDENT, person_id=person_id)
        return booking.taken(body=asked | {"key": str(person_id)}, by=by)

    sell()  # prepares the statements
    with django_assert_num_queries(5):
        assert sell()["sequence"] == 2


@pytest.mark.node("hub")
def test_a_reservation_is_access_lock_and_count(django_assert_num_queries):
    schedule: Any = ScheduleFactory()

    def reserve():
        person_id = uuid7()
        by = actor_of(Role.RESIDENT, person_id=person_id)
        return appointments.reserve(
            schedule=schedule, person_id=person_id, key=str(person_id), by=by
        )

    reserve()
    with django_assert_num_queries(3 + 2):  # and a savepoint, for a test is a transaction
        assert reserve() is None
