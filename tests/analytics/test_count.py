"""Figures are counted in the cities from the rows themselves: often, again, and never twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from analytics import counting, tasks
from analytics.models import Activity, ClinicDay, Counted, NewPersons
from analytics.rules import midnight, period_of
from appointment_pool.models import Appointment, Schedule, Slot
from health_records.models import Attempt, Encounter
from kernel.homes import uuid7
from tests.factories.appointments import AppointmentFactory, ScheduleFactory
from tests.factories.records import EncounterFactory
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")
HUB = pytest.mark.node("hub")
ALL = ("visits", "booked", "cancelled", "registrations", "accepted", "refused", "resources")


def heard_of(hospital, **numbers):
    return Attempt.objects.create(
        organisation=hospital, **{"at": timezone.now(), "accepted": True} | numbers
    )


def visited(registration, at=None, **facts):
    return EncounterFactory(registration=registration, occurred_at=at or timezone.now(), **facts)


def total(hospital):
    """What was counted of a hospital, whatever the period."""
    rows = Activity.objects.filter(organisation=hospital)
    return {name: sum(getattr(row, name) for row in rows) for name in ALL}


def versions():
    """Which version of its row each figure is: it changes with every write."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, ctid::text FROM analytics_activity ORDER BY id")
        return cursor.fetchall()


@pytest.fixture
def whose(db):
    return RegistrationFactory()


@pytest.fixture
def hospital(whose):
    return whose.organisation


@CITY
def test_everything_that_happened_is_counted(whose, hospital):
    heard_of(hospital, stored=3)
    heard_of(hospital, accepted=False, refused=2)
    visited(whose)
    visited(whose, status_code="planned")
    visited(whose, deleted=True)
    schedule = ScheduleFactory(organisation=hospital, numbers=3)
    AppointmentFactory(schedule=schedule)
    AppointmentFactory(schedule=schedule)
    taken_back = AppointmentFactory(schedule=schedule)
    Slot.objects.filter(appointment_id=taken_back.id).update(status="free", appointment_id=None)
    Appointment.objects.filter(id=taken_back.id).update(
        status="cancelled", cancelled_at=timezone.now(), cancelled_by=uuid7(), cancel_reason="pat"
    )

    counting.count()

    assert total(hospital) == {
        "visits": 1, "booked": 3, "cancelled": 1, "registrations": 1, "accepted": 1, "refused": 1,
        "resources": 3,
    }  # fmt: skip
    numbers = ClinicDay.objects.get()
    assert numbers.organisation_id == hospital.id
    assert numbers.day == schedule.day
    assert (numbers.taken, numbers.free) == (2, 4)
    said = Counted.objects.get()
    assert said.node == settings.NODE_CODE
    assert said.until == said.changed_at


@CITY
def test_a_second_count_writes_nothing_but_goes_on_saying_that_it_counts(whose, hospital):
    heard_of(hospital)
    visited(whose)
    counting.count()
    before, said = versions(), Counted.objects.get()

    counting.count()
    assert (versions(), Counted.objects.get().until) == (before, said.until)

    Counted.objects.update(until=said.until - timedelta(seconds=6))
    counting.count()
    again = Counted.objects.get()
    assert versions() == before
    assert again.until > said.until
    assert again.changed_at == said.changed_at


@CITY
def test_what_is_told_of_later_belongs_to_the_time_when_it_began(whose, hospital):
    now = timezone.now()
    long_ago, before_that = now - timedelta(days=3), now - timedelta(days=30)
    heard_of(hospital)
    visited(whose, long_ago)
    visited(whose, long_ago)
    visited(whose, before_that)

    counting.count()

    counted = Activity.objects.get(begins_at=period_of(long_ago))
    assert (counted.visits, counted.accepted) == (2, 0)
    assert not Activity.objects.filter(begins_at__lt=now - timedelta(days=7)).exists()


@CITY
def test_a_visit_that_is_corrected_is_counted_where_it_is_now(whose, hospital):
    now = timezone.now()
    yesterday = now - timedelta(days=1)
    heard_of(hospital)
    moved, withdrawn = visited(whose, yesterday), visited(whose, now)
    counting.count()
    assert total(hospital)["visits"] == 2

    Encounter.objects.filter(id=withdrawn.id).update(status_code="entered-in-error")
    Encounter.objects.filter(id=moved.id).update(occurred_at=now)
    counting.count()
    counting.recount()

    assert Activity.objects.get(begins_at=period_of(yesterday)).visits == 0
    assert Activity.objects.get(begins_at=period_of(now)).visits == 1


@CITY
def test_what_happened_while_nobody_counted_is_counted_then(hospital):
    stopped = timezone.now() - timedelta(hours=3)
    Counted.objects.create(
        id=counting._own_id(), until=stopped - timedelta(minutes=1), changed_at=stopped
    )
    heard_of(hospital, id=f"{int(stopped.timestamp() * 1000):012x}70008" + 15 * "0")

    counting.count()

    assert Activity.objects.get(accepted=1).begins_at == period_of(stopped)


@CITY
def test_numbers_follow_a_schedule_that_is_stopped(hospital):
    schedule = ScheduleFactory(organisation=hospital, numbers=3)
    counting.count()
    assert ClinicDay.objects.values_list("taken", "free").get() == (0, 3)

    Slot.objects.filter(schedule=schedule).update(status="busy-unavailable")
    Schedule.objects.filter(id=schedule.id).update(status="stopped")
    counting.recount_numbers()

    assert ClinicDay.objects.values_list("taken", "free").get() == (0, 0)


@CITY
@pytest.mark.django_db(transaction=True)
def test_two_who_count_at_once_count_as_one():
    hospitals = [OrganisationFactory() for _ in range(3)]
    for number in range(60):
        heard_of(hospitals[number % 3])

    def count(_):
        try:
            counting.count()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(8)))
    counting.count()

    assert [total(one)["accepted"] for one in hospitals] == [20, 20, 20]


@CITY
def test_what_is_older_than_is_kept_is_let_go(whose, hospital):
    old = midnight(
        timezone.localdate() - timedelta(days=settings.FIGURES_KEEP_DAYS), "Asia/Shanghai"
    )
    Activity.objects.create(organisation=hospital, begins_at=old - timedelta(minutes=10))
    kept = Activity.objects.create(organisation=hospital, begins_at=old)
    ClinicDay.objects.create(
        organisation=hospital, day=old.date() - timedelta(days=2), taken=1, free=1
    )

    tasks.forget_old()

    assert list(Activity.objects.all()) == [kept]
    assert not ClinicDay.objects.exists()


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set, and the moments at which was counted; a count takes a tenth of a second."""
    now, counts = [100.0], []

    def long():
        counts.append(now[0])
        now[0] += 0.1

    monkeypatch.setattr("analytics.tasks.time.monotonic", lambda: now[0])
    monkeypatch.setattr(tasks, "pace", tasks.Pace())
    monkeypatch.setattr(counting, "count", long)
    monkeypatch.setattr(counting, "newest", lambda: None)
    return now, counts


def counted_at(clock, *moments):
    """At which of the moments was counted."""
    now, counts = clock
    counts.clear()
    for moment in moments:
        now[0] = moment
        tasks.count_in_time()
    return counts


def test_a_long_count_is_followed_by_a_long_rest(clock, monkeypatch):
    monkeypatch.setattr(counting, "newest", lambda: clock[0][0])

    assert counted_at(clock, 100.0, 101.0, 101.9, 102.3) == [100.0, 102.3]


def test_where_nothing_happens_is_counted_now_and_then(clock, monkeypatch):
    assert counted_at(clock, 100.0, 102.5, 104.9, 105.1, 109.0) == [100.0, 105.1]

    monkeypatch.setattr(counting, "newest", lambda: "another")
    assert counted_at(clock, 109.5, 112.0, 114.4, 114.9, 116.0) == [109.5, 112.0, 114.4]


@CITY
def test_the_newest_changes_with_whatever_happens(hospital):
    seen = [counting.newest()]
    heard_of(hospital)
    seen.append(counting.newest())
    schedule = ScheduleFactory(organisation=hospital)
    seen.append(counting.newest())
    AppointmentFactory(schedule=schedule)
    seen.append(counting.newest())
    RegistrationFactory(organisation=hospital)
    seen.append(counting.newest())

    assert len(set(seen)) == 5
    assert counting.newest() == seen[-1]


@HUB
def test_the_hub_counts_persons_where_they_were_first_known():
    first, second = OrganisationFactory(node="620100"), OrganisationFactory(node="620800")
    for _ in range(2):
        told = RegistrationFactory(organisation=first, node="620100")
        person = PersonFactory()
        IdentityLinkFactory(person=person, registration_id=told.id, registration_node="620100")
    again = RegistrationFactory(organisation=second, node="620800")
    IdentityLinkFactory(person=person, registration_id=again.id, registration_node="620800")

    counting.count()
    counting.count()
    tasks.recount()

    assert counting.newest() == (person.id,)
    assert list(NewPersons.objects.values_list("node", "organisation", "persons")) == [
        ("620100", first.id, 2)
    ]
    assert not Activity.objects.exists()
    tasks.recount_numbers()
    tasks.forget_old()
    assert NewPersons.objects.count() == 1


INDEXES = {
    "health_records_attempt_pkey", "appointment_pool_appointment_pkey", "appointment_cancelled",
    "patients_patientregistration_pkey",
}  # fmt: skip


@CITY
def test_a_count_reads_by_index_what_is_new(hospital):
    heard_of(hospital)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        asked = {"since": timezone.now() - timedelta(minutes=12)}
        cursor.execute(f"EXPLAIN {counting.ARRIVED}", asked)
        arrived = "\n".join(line for (line,) in cursor.fetchall())
    for index in INDEXES:
        assert index in arrived
