"""What a search does not understand, or refuses."""

import pytest

from health_records.finding import rows
from kernel.audit.models import AuditRow
from tests.health_records.searching import ids, of, told

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("type_", "body", "status", "rule"),
    [
        ("application/json", b"{}", 415, "form-type"),
        ("application/x-www-form-urlencoded", b"\xff=1", 400, "search-form"),
        ("application/x-www-form-urlencoded", b"a=%FF", 400, "search-form"),
        ("application/x-www-form-urlencoded", b"a=1&" * 300, 400, "search-form"),
        ("application/x-www-form-urlencoded", b"code=%00", 400, "search-value"),
    ],
)
def test_forms_that_are_none(type_, body, status, rule, system):
    answer = system.post("/fhir/R4/Observation/_search", body, content_type=type_)

    assert (answer.status_code, told(answer.json())[0][0]) == (status, rule)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("favourite", "1", "search-parameter"),
        ("code:in", "urn:set", "search-modifier"),
        ("date:not", "2026", "search-modifier"),
        ("_sort", "status,-date", "search-sort"),
        ("_sort", "code", "search-sort"),
        ("_include", "Observation:nothing", "search-include"),
        ("_include", "Condition:subject", "search-include"),
        ("_revinclude", "Provenance:target", "search-parameter"),
        ("_summary", "some", "search-parameter"),
        ("_contained", "true", "search-parameter"),
        ("_has:Condition:subject:code", "1", "search-parameter"),
    ],
)
def test_what_is_not_supported_is_said_or_refused(name, text, rule, system, whose, record):
    asked = {"patient": str(whose.id), name: text}

    lenient = system.get("/fhir/R4/Observation", asked)
    strict = system.get("/fhir/R4/Observation", asked, headers={"Prefer": "handling=strict"})

    bundle = lenient.json()
    assert ids(bundle) == of(*reversed(record))
    said = bundle["entry"][-1]
    assert said["search"]["mode"] == "outcome"
    assert told(said["resource"]) == [(rule, [name], "warning")]
    assert name.split(":")[0] not in bundle["link"][0]["url"]
    assert (strict.status_code, told(strict.json())) == (400, [(rule, [name], "error")])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("patient", "Group/1"),
        ("patient", "Patient/"),
        ("patient", "a b"),
        ("patient", "http://elsewhere/Patient/1"),
        ("patient", ""),
        ("patient", "a,,b"),
        ("encounter", "Patient/1"),
        ("_id", "x/y/z"),
        ("code", ""),
        ("code", "|"),
        ("code", "a|b|c"),
        ("code", "a,"),
        ("code", "x" * 5000),
        ("code", ",".join("x" * 101)),
        ("status", "urn:s|"),
        ("date", "yesterday"),
        ("date", "2026-13"),
        ("date", "2026-02-30"),
        ("date", "0000"),
        ("date", "ge"),
        ("date", "ap2026"),
        ("date", "2026-01-01T25:00:00Z"),
        ("date", "9999-02-29"),
        ("_lastUpdated", "x"),
        ("_count", "-1"),
        ("_count", "many"),
        ("_count", str(2**31)),
        ("_count", "１"),
        ("_total", "perhaps"),
        ("code:missing", "perhaps"),
        ("_id:missing", "true"),
    ],
)
def test_values_that_are_none_are_refused_by_name(name, text, system, record):
    answer = system.get("/fhir/R4/Observation", {name: text})

    assert answer.status_code == 400, answer.content
    assert told(answer.json()) == [("search-value", [name], "error")]
    assert not AuditRow.objects.filter(action="record.search").exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "final"}, {"category": "x"}, {"date": "2026"}, {"code": "urn:s|"},
        {"code": "x", "_sort": "_lastUpdated"}, {"_sort": "date"}, {"_sort": "_id"},
    ],
)  # fmt: skip
def test_what_no_index_leads_to_is_too_broad(asked, system, record):
    answer = system.get("/fhir/R4/Observation", asked)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "too-costly"


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_is_too_broad(system, record, monkeypatch):
    monkeypatch.setattr(rows, "LONGEST_MS", 1)
    monkeypatch.setattr(rows, "page_statement", lambda *_: ("SELECT pg_sleep(1), NULL, NULL", {}))

    answer = system.get("/fhir/R4/Observation")

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "too-costly")


def test_an_unknown_type_and_head(system, whose, record):
    assert system.get("/fhir/R4/Nothing").status_code == 404
    assert system.head(f"/fhir/R4/Observation?patient={whose.id}").status_code == 200
