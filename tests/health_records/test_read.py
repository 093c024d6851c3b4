"""Who may read a record: its source, whoever treats the person, the person; everybody leaves a row."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from health_records.models import Encounter, RecordSetting
from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.conftest import arriving
from tests.factories.records import EncounterFactory, EntryFactory, VersionFactory, visit_of
from tests.factories.registry import IdentityLinkFactory, OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=400)
AHEAD = timedelta(days=1)


@pytest.fixture
def entry():
    """A result of somebody at a hospital of this city."""
    made = EntryFactory(registration=RegistrationFactory())
    VersionFactory(
        node=made.node, resource_id=made.id, resource_type="Observation",
        source='{"resourceType": "Observation", "status": "final"}',
    )  # fmt: skip
    return made


@pytest.fixture
def link(entry):
    """The person whose it is."""
    return IdentityLinkFactory(registration_id=entry.registration_id)


def read(client, entry):
    return client.get(f"/fhir/R4/Observation/{entry.id}")


def last_row():
    return AuditRow.objects.order_by("-id")[0]


def test_its_source_reads_it(entry):
    answer = read(as_hospital(entry.organisation), entry)

    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "final"
    row = last_row()
    assert (row.action, row.outcome, row.reason) == ("record.read", "allowed", "source_hospital")
    assert (row.registration_id, row.resource_id) == (entry.registration_id, entry.id)


def test_another_hospital_sees_nothing(entry):
    answer = read(as_hospital(OrganisationFactory()), entry)

    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"
    assert (last_row().outcome, last_row().resource_id) == ("refused", entry.id)


def test_what_is_not_there_looks_the_same(entry):
    client = as_hospital(OrganisationFactory())
    there, missing = read(client, entry), client.get(f"/fhir/R4/Observation/{uuid4()}")

    assert (there.status_code, there.json()) == (missing.status_code, missing.json())


@pytest.mark.parametrize("path", ["Observation/1", "Patient/x", "Observation/1/_history/1"])
def test_an_id_that_is_none_is_refused_and_audited(path, db):
    answer = as_hospital(OrganisationFactory()).get(f"/fhir/R4/{path}")

    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["code"] == "not-found"
    row = last_row()
    assert (row.outcome, row.resource_type) == ("refused", path.partition("/")[0])


def test_an_id_that_is_none_does_not_open_what_a_role_never_does(db):
    assert as_somebody(Role.OPERATOR).get("/fhir/R4/Observation/1").status_code == 403
    assert last_row().reason == "no-rule"


def test_the_person_reads_it(entry, link):
    answer = read(as_somebody(Role.RESIDENT, person_id=link.person_id), entry)

    assert answer.status_code == 200
    assert (last_row().reason, last_row().purpose) == ("own_record", "PATRQT")


@pytest.mark.parametrize("role", [Role.HOSPITAL_SYSTEM, Role.RESIDENT, Role.CLINICIAN])
def test_decision_resource_and_audit_row_are_one_statement(role, entry, link):
    client = {
        Role.HOSPITAL_SYSTEM: lambda: as_hospital(entry.organisation),
        Role.RESIDENT: lambda: as_somebody(role, person_id=link.person_id),
        Role.CLINICIAN: lambda: as_somebody(role, organisation=entry.organisation),
    }[role]()
    visit_of(entry.registration)
    assert read(client, entry).status_code == 200
    rows = AuditRow.objects.count()

    with CaptureQueriesContext(connection) as statements:
        answer = read(client, entry)

    assert (answer.status_code, answer.json()["id"]) == (200, str(entry.id))
    assert len(statements) == 1
    assert AuditRow.objects.count() == rows + 1
    row = last_row()
    assert (row.actor_role, row.action, row.outcome) == (role, "record.read", "allowed")
    assert row.facts == ["authenticated", row.reason]
    assert (row.registration_id, row.resource_type, row.resource_id) == (
        entry.registration_id, "Observation", entry.id,
    )  # fmt: skip
    assert row.organisation_id == (None if role is Role.RESIDENT else entry.organisation_id)
    assert (row.route, row.ip, row.person_id, row.on_behalf_of, row.count) == (
        "GET /fhir/R4/<str:resource_type>/<str:id>", "127.0.0.1", None, None, None,
    )  # fmt: skip


def test_an_operator_may_not_read_what_is_there(entry):
    assert read(as_somebody(Role.OPERATOR), entry).status_code == 403
    assert (last_row().reason, last_row().resource_id) == ("no-rule", entry.id)


@pytest.mark.parametrize("person", [None, uuid4()])
def test_another_resident_does_not(person, entry, link):
    assert read(as_somebody(Role.RESIDENT, person_id=person), entry).status_code == 404


def test_whoever_treats_the_person_reads_it(entry, link):
    other = OrganisationFactory()
    there = RegistrationFactory(organisation=other)
    IdentityLinkFactory(registration_id=there.id, person=link.person)
    visit_of(there)

    answer = read(as_somebody(Role.CLINICIAN, organisation=other), entry)

    assert answer.status_code == 200
    assert last_row().reason == "treatment_relationship"


def test_the_relationship_ends(entry, link):
    visit_of(entry.registration, timezone.now() - LONG_AGO)
    doctor = as_somebody(Role.CLINICIAN, organisation=entry.organisation)

    assert read(doctor, entry).status_code == 404

    setting = {"name": "treatment-window-days", "value": 500}
    with arriving():
        RecordSetting.objects.create(**setting)
    assert read(doctor, entry).status_code == 200


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
def test_a_visit_that_was_none_shows_nothing(status, entry, link):
    visit = visit_of(entry.registration)
    doctor = as_somebody(Role.CLINICIAN, organisation=entry.organisation)
    assert read(doctor, entry).status_code == 200

    with arriving():
        Encounter.objects.filter(pk=visit.pk).update(status_code=status)

    assert read(doctor, entry).status_code == 404
    assert (last_row().outcome, last_row().facts) == ("refused", ["authenticated"])


@pytest.mark.parametrize(
    ("starts", "ends"),
    [(AHEAD, None), (AHEAD, AHEAD), (-LONG_AGO, AHEAD), (-LONG_AGO, None), (AHEAD, -LONG_AGO)],
)
def test_a_visit_to_come_shows_nothing_yet(starts, ends, entry, link):
    now = timezone.now()
    EncounterFactory(
        registration=entry.registration, occurred_at=now + starts,
        ended_at=None if ends is None else now + ends,
    )  # fmt: skip
    doctor = as_somebody(Role.CLINICIAN, organisation=entry.organisation)

    assert read(doctor, entry).status_code == 404
    assert last_row().outcome == "refused"


def test_a_long_stay_counts_from_its_end(entry, link):
    now = timezone.now()
    EncounterFactory(
        registration=entry.registration,
        occurred_at=now - LONG_AGO,
        ended_at=now - timedelta(days=9),
    )
    doctor = as_somebody(Role.CLINICIAN, organisation=entry.organisation)

    assert read(doctor, entry).status_code == 200


def test_a_doctor_of_the_source_treats_before_the_link_is_there(entry):
    doctor = as_somebody(Role.CLINICIAN, organisation=entry.organisation)
    assert read(doctor, entry).status_code == 404

    visit_of(entry.registration)

    assert read(doctor, entry).status_code == 200


@pytest.mark.parametrize("role", [Role.COMMISSION_ANALYST, Role.OPERATOR])
def test_offices_read_no_record(role, entry):
    answer = read(as_somebody(role), entry)

    assert answer.status_code == 403
    assert last_row().outcome == "refused"


def test_a_version_that_never_was(entry):
    client = as_hospital(entry.organisation)

    assert client.get(f"/fhir/R4/Observation/{entry.id}/_history/1").status_code == 200
    for version in ("2", "0", "x", "9" * 30):
        path = f"/fhir/R4/Observation/{entry.id}/_history/{version}"
        assert client.get(path).status_code == 404


def test_another_type_with_the_same_id(entry):
    client = as_hospital(entry.organisation)

    assert client.get(f"/fhir/R4/Condition/{entry.id}").status_code == 404
