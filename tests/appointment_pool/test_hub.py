"""At the hub: searching numbers of every city, booking and cancelling by command."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointment_pool import booking
from appointment_pool.models import Appointment, BookingSetting, Reservation
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.commands.errors import CityUnreachable, CommandRefused, KeyReused
from kernel.commands.models import CommandSent
from kernel.homes import uuid7
from tests.appointment_pool.conftest import booked, cancelled, problem
from tests.factories.appointments import (
    AppointmentFactory,
    DepartmentFactory,
    PractitionerFactory,
    ScheduleFactory,
    SlotFactory,
    day,
)  # fmt: skip
from tests.factories.arriving import LANZHOU, PINGLIANG
from tests.factories.registry import OrganisationFactory, PersonFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]


@pytest.fixture
def schedule():
    """Two numbers of a hospital in another city, tomorrow."""
    return ScheduleFactory(organisation=OrganisationFactory(node=PINGLIANG))


class City:
    """The city as the tests play it: what it was sent, and what it answers."""

    def __init__(self):
        self.sent, self.answer, self.arrives = [], None, True

    def send(self, name, *, to, body, by, key=None):
        self.sent.append((name, to, body, by, key))
        if isinstance(self.answer, Exception):
            raise self.answer
        if name == "appointments.cancel":
            return {"status": "cancelled", "cancel_reason": "pat", "event_id": None}
        schedule = self.answer
        made = uuid7()
        if self.arrives:
            AppointmentFactory(
                schedule=schedule, id=made, person_id=body["person"], request_key=body["key"]
            )
        return {
            "id": str(made), "sequence": 7, "starts_at": schedule.starts_at.isoformat(),
            "ends_at": schedule.ends_at.isoformat(), "fee": schedule.fee,
            "booked_at": timezone.now().isoformat(), "event_id": None,
        }  # fmt: skip


@pytest.fixture
def city(monkeypatch, schedule):
    played = City()
    played.answer = schedule
    monkeypatch.setattr(booking, "send", played.send)
    return played


def found(client, **asked):
    answer = client.get("/api/v1/schedules", asked)
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["items"]]


def test_searching_by_city_hospital_department_doctor_and_day(resident):
    here = OrganisationFactory(node=LANZHOU)
    lungs = DepartmentFactory(organisation=here, standard="A03.01")
    doctor = PractitionerFactory()
    first = ScheduleFactory(organisation=here, department=lungs, practitioner=doctor)
    hearts = DepartmentFactory(organisation=here, standard="A03.04")
    second = ScheduleFactory(organisation=here, department=hearts, ahead=2)
    third = ScheduleFactory(
        organisation=OrganisationFactory(node=PINGLIANG), ahead=3,
        department=DepartmentFactory(organisation=here, standard="A030"),
    )  # fmt: skip
    everything = [str(one.id) for one in (first, second, third)]

    assert found(resident) == everything
    assert found(resident, city=LANZHOU) == everything[:2]
    assert found(resident, hospital=here.code) == everything[:2]
    assert found(resident, department="A03.01") == everything[:1]
    assert found(resident, department="A03") == everything[:2]
    assert found(resident, practitioner=str(doctor.id)) == everything[:1]
    assert found(resident, day=day(2).isoformat()) == everything[1:2]
    assert found(resident, city=LANZHOU, day=day(3).isoformat()) == []
    assert found(resident, day="0001-01-01") == found(resident, day="9999-12-31") == []


def test_how_many_are_left(resident, schedule):
    AppointmentFactory(schedule=schedule)
    SlotFactory(schedule=schedule, sequence=9, status="busy-unavailable")

    (listed,) = resident.get("/api/v1/schedules").json()["items"]
    shown = resident.get(f"/api/v1/schedules/{schedule.id}").json()

    assert (listed["numbers"], listed["left"], listed["city"]) == (3, 2, PINGLIANG)
    period = {"starts_at": listed["starts_at"], "ends_at": listed["ends_at"]}
    assert shown == listed | {
        "periods": [period | {"numbers": 3, "left": 2}], "cancel_by": day(0).isoformat(),
    }  # fmt: skip


def test_only_what_can_be_booked_is_listed(resident, arrives):
    hospital = OrganisationFactory(node=PINGLIANG)
    last_day = ScheduleFactory(organisation=hospital, ahead=7)
    beyond = ScheduleFactory(organisation=hospital, ahead=8)
    for status, ahead in (("planned", 1), ("stopped", 1), ("open", -1)):
        ScheduleFactory(organisation=hospital, status=status, ahead=ahead)
    assert found(resident) == [str(last_day.id)]
    with arrives():
        BookingSetting.objects.create(name="days-ahead", value=1)
        BookingSetting.objects.create(name="days-ahead", organisation=hospital, value=8)

    assert found(resident) == [str(last_day.id), str(beyond.id)]


def test_pages_of_schedules(resident):
    hospital = OrganisationFactory(node=PINGLIANG)
    everything = [str(ScheduleFactory(organisation=hospital).id) for _ in range(3)]

    first = resident.get("/api/v1/schedules", {"limit": 2}).json()
    rest = resident.get("/api/v1/schedules", {"limit": 2, "cursor": first["next"]}).json()

    assert [one["id"] for one in first["items"] + rest["items"]] == everything
    assert rest["next"] is None
    for bad in ("x", "WyJhIiwiYiJd"):
        answer = resident.get("/api/v1/schedules", {"cursor": bad})
        assert problem(answer) == (400, "cursor-invalid")


def test_a_schedule_that_is_not_there(resident):
    planned = ScheduleFactory(organisation=OrganisationFactory(node=PINGLIANG), status="planned")

    for one in (planned.id, uuid7()):
        assert problem(resident.get(f"/api/v1/schedules/{one}")) == (404, "not-found")


def test_the_city_is_asked_for_the_resident(resident, person, schedule, city):
    answer = booked(resident, schedule)

    assert answer.status_code == 201
    assert (answer.json()["sequence"], answer.json()["city"]) == (7, PINGLIANG)
    ((name, to, body, by, key),) = city.sent
    assert (name, to, key) == ("appointments.book", PINGLIANG, f"{person.id}/key-0001")
    assert body == {
        "schedule": str(schedule.id), "person": str(person.id), "starts_at": None, "key": key,
    }  # fmt: skip
    assert (by.role, by.person_id) == (Role.RESIDENT, person.id)
    assert not Reservation.objects.exists()
    rows = AuditRow.objects.filter(action="appointment.book", person_id=person.id)
    assert [one.outcome for one in rows] == ["allowed"]


def test_a_merged_person_books_as_the_survivor(schedule, city):
    survivor = PersonFactory()
    merged = PersonFactory(status="merged", survivor=survivor)

    booked(as_somebody(Role.RESIDENT, person_id=merged.id), schedule)

    assert city.sent[0][2]["person"] == str(survivor.id)
    assert city.sent[0][3].person_id == survivor.id
    mine = as_somebody(Role.RESIDENT, person_id=merged.id).get("/api/v1/me/appointments").json()
    assert [one["schedule"] for one in mine["items"]] == [str(schedule.id)]


def test_the_citys_refusal_is_the_answer(resident, schedule, city):
    city.answer = CommandRefused(
        409, {"type": "urn:problem:sold-out", "title": "号源已约满", "title_en": "Sold out"}
    )

    assert problem(booked(resident, schedule)) == (409, "sold-out")
    assert not Reservation.objects.exists()


def test_a_city_that_does_not_answer(resident, schedule, city):
    city.answer = CityUnreachable(facts={"cause": "NewConnectionError"})

    answer = booked(resident, schedule)

    assert problem(answer) == (503, "city-unreachable")
    assert answer.json()["facts"] == {"city": PINGLIANG}
    assert "Idempotency-Key" in answer.json()["detail"]
    assert Reservation.objects.count() == 1
    city.answer = schedule
    assert booked(resident, schedule).status_code == 201
    assert not Reservation.objects.exists()


def test_the_same_key_for_something_else_leaves_the_first_alone(resident, person, schedule, city):
    city.answer = CityUnreachable()
    booked(resident, schedule)
    city.answer = KeyReused()

    answer = booked(resident, schedule, starts_at=schedule.starts_at.isoformat())

    assert problem(answer) == (409, "idempotency-key-reused")
    assert Reservation.objects.get().key == f"{person.id}/key-0001"


def limit(most, arrives):
    with arrives():
        BookingSetting.objects.create(name="most-open", value=most)


def test_the_province_counts_open_appointments_of_all_cities(resident, person, schedule, city):
    for node in (LANZHOU, PINGLIANG):
        AppointmentFactory(
            schedule=ScheduleFactory(organisation=OrganisationFactory(node=node)),
            person_id=person.id,
        )
    elsewhere = ScheduleFactory(organisation=OrganisationFactory(node=LANZHOU))
    over = ScheduleFactory(organisation=elsewhere.organisation, ahead=-1)
    AppointmentFactory(schedule=over, person_id=person.id)
    AppointmentFactory(
        schedule=elsewhere, person_id=person.id, status="cancelled", cancel_reason="pat",
        cancelled_at=timezone.now(), cancelled_by=uuid7(),
    )  # fmt: skip
    assert booked(resident, schedule).status_code == 201

    answer = booked(resident, elsewhere, "key-0002")

    assert problem(answer) == (409, "limit-reached")
    assert answer.json()["facts"] == {"limit": "most-open", "most": 3}
    assert len(city.sent) == 1
    assert not Reservation.objects.exists()
    rows = AuditRow.objects.filter(action="appointment.book", resource_id=elsewhere.id)
    assert [one.outcome for one in rows] == ["allowed"]


def test_what_is_on_its_way_counts(resident, schedule, city, arrives):
    limit(1, arrives)
    city.answer = CityUnreachable()
    booked(resident, schedule)

    assert problem(booked(resident, schedule, "key-0002")) == (409, "limit-reached")
    assert len(city.sent) == 1


def reserved(person, key="key-0001", **more):
    return Reservation.objects.create(
        person_id=person.id, key=key, ends_at=timezone.now() + timedelta(days=1), **more
    )


def sent(key, **more):
    return CommandSent.objects.create(
        key=key, name="appointments.book", to=PINGLIANG, actor={}, body=b"", digest=b"",
        next_at=timezone.now(), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ({"state": "open"}, True),
        ({"state": "parked"}, True),
        ({"state": "answered", "status": 200, "answer": b""}, True),
        ({"state": "answered", "status": 409, "answer": b""}, False),
    ],
)
def test_it_counts_until_its_outcome_is_here(
    resident, person, schedule, city, arrives, command, counts
):
    limit(1, arrives)
    reserved(person, "key-of-before")
    sent("key-of-before", **command)

    answer = booked(resident, schedule)

    assert answer.status_code == (409 if counts else 201)
    assert Reservation.objects.exists() is counts


def test_what_arrived_counts_once(resident, person, schedule, city, arrives):
    limit(2, arrives)
    AppointmentFactory(
        schedule=ScheduleFactory(organisation=schedule.organisation), person_id=person.id,
        request_key="key-of-before",
    )  # fmt: skip
    reserved(person, "key-of-before")

    assert booked(resident, schedule).status_code == 201
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("over", [{"ends_at": -1}, {"created_at": -120}])
def test_what_is_over_or_never_left_counts_no_more(resident, person, schedule, city, arrives, over):
    limit(1, arrives)
    ((name, seconds),) = over.items()
    old = reserved(person, "key-of-before")
    Reservation.objects.filter(id=old.id).update(
        **{name: timezone.now() + timedelta(seconds=seconds)}
    )

    assert booked(resident, schedule).status_code == 201


def test_an_answer_before_its_row_goes_on_counting(resident, schedule, city, arrives):
    limit(1, arrives)
    city.arrives = False
    assert booked(resident, schedule).status_code == 201

    assert problem(booked(resident, schedule, "key-0002")) == (409, "limit-reached")


def test_nobody_else_is_asked_for(schedule, city):
    system = as_hospital(OrganisationFactory())
    nobody = as_somebody(Role.RESIDENT)
    doctor = as_somebody(Role.CLINICIAN)

    assert [booked(one, schedule).status_code for one in (system, nobody, doctor)] == [
        403,
        404,
        403,
    ]
    assert city.sent == []
    assert not Reservation.objects.exists()


def test_ones_own_numbers_the_latest_first(resident, person, schedule):
    later = ScheduleFactory(organisation=schedule.organisation, ahead=2)
    mine = [AppointmentFactory(schedule=one, person_id=person.id) for one in (schedule, later)]
    AppointmentFactory(schedule=schedule)

    first = resident.get("/api/v1/me/appointments", {"limit": 1}).json()
    rest = resident.get("/api/v1/me/appointments", {"limit": 1, "cursor": first["next"]}).json()

    listed = [one["id"] for one in first["items"] + rest["items"]]
    assert listed == [str(one.id) for one in reversed(mine)]
    assert rest["next"] is None
    assert rest["items"][0]["status"] == "booked"
    rows = AuditRow.objects.filter(action="appointment.read", person_id=person.id)
    assert [(one.outcome, one.count) for one in rows] == [("allowed", 1)] * 2


def test_staff_have_no_numbers_of_their_own(hospital):
    assert as_hospital(hospital).get("/api/v1/me/appointments").status_code == 403
    assert as_somebody(Role.RESIDENT).get("/api/v1/me/appointments").status_code == 403


def test_giving_back_goes_to_the_city(resident, person, schedule, city):
    mine = AppointmentFactory(schedule=schedule, person_id=person.id)

    answer = cancelled(resident, mine.id)

    assert answer.json()["status"] == "cancelled"
    ((name, to, body, by, key),) = city.sent
    assert (name, to, body, key) == (
        "appointments.cancel", PINGLIANG, {"appointment": str(mine.id)}, None,
    )  # fmt: skip
    assert by.person_id == person.id


def test_what_the_merged_person_booked_is_given_back_in_that_name(schedule, city):
    survivor = PersonFactory()
    merged = PersonFactory(status="merged", survivor=survivor)
    mine = AppointmentFactory(schedule=schedule, person_id=merged.id)

    cancelled(as_somebody(Role.RESIDENT, person_id=survivor.id), mine.id)

    assert city.sent[0][3].person_id == merged.id


def test_nobody_gives_back_anothers_number(schedule, city):
    others = AppointmentFactory(schedule=schedule)
    somebody = as_somebody(Role.RESIDENT, person_id=PersonFactory().id)

    assert problem(cancelled(somebody, others.id)) == (404, "not-found")
    assert city.sent == []
    assert Appointment.objects.get(id=others.id).status == "booked"


def test_giving_back_while_the_city_does_not_answer(resident, person, schedule, city):
    mine = AppointmentFactory(schedule=schedule, person_id=person.id)
    city.answer = CityUnreachable()

    assert problem(cancelled(resident, mine.id)) == (503, "city-unreachable")
