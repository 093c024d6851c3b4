"""The numbers of the rules of booking, set by the operator at the hub."""

import pytest

from appointment_pool.models import BookingSetting
from appointment_pool.rules import BOUNDS, SETTINGS
from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.appointment_pool.conftest import problem
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]


@pytest.fixture
def operator():
    return as_somebody(Role.OPERATOR)


def put(client, name, **wanted):
    return client.put(f"/api/v1/booking-settings/{name}", wanted, content_type="application/json")


def told(client, **asked):
    answer = client.get("/api/v1/booking-settings", asked)
    assert answer.status_code == 200, answer.content
    return {one["name"]: one for one in answer.json()["items"]}


def test_what_holds_unless_something_is_set(operator):
    rules = told(operator)

    assert {name: one["value"] for name, one in rules.items()} == SETTINGS
    assert rules["most-open"] == {
        "name": "most-open", "value": 3, "usual": 3, "province": None, "hospital": None,
        "least": 1, "most": 100,
    }  # fmt: skip


def test_a_hospitals_own_number_comes_before_the_provinces(operator):
    hospital = OrganisationFactory()

    whole = put(operator, "days-ahead", value=14)
    own = put(operator, "days-ahead", value=28, hospital=hospital.code)

    assert (whole.status_code, whole.json()["value"]) == (200, 14)
    assert (own.json()["value"], own.json()["province"], own.json()["hospital"]) == (28, 14, 28)
    assert told(operator)["days-ahead"]["value"] == 14
    assert told(operator, hospital=hospital.code)["days-ahead"]["value"] == 28


def test_set_again_and_taken_back(operator):
    put(operator, "most-open", value=5)
    put(operator, "most-open", value=6)

    assert BookingSetting.objects.get().value == 6
    answers = [put(operator, "most-open", value=None).json() for _ in range(2)]
    assert [one["value"] for one in answers] == [3, 3]
    assert not BookingSetting.objects.exists()


@pytest.mark.parametrize("name", BOUNDS)
def test_only_within_bounds(operator, name):
    least, most = BOUNDS[name]

    for value in (least - 1, most + 1):
        answer = put(operator, name, value=value)
        assert problem(answer) == (422, "input-invalid")
        assert [(one["field"], one["rule"]) for one in answer.json()["errors"]] == [
            ("value", "bounds")
        ]
    assert not BookingSetting.objects.exists()
    assert [put(operator, name, value=value).status_code for value in (least, most)] == [200, 200]
    assert least <= SETTINGS[name] <= most


def test_what_the_province_counts_is_no_hospitals_own(operator):
    answer = put(operator, "most-open", value=5, hospital=OrganisationFactory().code)

    assert problem(answer) == (422, "input-invalid")
    assert [one["field"] for one in answer.json()["errors"]] == ["hospital"]
    assert not BookingSetting.objects.exists()


def test_names_and_hospitals_that_are_not_there(operator):
    assert problem(put(operator, "most-shut", value=5)) == (404, "setting-unknown")
    assert put(operator, "days-ahead", value=5, hospital="nowhere").status_code == 404
    assert operator.get("/api/v1/booking-settings", {"hospital": "nowhere"}).status_code == 404
    assert not BookingSetting.objects.exists()


def test_the_commission_reads_and_nobody_else_sets(operator):
    analyst = as_somebody(Role.COMMISSION_ANALYST)

    assert told(analyst) == told(operator)
    for role in set(Role) - {Role.OPERATOR, Role.NODE, Role.HOSPITAL_SYSTEM}:
        assert put(as_somebody(role), "days-ahead", value=5).status_code == 403
    assert as_somebody(Role.RESIDENT).get("/api/v1/booking-settings").status_code == 403
    assert not BookingSetting.objects.exists()


def test_who_set_it_is_audited(operator):
    hospital = OrganisationFactory()

    put(operator, "days-ahead", value=14, hospital=hospital.code)

    row = AuditRow.objects.get(action="booking_setting.write")
    assert (row.outcome, row.actor_role, row.organisation_id) == (
        "allowed",
        "operator",
        hospital.id,
    )


@pytest.mark.node("city")
def test_a_city_tells_but_does_not_set(operator):
    assert told(operator)["days-ahead"]["value"] == 7
    assert problem(put(operator, "days-ahead", value=14)) == (421, "set-at-the-hub")
    assert not BookingSetting.objects.exists()
