"""A hospital publishes schedules with numbers at its city."""

from typing import Any

import pytest

from appointment_pool.models import Appointment, BookingSetting, Schedule, Slot
from kernel.audit.models import AuditRow
from kernel.events.models import Event
from tests.appointment_pool.conftest import booked, problem
from tests.factories.appointments import (
    EIGHT,
    NINE,
    TEN,
    AppointmentFactory,
    DepartmentFactory,
    PostFactory,
    ScheduleFactory,
    at,
    day,
)  # fmt: skip
from tests.factories.arriving import PINGLIANG
from tests.factories.registry import IdentityLinkFactory, OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]


@pytest.fixture
def plan(hospital):
    """Ten numbers in two periods with a doctor, tomorrow."""
    department = DepartmentFactory(organisation=hospital)
    post = PostFactory(organisation=hospital)
    return {
        "department": department.code, "practitioner": post.code, "day": day().isoformat(),
        "period": "am", "fee": 2500, "periods": periods(6, 4),
    }  # fmt: skip


def periods(*numbers: int) -> list[dict[str, Any]]:
    times = ["08:00", "09:00", "10:00"]
    return [
        {"starts": times[place], "ends": times[place + 1], "numbers": number}
        for place, number in enumerate(numbers)
    ]


@pytest.fixture
def publish(system, hospital):
    """PUT a schedule; the response."""
    return lambda plan, key="S-1", code=hospital.code: system.put(
        f"/api/v1/organisations/{code}/schedules/{key}", plan, content_type="application/json"
    )


@pytest.fixture
def stop(system, hospital):
    """Stop a schedule; the response."""
    return lambda key="S-1": system.post(
        f"/api/v1/organisations/{hospital.code}/schedules/{key}/stop"
    )


def numbers(**status: Any) -> list[int]:
    return list(
        Slot.objects.filter(**status).order_by("sequence").values_list("sequence", flat=True)
    )


def names_of_events() -> list[str]:
    return list(Event.objects.order_by("id").values_list("name", flat=True))


def test_one_row_per_number(publish, plan, hospital):
    answer = publish(plan)

    schedule = Schedule.objects.get()
    assert (answer.status_code, answer.json()) == (200, {
        "id": str(schedule.id), "schedule": "S-1", "status": "open", "free": 10, "sold": 0,
        "withdrawn": 0,
    })  # fmt: skip
    assert (schedule.starts_at, schedule.ends_at, schedule.title) == (at(EIGHT), at(TEN), "231")
    assert numbers(starts_at=at(EIGHT), status="free") == [1, 2, 3, 4, 5, 6]
    assert numbers(starts_at=at(NINE), ends_at=at(TEN)) == [7, 8, 9, 10]
    assert names_of_events() == ["schedule.published"]
    row = AuditRow.objects.get(action="schedule.write")
    assert (row.outcome, row.organisation_id) == ("allowed", hospital.id)


def test_the_same_again_changes_nothing(publish, plan):
    first = publish(plan)

    assert publish(plan).content == first.content
    assert Slot.objects.count() == 10
    assert names_of_events() == ["schedule.published"]


def test_capacity_up_and_down_never_touches_what_is_sold(publish, plan):
    publish(plan)
    sold = AppointmentFactory(schedule=Schedule.objects.get()).slot
    Slot.objects.filter(id=sold.id).update(starts_at=at(EIGHT), ends_at=at(NINE))
    before = Slot.objects.filter(id=sold.id).values().get()

    fewer = publish(plan | {"periods": periods(2)}).json()
    free = numbers(status="free")
    more = publish(plan | {"periods": periods(8)}).json()

    assert (fewer["free"], fewer["sold"], fewer["withdrawn"]) == (1, 1, 9)
    assert free == [1]
    assert (more["free"], more["sold"], more["withdrawn"]) == (7, 1, 4)
    assert numbers(status="free") == [1, 2, 3, 4, 5, 6, sold.sequence + 1]
    assert Slot.objects.filter(id=sold.id).values().get() == before
    assert Schedule.objects.get().ends_at == at(NINE)
    assert names_of_events() == ["schedule.published"] * 3


def test_never_fewer_numbers_than_are_sold(publish, plan):
    publish(plan | {"periods": periods(2)})
    schedule = Schedule.objects.get()
    for _ in range(2):
        AppointmentFactory(schedule=schedule)

    answer = publish(plan | {"periods": periods(1)})

    assert problem(answer) == (409, "below-sold")
    assert answer.json()["facts"]["sold"] == 2
    assert numbers(status="free") == [1, 2]


def test_fee_and_release_can_follow(publish, plan):
    publish(plan | {"status": "planned"})

    answer = publish(plan | {"fee": 3000})

    assert answer.json()["status"] == "open"
    assert Schedule.objects.values_list("fee", "status").get() == (3000, "open")
    assert problem(publish(plan | {"status": "planned"})) == (409, "transition-refused")


@pytest.mark.parametrize("change", [{"period": "pm"}, {"practitioner": None}])
def test_what_makes_a_schedule_itself_is_fixed(publish, plan, change):
    publish(plan)

    assert problem(publish(plan | change)) == (409, "schedule-fixed")
    assert Schedule.objects.values_list("period", flat=True).get() == "am"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"department": "D-none"}, "department"),
        ({"practitioner": "none"}, "practitioner"),
        ({"periods": [{"starts": "09:00", "ends": "08:00", "numbers": 1}]}, "periods.0"),
        ({"periods": []}, "body.wanted.periods"),
        ({"fee": -1}, "body.wanted.fee"),
        ({"day": "2026-02-30"}, "body.wanted.day"),
        ({"periods": [{"starts": "08:00", "ends": "09:00", "numbers": 2**63}]},
         "body.wanted.periods.0.numbers"),
        ({"department": "a\0b"}, "body.wanted.department"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_field(publish, plan, change, field):
    answer = publish(plan | change)

    assert problem(answer) == (422, "input-invalid")
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not Schedule.objects.exists()


def test_both_unknown_codes_are_told_at_once(publish, plan):
    answer = publish(plan | {"department": "D-none", "practitioner": "none"})

    fields = [one["field"] for one in answer.json()["errors"]]
    assert fields == ["department", "practitioner"]


@pytest.mark.covers("S002-93")
def test_the_longest_period_is_a_setting_of_the_hospital(publish, plan, hospital, arrives):
    long = plan | {"periods": [{"starts": "08:00", "ends": "09:30", "numbers": 1}]}
    assert problem(publish(long)) == (422, "input-invalid")
    with arrives():
        BookingSetting.objects.create(name="longest-period-minutes", value=60)
        BookingSetting.objects.create(
            name="longest-period-minutes", organisation=hospital, value=90
        )

    assert publish(long).status_code == 200


def test_another_hospital_does_not(plan, hospital):
    stranger = as_hospital(OrganisationFactory())
    path = f"/api/v1/organisations/{hospital.code}/schedules/S-1"

    answer = stranger.put(path, plan, content_type="application/json")

    assert problem(answer) == (403, "refused")
    assert stranger.post(f"{path}/stop").status_code == 403
    assert stranger.get(f"{path}/appointments").status_code == 404
    assert not Schedule.objects.exists()
    assert AuditRow.objects.filter(outcome="refused").count() == 3


def test_a_hospital_of_another_city_is_sent_there(plan):
    elsewhere = OrganisationFactory(node=PINGLIANG)

    answer = as_hospital(elsewhere).put(
        f"/api/v1/organisations/{elsewhere.code}/schedules/S-1", plan,
        content_type="application/json",
    )  # fmt: skip

    assert problem(answer) == (421, "wrong-city")
    assert answer.json()["facts"] == {"city": PINGLIANG}


def test_a_stopped_schedule_sells_nothing_and_cancels_what_is_coming(
    publish, stop, plan, book, person
):
    publish(plan)
    schedule = Schedule.objects.get()
    other = AppointmentFactory(schedule=schedule)
    ScheduleFactory(organisation=schedule.organisation, numbers=1)

    answer = stop()

    assert (answer.status_code, answer.json()) == (200, {
        "id": str(schedule.id), "schedule": "S-1", "status": "stopped", "free": 0, "sold": 0,
        "withdrawn": 11,
    })  # fmt: skip
    assert Slot.objects.filter(status="free").count() == 1  # of the other schedule
    row = Appointment.objects.get(id=other.id)
    assert (row.status, row.cancel_reason) == ("cancelled", "prov")
    assert names_of_events() == ["schedule.published", "schedule.stopped", "appointment.cancelled"]
    told = Event.objects.get(name="appointment.cancelled")
    assert (told.subject_id, told.related) == (other.id, [schedule.id, other.person_id])
    assert problem(book(schedule)) == (409, "schedule-stopped")


def test_stopping_again_changes_nothing_and_nothing_is_published_any_more(publish, stop, plan):
    publish(plan)
    first = stop()

    assert stop().content == first.content
    assert names_of_events() == ["schedule.published", "schedule.stopped"]
    assert problem(publish(plan)) == (409, "schedule-stopped")


def test_what_is_over_is_not_cancelled_by_a_stop(stop, hospital):
    past = ScheduleFactory(organisation=hospital, source_key="S-1", ahead=-1)
    seen = AppointmentFactory(schedule=past)

    assert stop().json()["sold"] == 1
    assert Appointment.objects.get(id=seen.id).status == "booked"


def test_a_schedule_that_was_never_published(stop, system, hospital):
    assert problem(stop()) == (404, "schedule-unknown")
    path = f"/api/v1/organisations/{hospital.code}/schedules/S-1/appointments"
    assert problem(system.get(path)) == (404, "schedule-unknown")


def test_the_hospital_lists_what_it_sold(system, publish, plan, hospital, resident, person):
    publish(plan)
    schedule = Schedule.objects.get()
    path = f"/api/v1/organisations/{hospital.code}/schedules/S-1/appointments"
    assert system.get(path).json() == {"items": []}
    made = booked(resident, schedule)

    (row,) = system.get(path).json()["items"]

    assert (row["id"], row["sequence"], row["person"], row["registration"], row["status"]) == (
        made.json()["id"], 1, str(person.id), None, "booked",
    )  # fmt: skip
    looked = AuditRow.objects.get(action="appointment.list", person_id=person.id)
    assert (looked.outcome, looked.organisation_id) == ("allowed", hospital.id)


def test_the_hospital_sees_its_own_patient_number(
    system, publish, plan, hospital, resident, person
):
    whose = RegistrationFactory(organisation=hospital)
    IdentityLinkFactory(registration_id=whose.id, person=person)
    publish(plan)
    booked(resident, Schedule.objects.get())

    path = f"/api/v1/organisations/{hospital.code}/schedules/S-1/appointments"
    assert system.get(path).json()["items"][0]["registration"] == str(whose.id)
