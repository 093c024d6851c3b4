"""What a booking leaves: one's own list, and the audit row of an attempt."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kernel.audit.models import AuditRow
from tests.factories.appointments import AppointmentFactory, ScheduleFactory

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
    assert [one["day"] for one in listed] == [
        one.day.isoformat() for one in (tomorrows, todays, past)
    ]
