"""A search gives out, counts and sorts only what the actor may see, and leaves rows that say so."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from kernel.actor import Role
from kernel.audit.models import AuditRow
from registry.persons.models import Person
from tests.conftest import arriving
from tests.factories.records import EntryFactory, VersionFactory, visit_of
from tests.factories.registry import (
    ConsentFactory,
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db

PATH = "/fhir/R4/Observation"


def result_of(registration, **about):
    """A result with its version."""
    made = EntryFactory(registration=registration, code="8310-5", **about)
    VersionFactory(
        node=made.node, resource_id=made.id, resource_type="Observation",
        source='{"resourceType":"Observation","status":"final"}', recorded_at=made.changed_at,
    )  # fmt: skip
    return made


@pytest.fixture
def own():
    """A result at a hospital."""
    return result_of(RegistrationFactory())


@pytest.fixture
def foreign():
    """A result of somebody else at another hospital."""
    return result_of(RegistrationFactory())


def search(client, path=PATH, **asked):
    answer = client.get(path, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(bundle):
    return {one["resource"]["id"] for one in bundle.get("entry", [])}


def rows(**about):
    found = AuditRow.objects.filter(action="record.search", **about).order_by("id")
    return [
        (one.outcome, one.reason, one.registration_id, one.count, one.resource_type)
        for one in found
    ]


def test_a_hospital_finds_its_own_only(own, foreign):
    client = as_hospital(own.organisation)

    for asked in ({}, {"code": "8310-5"}, {"_id": f"{own.id},{foreign.id}"},
                  {"patient": f"{own.registration_id},{foreign.registration_id}"}):  # fmt: skip
        bundle = search(client, **asked)
        assert (ids(bundle), bundle["total"]) == ({str(own.id)}, 1)
        assert search(client, _summary="count", **asked)["total"] == 1


def test_a_patient_of_another_hospital_is_like_one_that_is_not(own, foreign):
    client = as_hospital(own.organisation)

    hidden = search(client, patient=foreign.registration_id)
    absent = search(client, patient=uuid4())

    assert "entry" not in hidden
    assert hidden["total"] == absent["total"] == 0
    assert hidden.keys() == absent.keys()
    assert rows(registration_id=foreign.registration_id) == [
        ("refused", "no-fact", foreign.registration_id, 0, "Observation")
    ]


def test_one_row_for_each_record_that_speaks(own):
    other = result_of(RegistrationFactory(organisation=own.organisation))
    result_of(other.registration)

    search(as_hospital(own.organisation))

    assert sorted(rows(), key=lambda row: row[3]) == [
        ("allowed", "source_hospital", own.registration_id, 1, "Observation"),
        ("allowed", "source_hospital", other.registration_id, 2, "Observation"),
    ]


def test_a_search_that_finds_nothing_leaves_a_row(own):
    search(as_hospital(own.organisation), code="nothing")

    assert rows() == [("allowed", "source_hospital", None, 0, "Observation")]


def test_a_resident_finds_what_is_their_own(own, foreign):
    link = IdentityLinkFactory(registration_id=own.registration_id)
    resident = as_somebody(Role.RESIDENT, person_id=link.person_id)

    for asked in ({}, {"code": "8310-5"}, {"_id": f"{own.id},{foreign.id}"},
                  {"patient": f"{own.registration_id},{foreign.registration_id}"}):  # fmt: skip
        bundle = search(resident, **asked)
        assert (ids(bundle), bundle["total"]) == ({str(own.id)}, 1)
    assert (
        rows(outcome="allowed")
        == [("allowed", "own_record", own.registration_id, 1, "Observation")] * 4
    )


def test_a_merged_persons_records_are_the_survivors(own):
    link = IdentityLinkFactory(registration_id=own.registration_id)
    survivor = PersonFactory()
    with arriving():
        Person.objects.filter(pk=link.person_id).update(status="merged", survivor=survivor)

    for person in (survivor.id, link.person_id):
        assert ids(search(as_somebody(Role.RESIDENT, person_id=person))) == {str(own.id)}


OVER = {"ends_at": timezone.now() - timedelta(hours=1)}
TO_COME = {"starts_at": timezone.now() + timedelta(hours=1)}
WITHDRAWN = {"status": "inactive", "withdrawn_at": timezone.now()}


def consented(registration, organisation, **about):
    """A person lets an organisation see the record that this registration belongs to."""
    link = IdentityLinkFactory(registration_id=registration.id)
    ConsentFactory(person_id=link.person_id, organisation=organisation, **about)
    return link


def askers(organisation):
    return [as_hospital(organisation), as_somebody(Role.CLINICIAN, organisation=organisation)]


@pytest.mark.parametrize("place", [0, 1])
def test_who_has_a_consent_sees_the_whole_record(place, own):
    organisation = OrganisationFactory()
    link = consented(own.registration, organisation)
    patient = own.registration
    VersionFactory(
        node=patient.node, resource_id=patient.id, resource_type="Patient",
        source='{"resourceType":"Patient"}',
    )  # fmt: skip
    client = askers(organisation)[place]

    for asked in ({"_id": own.id}, {"patient": own.registration_id}):
        bundle = search(client, **asked)
        assert (ids(bundle), bundle["total"]) == ({str(own.id)}, 1)
    assert client.get(f"{PATH}/{own.id}").status_code == 200
    whole = search(client, f"/fhir/R4/Patient/{own.registration_id}/$everything")
    assert str(own.id) in ids(whole)
    allowed = AuditRow.objects.filter(outcome="allowed")
    assert set(allowed.values_list("reason", flat=True)) == {"consent"}
    if place == 1:
        assert client.get(f"/api/v1/persons/{link.person_id}/timeline").status_code == 200


@pytest.mark.parametrize("about", [OVER, TO_COME, WITHDRAWN])
def test_a_consent_that_does_not_hold_shows_nothing(about, own):
    organisation = OrganisationFactory()
    link = consented(own.registration, organisation, **about)

    for client in askers(organisation):
        assert ids(search(client, _id=own.id)) == set()
        assert ids(search(client, patient=own.registration_id)) == set()
        assert client.get(f"{PATH}/{own.id}").status_code == 404
        assert client.get(f"/api/v1/persons/{link.person_id}/timeline").status_code in {403, 404}


def test_a_consent_is_to_one_organisation_and_about_one_person(own, foreign):
    organisation = OrganisationFactory()
    consented(own.registration, organisation)

    for client in askers(OrganisationFactory()):
        assert ids(search(client, _id=own.id)) == set()
    for client in askers(organisation):
        assert ids(search(client, _id=f"{own.id},{foreign.id}")) == {str(own.id)}


@pytest.mark.parametrize("person", [None, UUID(int=7)])
def test_another_resident_finds_nothing(person, own):
    IdentityLinkFactory(registration_id=own.registration_id)
    stranger = as_somebody(Role.RESIDENT, person_id=person)

    for asked in ({}, {"patient": own.registration_id}, {"_id": own.id}):
        bundle = search(stranger, **asked)
        assert (ids(bundle), bundle["total"]) == (set(), 0)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.HOSPITAL_SYSTEM])
def test_whoever_treats_the_person_finds_records_of_other_hospitals(role, own):
    link = IdentityLinkFactory(registration_id=own.registration_id)
    there = RegistrationFactory()
    hospital = there.organisation
    IdentityLinkFactory(registration_id=there.id, person=link.person)
    client = (
        as_hospital(hospital)
        if role is Role.HOSPITAL_SYSTEM
        else as_somebody(role, organisation=hospital)
    )
    visit_of(there, timezone.now() - timedelta(days=400))

    assert ids(search(client, patient=own.registration_id)) == set()

    visit_of(there)

    assert ids(search(client, patient=own.registration_id)) == {str(own.id)}
    assert ids(search(client, _id=own.id)) == {str(own.id)}
    assert rows(outcome="allowed")[-1] == (
        "allowed", "treatment_relationship", own.registration_id, 1, "Observation"
    )  # fmt: skip


def test_a_clinician_finds_those_whom_the_hospital_treats(own):
    other = result_of(RegistrationFactory(organisation=own.organisation))
    doctor = as_somebody(Role.CLINICIAN, organisation=own.organisation)
    assert ids(search(doctor)) == set()

    visit_of(other.registration)

    assert ids(search(doctor)) == {str(other.id)}
    assert ids(search(doctor, patient=own.registration_id)) == set()


@pytest.mark.parametrize("role", [Role.COMMISSION_ANALYST, Role.OPERATOR])
def test_offices_search_nothing(role, own):
    answer = as_somebody(role).get(PATH)

    assert answer.status_code == 403
    assert rows() == [("refused", "no-rule", None, None, "Observation")]


def test_the_person_reads_of_the_search(own):
    link = IdentityLinkFactory(registration_id=own.registration_id)
    search(as_hospital(own.organisation))

    resident = as_somebody(Role.RESIDENT, person_id=link.person_id)
    log = resident.get(f"/api/v1/persons/{link.person_id}/access-log").json()["items"]

    assert [(one["action"], one["outcome"]) for one in log[1:]] == [("检索记录", "已允许")]


def test_somebody_without_a_hospital_finds_nothing(own):
    assert ids(search(as_somebody(Role.CLINICIAN))) == set()
    assert ids(search(as_somebody(Role.CLINICIAN, organisation=OrganisationFactory()))) == set()
