"""At the hub: where numbers can be booked, and what one's own number still allows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointment_pool import places_api
from appointment_pool.models import BookingSetting
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.homes import uuid7
from kernel.nodes.services import register_node
from tests.appointment_pool.conftest import problem
from tests.factories.appointments import (
    AppointmentFactory,
    DepartmentFactory,
    ScheduleFactory,
    SlotFactory,
    day,
)
from tests.factories.arriving import LANZHOU, PINGLIANG
from tests.factories.registry import OrganisationFactory, PersonFactory
from tests.factories.signed_in import as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]


def listed(client, path, name="code"):
    answer = client.get(f"/api/v1/booking/{path}")
    assert answer.status_code == 200, answer.content
    return [one[name] for one in answer.json()]


def test_cities_say_whether_they_are_heard(resident, monkeypatch):
    for code, name in (("620000", "甘肃省"), (PINGLIANG, "平凉市"), (LANZHOU, "兰州市")):
        register_node(code=code, name=name, url="http://127.0.0.1", public_key=name)
    monkeypatch.setattr(places_api, "unheard", lambda codes: [PINGLIANG])

    answer = resident.get("/api/v1/booking/cities").json()

    assert answer == [
        {"code": LANZHOU, "name": "兰州市", "heard": True},
        {"code": PINGLIANG, "name": "平凉市", "heard": False},
    ]


def test_hospitals_and_departments_that_have_something_to_book(resident):
    hospital = OrganisationFactory(node=PINGLIANG, name="平凉市第一人民医院", address="东大街 1 号")
    lungs, hearts, closed = (
        DepartmentFactory(organisation=hospital, name=name) for name in ("呼吸科", "心内科", "眼科")
    )
    ScheduleFactory(organisation=hospital, department=lungs)
    ScheduleFactory(organisation=hospital, department=lungs, ahead=2, numbers=3)
    full = ScheduleFactory(organisation=hospital, department=hearts, numbers=0)
    SlotFactory(schedule=full, status="busy", appointment_id=uuid7())
    ScheduleFactory(organisation=hospital, department=closed, ahead=8)
    ScheduleFactory(organisation=OrganisationFactory(node=PINGLIANG), status="planned")
    elsewhere = ScheduleFactory(organisation=OrganisationFactory(node=LANZHOU)).organisation

    answer = resident.get(f"/api/v1/booking/cities/{PINGLIANG}/hospitals").json()

    assert [(one["code"], one["name"], one["address"]) for one in answer] == [
        (hospital.code, hospital.name, hospital.address)
    ]
    assert listed(resident, f"cities/{LANZHOU}/hospitals") == [elsewhere.code]
    path = f"hospitals/{hospital.code}/departments"
    assert listed(resident, path) == [lungs.code, hearts.code]
    assert listed(resident, path, "left") == [5, 0]
    assert problem(resident.get("/api/v1/booking/hospitals/none/departments"))[0] == 404


def test_schedules_of_one_department_of_a_hospital(resident):
    hospital = OrganisationFactory(node=PINGLIANG)
    wanted, other = (DepartmentFactory(organisation=hospital) for _ in range(2))
    mine = ScheduleFactory(organisation=hospital, department=wanted)
    ScheduleFactory(organisation=hospital, department=other)
    register_node(code=PINGLIANG, name="平凉市", url="http://127.0.0.1", public_key="key")

    asked = {"hospital": hospital.code, "own_department": wanted.code}
    (found,) = resident.get("/api/v1/schedules", asked).json()["items"]

    assert (found["id"], found["city"], found["city_name"]) == (str(mine.id), PINGLIANG, "平凉市")


def test_a_stranger_is_told_of_no_place(client):
    for path in ("cities", f"cities/{PINGLIANG}/hospitals", "hospitals/H1/departments"):
        assert client.get(f"/api/v1/booking/{path}").status_code == 401


@pytest.fixture
def mine(person):
    """A number of somebody for the day after tomorrow, booked yesterday."""
    schedule = ScheduleFactory(organisation=OrganisationFactory(node=PINGLIANG), ahead=2)
    booked_at = timezone.now() - timedelta(days=1)
    return AppointmentFactory(schedule=schedule, person_id=person.id, booked_at=booked_at)


def test_ones_own_number_says_until_when_it_may_be_given_back(resident, person, mine, arrives):
    shown = resident.get(f"/api/v1/appointments/{mine.id}").json()

    assert (shown["id"], shown["may_cancel"], shown["cancel_by"]) == (
        str(mine.id),
        True,
        day(1).isoformat(),
    )
    assert resident.get("/api/v1/me/appointments").json()["items"] == [shown]
    (row,) = AuditRow.objects.filter(action="appointment.read", resource_id=mine.id)
    assert (row.outcome, row.person_id) == ("allowed", person.id)

    with arrives():
        BookingSetting.objects.create(
            name="cancel-days-before", organisation=mine.organisation, value=3
        )
    later = resident.get(f"/api/v1/appointments/{mine.id}").json()
    assert (later["may_cancel"], later["cancel_by"]) == (False, day(-1).isoformat())
    assert resident.get("/api/v1/me/appointments").json()["items"] == [later]


def test_what_is_cancelled_is_not_cancelled_again(resident, person, mine):
    cancelled = AppointmentFactory(
        schedule=mine.schedule, person_id=person.id, status="cancelled", cancel_reason="prov",
        cancelled_at=timezone.now(), cancelled_by=uuid7(),
    )  # fmt: skip

    assert resident.get(f"/api/v1/appointments/{cancelled.id}").json()["may_cancel"] is False


def test_anothers_number_is_not_there(mine):
    somebody = as_somebody(Role.RESIDENT, person_id=PersonFactory().id)

    for one in (mine.id, uuid7()):
        assert somebody.get(f"/api/v1/appointments/{one}").status_code in (403, 404)
    assert not AuditRow.objects.filter(action="appointment.read", outcome="allowed").exists()
