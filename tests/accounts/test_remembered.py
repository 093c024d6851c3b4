"""Whoever was recognised is remembered, and still out at the very next request once that ended."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kernel.access.rules import Fact
from kernel.actor import Role
from kernel.audit.models import AuditRow
from registry.accounts import selectors
from registry.accounts.models import AccessToken, Account, HospitalClient
from registry.organisations.models import Organisation
from tests.conftest import arriving
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db

LIST = "/api/v1/organisations"
READ = "/fhir/R4/Observation/01a1fea1-bcb3-72e4-b574-210d11ca4dce"


@pytest.fixture(autouse=True)
def nobody_remembered():
    selectors._remembered.cache_clear()


@pytest.fixture
def system():
    return as_hospital(OrganisationFactory())


@pytest.fixture
def doctor():
    return as_somebody(Role.CLINICIAN, organisation=OrganisationFactory())


def withdraw():
    AccessToken.objects.all().delete()


def expire():
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def suspend():
    with arriving():
        HospitalClient.objects.update(status="suspended")
        Account.objects.update(status="suspended")


def move():
    with arriving():
        elsewhere = Organisation.objects.create(code="elsewhere", name="x", node="620100")
        HospitalClient.objects.update(organisation=elsewhere)
        Account.objects.update(organisation=elsewhere)


def test_a_token_is_looked_up_once(system):
    with CaptureQueriesContext(connection) as first:
        assert system.get(LIST).status_code == 200
    with CaptureQueriesContext(connection) as again:
        assert system.get(LIST).status_code == 200

    assert any("accounts_accesstoken" in one["sql"] for one in first)
    assert selectors._remembered.cache_info().misses == 1
    assert len(again) < len(first)


@pytest.mark.parametrize("ending", [withdraw, expire, suspend, move])
@pytest.mark.parametrize("path", [LIST, READ, "/fhir/R4/Observation?code=x", "/fhir/R4/Nothing/1"])
@pytest.mark.parametrize("who", ["system", "doctor"])
def test_what_ended_ends_at_once(who, path, ending, request):
    client = request.getfixturevalue(who)
    before = client.get(path).status_code
    rows = AuditRow.objects.count()
    ending()

    answer = client.get(path)

    assert before != 401
    assert answer.status_code == 401
    assert AuditRow.objects.count() == rows
    if path.startswith("/fhir"):
        assert answer["WWW-Authenticate"] == "Bearer"
        assert answer.json()["issue"][0]["code"] == "login"


@pytest.mark.parametrize("ending", [withdraw, expire, suspend])
@pytest.mark.parametrize("who", ["system", "doctor"])
def test_it_stays_ended_and_nobody_need_have_been_remembered(who, ending, request):
    client = request.getfixturevalue(who)
    ending()

    assert [client.get(LIST).status_code for _ in range(2)] == [401, 401]


def test_a_push_after_the_end_stores_nothing(system):
    assert system.get(LIST).status_code == 200
    withdraw()

    answer = system.post(
        "/fhir/R4/Patient", {"resourceType": "Patient"}, content_type="application/fhir+json"
    )

    assert answer.status_code == 401
    assert AuditRow.objects.count() == 1


def test_whoever_was_moved_comes_in_as_what_they_are_now(doctor):
    doctor.get(LIST)
    move()

    assert doctor.get(LIST).status_code == 401
    assert doctor.get(LIST).status_code == 200
    row = AuditRow.objects.order_by("-id")[0]
    assert row.organisation_id == Organisation.objects.get(code="elsewhere").id
    assert row.facts == [Fact.AUTHENTICATED]
