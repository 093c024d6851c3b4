"""Searching records: what each parameter finds."""

from uuid import uuid4

import pytest

from health_records.models import ClinicalEntry
from tests.conftest import arriving
from tests.factories.records import DocumentFactory, EncounterFactory, EntryFactory
from tests.factories.registry import RegistrationFactory
from tests.health_records.searching import HOUR, START, ask, ids, kept, of

pytestmark = pytest.mark.django_db


def test_the_results_of_a_patient_newest_first(system, whose, record):
    answer = system.get("/fhir/R4/Observation", {"patient": str(whose.id)})

    bundle = answer.json()
    assert answer["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 5)
    assert ids(bundle) == of(*reversed(record))
    newest = bundle["entry"][0]
    assert newest["fullUrl"] == f"http://testserver/fhir/R4/Observation/{record[4].id}"
    assert newest["resource"]["note"] == [{"text": "4"}]
    assert newest["resource"]["meta"]["versionId"] == "1"
    assert bundle["link"] == [
        {"relation": "self", "url": f"http://testserver/fhir/R4/Observation?patient={whose.id}"}
    ]


def test_what_is_found_is_what_is_read(system, whose):
    kept(
        EntryFactory(registration=whose), meta={"profile": ["urn:p"], "tag": []}, valueString="1.0"
    )
    kept(EntryFactory(registration=whose), meta={}, contained=[{"meta": {"tag": []}}])
    kept(EntryFactory(registration=whose), valueQuantity={"value": 38.50})
    kept(EntryFactory(registration=whose), meta={"versionId": "7", "lastUpdated": "2020-01-01"})
    kept(EntryFactory(registration=whose), meta="x", note='"meta":{')

    bundle = ask(system, patient=whose.id)

    assert len(ids(bundle)) == 5
    for one in bundle["entry"]:
        path = one["fullUrl"].removeprefix("http://testserver")
        assert system.get(path).json() == one["resource"]


@pytest.mark.parametrize("text", ["{id}", "Patient/{id}", "http://testserver/fhir/R4/Patient/{id}"])
@pytest.mark.parametrize("name", ["patient", "subject", "subject__Patient"])
def test_a_patient_by_each_form_of_reference(name, text, system, whose, record):
    assert len(ids(ask(system, **{name: text.format(id=whose.id)}))) == 5
    assert ids(ask(system, **{name: text.format(id=uuid4())})) == []
    assert ids(ask(system, **{name: "not-one-of-ours"})) == []


def test_several_patients_and_none_that_is_both(system, hospital, whose, record):
    other = RegistrationFactory(organisation=hospital)
    theirs = kept(EntryFactory(registration=other, occurred_at=START + 2.5 * HOUR))

    both = ask(system, patient=f"{whose.id},{other.id}")
    neither = system.get(f"/fhir/R4/Observation?patient={whose.id}&patient={other.id}").json()

    assert ids(both) == of(record[4], record[3], theirs, record[2], record[1], record[0])
    assert neither["total"] == 0


def test_by_code(system, whose, record):
    fever = of(record[3], record[1])
    for code in ("8310-5", "http://loinc.org|8310-5", "8310-5,nothing"):
        assert ids(ask(system, patient=whose.id, code=code)) == fever
        assert ids(ask(system, code=code)) == fever
    assert len(ids(ask(system, code="8310-5,http://loinc.org|718-7"))) == 5
    assert ids(ask(system, patient=whose.id, code="http://loinc.org|")) == of(*reversed(record))
    assert ids(ask(system, patient=whose.id, code__not="718-7")) == fever
    for code in ("http://other|8310-5", "|8310-5", "8310"):
        assert ids(ask(system, code=code)) == ids(ask(system, code=code, patient=whose.id)) == []
    assert ids(ask(system, "Condition", code="8310-5")) == []


def test_every_coding_counts(system, whose):
    made = kept(EntryFactory(
        registration=whose, code="A1", code_system="urn:local",
        more_codes=["http://loinc.org|8310-5", "=8310-5"],
    ))  # fmt: skip

    for code in ("A1", "urn:local|A1", "8310-5", "http://loinc.org|8310-5", "A1,8310-5"):
        assert ids(ask(system, code=code)) == of(made)
        assert ids(ask(system, code=code, patient=whose.id)) == of(made)
        assert ask(system, code=code, _summary="count")["total"] == 1
    assert ids(ask(system, code="http://loinc.org|A1")) == []


def test_repeated_means_both(system, whose, record):
    path = f"/fhir/R4/Observation?patient={whose.id}&code=8310-5&code="

    assert ids(system.get(path + "718-7").json()) == []
    assert ids(system.get(path + "8310-5").json()) == of(record[3], record[1])


def test_by_category_and_status(system, whose, record):
    labs = kept(EntryFactory(
        registration=whose, occurred_at=START, status_code="amended",
        categories=["urn:c|laboratory", "=laboratory"],
    ))  # fmt: skip

    for category in ("laboratory", "urn:c|laboratory", "urn:c|", "vital-signs,laboratory"):
        assert ids(ask(system, patient=whose.id, category=category)) == of(labs)
    for category in ("|laboratory", "urn:d|laboratory", "urn:d|", "vital-signs"):
        assert ids(ask(system, patient=whose.id, category=category)) == []
    assert ids(ask(system, patient=whose.id, status="amended")) == of(labs)
    assert ids(ask(system, patient=whose.id, status="amended,other")) == of(labs)
    assert ids(ask(system, patient=whose.id, status__not="final")) == of(labs)
    assert ids(ask(system, patient=whose.id, category__not="laboratory")) == of(*reversed(record))


def test_missing(system, whose, record):
    bare = kept(EntryFactory(registration=whose, occurred_at=START))

    assert ids(ask(system, patient=whose.id, code__missing="true")) == of(bare)
    assert ids(ask(system, patient=whose.id, status__missing="false")) == of(*reversed(record))
    assert len(ids(ask(system, patient=whose.id, encounter__missing="true"))) == 6
    assert len(ids(ask(system, patient=whose.id, category__missing="false"))) == 0


def test_by_encounter(system, whose, record):
    visit = kept(EncounterFactory(registration=whose, occurred_at=START))
    inside = kept(EntryFactory(registration=whose, encounter=visit))

    for text in (visit.id, f"Encounter/{visit.id}", f"{visit.id},{uuid4()}"):
        assert ids(ask(system, encounter=text)) == of(inside)
        assert ids(ask(system, encounter=text, patient=whose.id)) == of(inside)
    assert ids(ask(system, encounter=uuid4())) == []
    assert ids(ask(system, "Encounter", _id=visit.id)) == of(visit)


def test_by_identifier(system, whose, hospital):
    other = RegistrationFactory()
    tokens = ["urn:s|1", "=1", "|2", "=2"]
    made = kept(EntryFactory(registration=whose, identifiers=tokens))
    kept(EntryFactory(registration=other, identifiers=tokens))

    for text in ("urn:s|1", "1", "|2", "2", "7,urn:s|1"):
        assert ids(ask(system, identifier=text)) == of(made)
        assert ids(ask(system, identifier=text, patient=whose.id)) == of(made)
    for text in ("urn:t|1", "|1", "urn:s|2", "urn:s|"[:5]):
        assert ids(ask(system, identifier=text)) == []
    assert ids(ask(system, identifier="urn:s|", patient=whose.id)) == of(made)
    assert ids(ask(system, identifier="urn:t|", patient=whose.id)) == []


def test_by_id(system, record):
    assert ids(ask(system, _id=record[2].id)) == of(record[2])
    assert ids(ask(system, _id=f"{record[2].id},{record[3].id},{uuid4()}")) == of(
        record[3], record[2]
    )
    assert ids(ask(system, "Condition", _id=record[2].id)) == []


def test_by_form(system, whose, record):
    answer = system.post(
        f"/fhir/R4/Observation/_search?patient={whose.id}", "code=8310-5&_count=10",
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip

    assert ids(answer.json()) == of(record[3], record[1])
    assert answer.json()["link"][0]["url"].endswith(f"?patient={whose.id}&code=8310-5&_count=10")


def test_what_was_deleted_is_not_found(system, whose, record):
    with arriving():
        ClinicalEntry.objects.filter(pk=record[2].pk).update(deleted=True)

    left = of(record[4], record[3], record[1], record[0])
    assert ids(ask(system, patient=whose.id)) == left
    assert ids(ask(system, _id=record[2].id)) == []
    assert ask(system, _summary="count")["total"] == 4


def test_documents_and_visits(system, whose):
    note = kept(DocumentFactory(registration=whose, code="18842-5", code_system="urn:l"))
    visit = kept(EncounterFactory(registration=whose, status_code="finished"))

    assert ids(ask(system, "DocumentReference", patient=whose.id, type="18842-5")) == of(note)
    assert ids(ask(system, "Encounter", patient=whose.id, status="finished")) == of(visit)
    assert ids(ask(system, "Encounter", date="ge2026", status="finished")) == of(visit)
