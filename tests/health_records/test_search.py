"""Searching records: each parameter, pages, and what is not understood."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from health_records.formats.fhir.parsing import dump
from tests.factories.records import EntryFactory, VersionFactory
from tests.factories.registry import RegistrationFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def whose(hospital):
    """A patient of the hospital."""
    return RegistrationFactory(organisation=hospital)


def kept(made, **source):
    """The row, with its version."""
    VersionFactory(
        node=made.node, resource_id=made.id, resource_type=made.resource_type,
        source=dump({"resourceType": made.resource_type} | source).decode(),
        recorded_at=made.changed_at,
    )  # fmt: skip
    return made


@pytest.fixture
def record(whose):
    """Five results, an hour apart, of two kinds."""
    return [
        kept(
            EntryFactory(
                registration=whose, occurred_at=START + timedelta(hours=hour),
                code="8310-5" if hour % 2 else "718-7", code_system="http://loinc.org",
                status_code="final",
            ),
            note=[{"text": str(hour)}],
        )
        for hour in range(5)
    ]  # fmt: skip


def found(client, path, **asked):
    """Ids of the matches."""
    answer = client.get(f"/fhir/R4/{path}", asked)
    assert answer.status_code == 200, answer.content
    return ids(answer.json())


def ids(bundle):
    return [
        one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"
    ]


def of(rows):
    return [str(one.id) for one in rows]


def test_the_results_of_a_patient_newest_first(system, whose, record):
    answer = system.get("/fhir/R4/Observation", {"patient": str(whose.id)})

    bundle = answer.json()
    assert answer["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 5)
    assert ids(bundle) == of(reversed(record))
    newest = bundle["entry"][0]
    assert newest["fullUrl"] == f"http://testserver/fhir/R4/Observation/{record[4].id}"
    assert newest["resource"]["note"] == [{"text": "4"}]
    assert newest["resource"]["meta"]["versionId"] == "1"
    assert bundle["link"] == [
        {"relation": "self", "url": f"http://testserver/fhir/R4/Observation?patient={whose.id}"}
    ]


@pytest.mark.parametrize("text", ["{id}", "Patient/{id}", "http://testserver/fhir/R4/Patient/{id}"])
@pytest.mark.parametrize("name", ["patient", "subject"])
def test_a_patient_by_each_form_of_reference(name, text, system, whose, record):
    assert len(found(system, "Observation", **{name: text.format(id=whose.id)})) == 5
    assert found(system, "Observation", **{name: text.format(id=uuid4())}) == []


def test_by_code(system, whose, record):
    for code in ("8310-5", "http://loinc.org|8310-5", "8310-5,nothing"):
        assert found(system, "Observation", patient=whose.id, code=code) == of(
            [record[3], record[1]]
        )
        assert found(system, "Observation", code=code) == of([record[3], record[1]])
    assert found(system, "Observation", code="http://other|8310-5") == []
    assert found(system, "Condition", code="8310-5") == []
