"""A message asks the database no more often than it has to."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kernel.audit.models import AuditRow
from kernel.events.models import Event
from registry.accounts.models import AccessToken
from tests.factories.fhir import bundle, entry, patient

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]

AROUND = ("PREPARE", "SAVEPOINT", "RELEASE")


def observation(subject, note):
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": "T"},
        "subject": {"reference": subject}, "note": [{"text": note}],
    }  # fmt: skip


def statements(send):
    with CaptureQueriesContext(connection) as asked:
        assert send().status_code in {200, 201}
    return [one["sql"].split()[0] for one in asked if not one["sql"].startswith(AROUND)]


@pytest.fixture
def subject(push):
    created = push(patient(), path="/fhir/R4/Patient").json()
    return f"Patient/{created['id']}"


def test_a_single_create_is_a_look_and_a_write(push, subject):
    push(observation(subject, "first"), path="/fhir/R4/Observation")

    asked = statements(
        lambda: push(
            observation(subject, "second"), path="/fhir/R4/Observation", Prefer="return=minimal"
        )
    )

    assert asked == ["EXECUTE", "EXECUTE"]


def test_a_small_bundle_is_another_look_at_the_names_of_its_resources(push, subject):
    def message(note):
        return bundle(*(entry(observation(subject, f"{note} {number}")) for number in range(5)))

    push(message("first"))

    assert statements(lambda: push(message("second"))) == ["EXECUTE"] * 3


def test_what_is_written_is_written_whole_in_one_statement(push, subject, stored):
    before, rows = stored(), AuditRow.objects.count()
    answer = push(observation(subject, "one"), path="/fhir/R4/Observation")

    assert answer.status_code == 201
    after = stored()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "ClinicalEntry": 1, "ResourceVersion": 1, "Event": 1,
    }  # fmt: skip
    assert AuditRow.objects.count() == rows + 1
    assert Event.objects.order_by("id").last().name == "records.received"


@pytest.mark.django_db(transaction=True)
def test_a_token_that_ended_a_moment_ago_writes_nothing(push, subject, stored):
    push(observation(subject, "before"), path="/fhir/R4/Observation")
    before = stored()
    AccessToken.objects.all().delete()

    answer = push(observation(subject, "after"), path="/fhir/R4/Observation")

    assert answer.status_code == 401
    assert stored() == before
    assert not transaction.get_connection().in_atomic_block
