"""One list over hospitals and cities, newest first, page by page."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.factories.arriving import LANZHOU, PINGLIANG
from tests.factories.records import DocumentFactory, EntryFactory, visit_of
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def person():
    """Somebody with records in two cities."""
    return PersonFactory(audience=[LANZHOU, PINGLIANG])


@pytest.fixture
def record(person):
    """Six things at two hospitals in two cities, one a day, oldest first."""
    made = []
    for place, node in enumerate((LANZHOU, PINGLIANG)):
        hospital = OrganisationFactory(node=node, name=f"医院{place}", code=f"H{place}")
        whose = RegistrationFactory(organisation=hospital, node=node)
        IdentityLinkFactory(
            person=person, registration_id=whose.id, registration_node=node, audience=[node]
        )
        day = START + timedelta(days=place)
        made += [
            visit_of(whose, day),
            EntryFactory(
                registration=whose, occurred_at=day + timedelta(days=2), code="8310-5",
                display="体温", value_number=38.5, value_unit="Cel",
            ),
            DocumentFactory(registration=whose, occurred_at=day + timedelta(days=4), display="病历"),
        ]  # fmt: skip
    return sorted(made, key=lambda one: one.occurred_at)


@pytest.fixture
def resident(person):
    """The person, signed in."""
    return as_somebody(Role.RESIDENT, person_id=person.id)


def timeline(client, person, **asked):
    return client.get(f"/api/v1/persons/{person.id}/timeline", asked)


def ids(answer):
    return [one["id"] for one in answer.json()["items"]]


def test_everything_newest_first(resident, person, record):
    answer = timeline(resident, person)

    assert answer.status_code == 200, answer.content
    assert ids(answer) == [str(one.id) for one in reversed(record)]
    assert answer.json()["next"] is None
    newest, fever = answer.json()["items"][0], answer.json()["items"][2]
    assert (newest["organisation"], newest["node"], newest["display"]) == (
        "医院1",
        PINGLIANG,
        "病历",
    )
    assert (fever["kind"], fever["kind_name"]) == ("Observation", "检验检查结果")
    assert (fever["value"], fever["code"]) == ("38.5 Cel", "8310-5")
    assert fever["resource"] == f"http://testserver/fhir/R4/Observation/{fever['id']}"


def test_times_are_told_in_the_time_of_china(resident, person, record):
    answer = timeline(resident, person)

    assert answer.json()["items"][-1]["at"] == "2026-01-01T08:00:00+08:00"


def test_pages_join_without_gap_or_repetition(resident, person, record):
    seen, cursor = [], None
    while True:
        asked = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        answer = timeline(resident, person, **asked)
        seen += ids(answer)
        cursor = answer.json()["next"]
        if cursor is None:
            break

    assert seen == [str(one.id) for one in reversed(record)]


def test_equal_times_are_paged_too(resident, person, record):
    whose = record[0].registration
    for _ in range(5):
        EntryFactory(registration=whose, occurred_at=START)

    first = timeline(resident, person, limit=8)
    rest = timeline(resident, person, limit=8, cursor=first.json()["next"])

    assert len(set(ids(first) + ids(rest))) == 11


def test_filters(resident, person, record):
    by_kind = timeline(resident, person, kind="Encounter,DocumentReference")
    by_hospital = timeline(resident, person, organisation="H0")

    assert {one["kind"] for one in by_kind.json()["items"]} == {"Encounter", "DocumentReference"}
    assert [one["organisation"] for one in by_hospital.json()["items"]] == ["医院0"] * 3
    assert timeline(resident, person, organisation="nowhere").status_code == 404


def test_one_test_over_all_hospitals(resident, person, record):
    whose = record[0].registration
    local = EntryFactory(
        registration=whose, occurred_at=START, code_system="urn:lab", code="WBC",
        more_codes=["http://loinc.org|6690-2", "=6690-2"],
    )  # fmt: skip
    loinc = EntryFactory(
        registration=record[1].registration, occurred_at=START + timedelta(days=30),
        code_system="http://loinc.org", code="6690-2",
    )  # fmt: skip
    EntryFactory(registration=whose, code_system="urn:other", code="6690-2")

    found = timeline(resident, person, code="http://loinc.org|6690-2")

    assert ids(found) == [str(loinc.id), str(local.id)]
    assert ids(timeline(resident, person, code="urn:lab|WBC", kind="Observation")) == [
        str(local.id)
    ]
    assert timeline(resident, person, code="6690-2").status_code == 422


def test_words_in_english(person, record):
    english = as_somebody(Role.RESIDENT, person_id=person.id, **{"Accept-Language": "en"})

    assert timeline(english, person).json()["items"][0]["kind_name"] == "Document"


@pytest.mark.parametrize("cursor", ["x", "WyJhIiwiYiJd", "WzEsMl0"])
def test_a_made_up_cursor(cursor, resident, person):
    answer = timeline(resident, person, cursor=cursor)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:problem:cursor-invalid")


def test_a_merged_persons_record_is_the_survivors(person, record):
    survivor = PersonFactory()
    type(person).objects.filter(pk=person.id).update(status="merged", survivor=survivor)

    by_survivor = as_somebody(Role.RESIDENT, person_id=survivor.id)
    by_loser = as_somebody(Role.RESIDENT, person_id=person.id)

    assert len(ids(timeline(by_survivor, survivor))) == 6
    assert len(ids(timeline(by_loser, person))) == 6


def test_a_doctor_of_either_hospital_sees_all(person, record):
    visit_of(record[0].registration)
    doctor = as_somebody(Role.CLINICIAN, organisation=record[0].organisation)

    assert len(ids(timeline(doctor, person))) == 7


def test_others_see_nothing_and_leave_a_row(person, record):
    strangers = [
        as_somebody(Role.RESIDENT, person_id=PersonFactory().id),
        as_somebody(Role.CLINICIAN, organisation=OrganisationFactory()),
        as_hospital(record[0].organisation),
        as_somebody(Role.COMMISSION_ANALYST),
        as_somebody(Role.OPERATOR),
    ]

    statuses = [timeline(one, person).status_code for one in strangers]

    assert statuses == [404, 404, 403, 403, 403]
    rows = AuditRow.objects.filter(action="timeline.read", person_id=person.id)
    assert list(rows.values_list("outcome", flat=True)) == ["refused"] * 5


def test_a_page_costs_the_same_however_long_the_record(resident, person, record):
    timeline(resident, person)  # the resident is remembered now
    with CaptureQueriesContext(connection) as few:
        timeline(resident, person)
    for _ in range(30):
        EntryFactory(registration=record[0].registration)
    with CaptureQueriesContext(connection) as many:
        timeline(resident, person)

    assert len(many) == len(few)


def test_the_access_log_is_in_words(person, record, resident):
    hospital = record[0].organisation
    visit_of(record[0].registration)
    doctor = as_somebody(Role.CLINICIAN, organisation=hospital)
    timeline(doctor, person)
    timeline(as_somebody(Role.OPERATOR), person)

    answer = resident.get(f"/api/v1/persons/{person.id}/access-log")

    assert answer.status_code == 200, answer.content
    own, refused, read = answer.json()["items"]
    assert (own["role"], own["action"], own["outcome"]) == ("本人", "查看访问记录", "已允许")
    assert (refused["role"], refused["outcome"]) == ("平台运维人员", "已拒绝")
    assert (read["organisation"], read["action"], read["purpose"]) == (
        "医院0", "查看健康档案时间轴", "诊疗"
    )  # fmt: skip


def test_the_access_log_is_paged(person, record, resident):
    for _ in range(3):
        timeline(resident, person)
    path = f"/api/v1/persons/{person.id}/access-log"

    first = resident.get(path, {"limit": 2}).json()
    second = resident.get(path, {"limit": 200, "cursor": first["next"]}).json()

    assert len(first["items"]) == 2
    assert {one["id"] for one in first["items"]}.isdisjoint(one["id"] for one in second["items"])


def test_doctors_do_not_read_the_access_log(person, record):
    visit_of(record[0].registration)
    doctor = as_somebody(Role.CLINICIAN, organisation=record[0].organisation)

    assert doctor.get(f"/api/v1/persons/{person.id}/access-log").status_code == 403
