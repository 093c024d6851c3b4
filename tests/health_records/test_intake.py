"""How a hospital's feed does: timely, complete, about people who can be told apart. Numbers only."""

from datetime import timedelta

import pytest
from django.utils import timezone

from health_records.models import Attempt
from kernel.actor import Role
from kernel.audit.models import AuditRow
from registry.patients.models import PatientRegistration
from tests.factories.fhir import bundle, entry, patient, visit
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
)
from tests.factories.signed_in import as_hospital, as_somebody
from tests.health_records.feeding import NOTHING, ago, intake, result

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")


@CITY
def test_what_a_visit_counts(push, hospital, system):
    push(visit())

    told = intake(system, hospital).json()

    total = told["total"]
    counted = Attempt.objects.get()
    assert told["hospital"] == hospital.code
    assert (total["accepted"], total["resources_stored"], total["by_rule"]) == (1, 5, {})
    assert (total["patients"], total["identified"], total["reachable"]) == (1, 1, 1)
    assert (total["registrations"], total["linked"]) == (1, 0)
    # Patient 5 of 5, visit 5 of 5, diagnosis and result 5 of 5 each, note 4 of 4.
    assert (counted.present, counted.wanted, total["completeness"]) == (24, 24, 1.0)
    assert total["median_delay_seconds"] == counted.delay_seconds
    assert told["days"] == [
        {name: total[name] for name in NOTHING} | {"day": f"{timezone.localdate()}"}
    ]


@CITY
def test_timeliness_is_from_the_newest_event_to_its_arrival(push, hospital, system):
    push(bundle(result("a", ago(hours=2)), result("b", ago(days=300))))
    push(bundle(result("c", ago(days=3))))
    push(bundle(result("d", ago(hours=1))))
    push(bundle(entry({"resourceType": "Basic", "id": "timeless", "code": {"text": "x"}})))
    push(bundle(result("e", ago(days=-7))))

    total = intake(system, hospital).json()["total"]

    assert total["median_delay_seconds"] == pytest.approx(7200, abs=60)
    assert total["within_a_day"] == 0.6667
    assert total["accepted"] == 5


@CITY
def test_what_lacks_is_counted(push, hospital, system):
    bare = patient("7", number=None)
    del bare["telecom"]
    push(bundle(entry(bare), entry({"resourceType": "Condition", "id": "c", "subject": {
        "reference": "Patient/pat-7"}})))  # fmt: skip

    total = intake(system, hospital).json()["total"]

    assert (total["patients"], total["identified"], total["reachable"]) == (1, 0, 0)
    assert total["completeness"] == 0.4  # name, sex, birth date and whose: 4 of 10


@CITY
def test_refusals_by_rule_and_day(push, hospital, system):
    bad = result("x", "2026-02-30")
    push(bundle(bad, result("y", "nonsense")))
    push(bundle(bad, entry(patient()), type_="batch"))
    push(b"{")
    yesterday = timezone.now() - timedelta(days=1)
    Attempt.objects.filter(rules={"json": 1}).update(at=yesterday)

    told = intake(system, hospital).json()

    assert [
        (day["day"], day["accepted"], day["refused"], day["resources_refused"], day["by_rule"])
        for day in told["days"]
    ] == [
        (f"{timezone.localdate(yesterday)}", 0, 1, 1, {"json": 1}),
        (f"{timezone.localdate()}", 1, 1, 3, {"date": 3}),
    ]
    total = told["total"]
    assert (total["accepted"], total["refused"], total["resources_stored"]) == (1, 2, 1)
    assert total["by_rule"] == {"date": 3, "json": 1}


@CITY
def test_a_repeated_message_counts_once(push, hospital, system):
    message = visit()
    push(message)
    push(message)

    assert intake(system, hospital).json()["total"]["accepted"] == 1


@CITY
def test_linked_registrations(push, hospital, system):
    push(visit("1"))
    push(visit("2", visit="V2"))
    IdentityLinkFactory(registration_id=PatientRegistration.objects.get(local_id="1").id)

    total = intake(system, hospital).json()["total"]

    assert (total["registrations"], total["linked"]) == (2, 1)


@CITY
def test_only_the_days_asked_for(push, hospital, system):
    push(visit())

    long_ago = intake(system, hospital, since="2020-01-01", until="2020-01-31").json()
    today = intake(system, hospital, since=f"{timezone.localdate()}").json()

    assert long_ago["days"] == []
    assert long_ago["total"] == NOTHING | {"registrations": 0, "linked": 0}
    assert today["total"]["accepted"] == 1


@CITY
@pytest.mark.parametrize(
    "period",
    [
        {"since": "2026-02-02", "until": "2026-02-01"},
        {"since": "2020-01-01"},
        {"since": "9999-12-31", "until": "9999-12-31"},
    ],
)
def test_periods_that_are_none(period, hospital, system):
    assert intake(system, hospital, **period).status_code == 422


@CITY
@pytest.mark.parametrize("role", [Role.COMMISSION_ANALYST, Role.OPERATOR])
def test_offices_see_the_numbers(role, push, hospital):
    push(visit())

    told = intake(as_somebody(role), hospital)

    assert (told.status_code, told.json()["total"]["accepted"]) == (200, 1)
    assert "张三" not in told.content.decode()
    row = AuditRow.objects.order_by("-id")[0]
    assert (row.action, row.outcome, row.organisation_id) == ("intake.read", "allowed", hospital.id)


@CITY
def test_others_do_not(hospital):
    other = as_hospital(OrganisationFactory())
    doctor = as_somebody(Role.CLINICIAN, organisation=hospital)

    assert [intake(one, hospital).status_code for one in (other, doctor)] == [403, 403]
    assert AuditRow.objects.filter(outcome="refused").count() == 2


@CITY
def test_the_numbers_are_at_the_hospitals_city():
    away = OrganisationFactory(node="620800")

    answer = intake(as_somebody(Role.COMMISSION_ANALYST), away)

    assert (answer.status_code, answer.json()["facts"]) == (421, {"city": "620800"})
    assert as_somebody(Role.OPERATOR).get("/api/v1/organisations/NO/intake").status_code == 404
