"""The hub answers a city's question about a record, for a doctor who signed in there."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from health_records import charts
from kernel.access.errors import NotVisible, Refused
from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from kernel.homes import uuid7
from registry.accounts.models import Account
from registry.persons.selectors import person_of_registration
from tests.factories.arriving import LANZHOU, PINGLIANG
from tests.factories.emergencies import EmergencyAccessFactory
from tests.factories.records import EntryFactory, visit_of
from tests.factories.registry import (
    AccountFactory,
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]


@pytest.fixture
def hospital():
    return OrganisationFactory(node=LANZHOU)


@pytest.fixture
def patients(hospital):
    """One person, registered at the hospital and in another city; a visit there."""
    person = PersonFactory()
    here = RegistrationFactory(organisation=hospital, node=LANZHOU)
    there = RegistrationFactory(organisation=OrganisationFactory(node=PINGLIANG), node=PINGLIANG)
    for one in (here, there):
        IdentityLinkFactory(person=person, registration_id=one.id, registration_node=one.node)
    visit_of(there, timezone.now() - timedelta(days=2))
    EntryFactory(
        registration=there, resource_type="AllergyIntolerance", display="青霉素过敏",
        status_code="active", occurred_at=timezone.now() - timedelta(days=3),
    )  # fmt: skip
    return here, there


@pytest.fixture
def doctor(hospital):
    """Somebody of the hospital's staff who signed in at its city."""
    account = AccountFactory(role=Role.CLINICIAN, organisation=hospital, audience=[LANZHOU])
    return Actor(id=account.id, role=Role.CLINICIAN, node=LANZHOU, organisation_id=hospital.id)


def asked(registration, by, **more):
    body = {
        "registration": str(registration.id), "limit": 50, "cursor": None, "kinds": "",
        "organisation": "", "after": None,
    }  # fmt: skip
    return charts.joined(body=body | more, by=by)


def test_who_treats_the_person_gets_the_record_of_both_cities(patients, doctor):
    here, _ = patients
    visit_of(here)

    page = asked(here, doctor)

    assert {one["node"] for one in page["items"]} == {LANZHOU, PINGLIANG}
    assert [one["display"] for one in page["allergies"]] == ["青霉素过敏"]
    row = AuditRow.objects.get()
    assert (row.action, row.outcome, row.purpose, row.actor_node) == (
        "timeline.read", "allowed", "TREAT", LANZHOU,
    )  # fmt: skip
    assert row.registration_id == here.id
    assert row.person_id is not None


def test_an_emergency_opens_the_record_and_is_audited_as_one(patients, doctor):
    here, there = patients
    EmergencyAccessFactory(registration=here, account_id=doctor.id)

    assert len(asked(there, doctor, after=str(uuid7()))["items"]) == 2
    assert AuditRow.objects.get().purpose == "ETREAT"


def test_who_does_not_treat_gets_nothing(patients, doctor):
    here, there = patients
    EmergencyAccessFactory(registration=here, account_id=uuid7())
    over = timezone.now() - timedelta(hours=9)
    EmergencyAccessFactory(registration=here, account_id=doctor.id, starts_at=over)

    for registration in (here, there):
        with pytest.raises(NotVisible):
            asked(registration, doctor)
    assert set(AuditRow.objects.values_list("outcome", flat=True)) == {"refused"}


def test_a_city_speaks_only_for_its_own_staff(patients, doctor, hospital):
    here, _ = patients
    visit_of(here)
    suspended = AccountFactory(
        role=Role.CLINICIAN, organisation=hospital, audience=[LANZHOU], status="suspended"
    )
    pretended = [
        replace(doctor, id=uuid7()),
        replace(doctor, id=suspended.id),
        replace(doctor, node=PINGLIANG),
        replace(doctor, organisation_id=OrganisationFactory().id),
        replace(doctor, organisation_id=None),
    ]

    for one in pretended:
        with pytest.raises(NotVisible):
            asked(here, one)
    for role in (Role.COMMISSION_ANALYST, Role.HOSPITAL_SYSTEM):
        with pytest.raises(Refused):
            asked(here, replace(doctor, role=role))


def test_who_is_not_linked_yet_is_shown_alone(doctor, hospital):
    alone = RegistrationFactory(organisation=hospital, node=LANZHOU)
    visit_of(alone)

    assert len(asked(alone, doctor)["items"]) == 1


def test_who_has_not_arrived_yet_is_not_visible(doctor):
    with pytest.raises(NotVisible):
        asked(SimpleNamespace(id=uuid7()), doctor)


def test_the_hubs_own_timeline_opens_in_an_emergency_too(patients, hospital):
    here, _ = patients
    client = as_somebody(Role.CLINICIAN, organisation=hospital)
    path = f"/api/v1/persons/{person_of_registration(here.id)}/timeline"
    assert client.get(path).status_code == 404
    me = Account.objects.latest("id")
    EmergencyAccessFactory(registration=here, account_id=me.id)

    assert len(client.get(path).json()["items"]) == 2
