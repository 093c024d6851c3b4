"""What of a resource goes into columns, over plain values."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from health_records.formats.fhir.bundles import Entry
from health_records.formats.fhir.columns import (
    BEGINNING,
    OPEN_END,
    columns_of,
    person_name,
    span_of,
)
from health_records.formats.fhir.issues import MessageRefused
from health_records.formats.fhir.patients import facts_of
from health_records.formats.fhir.resource_types import KINDS
from health_records.incoming import Kind

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def entry_of(type_: str, **parts: Any) -> Entry:
    resource = {"resourceType": type_, **parts}
    return Entry(0, "", KINDS.get(type_, Kind.ENTRY), type_, resource, "", "1", "1", "POST")


def columns(type_: str, **parts: Any) -> dict[str, Any]:
    return columns_of(entry_of(type_, **parts), NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026", "2026-01-01T00:00:00+08:00"),
        ("2026-03", "2026-03-01T00:00:00+08:00"),
        ("2026-03-07", "2026-03-07T00:00:00+08:00"),
        ("2026-03-07T09:05:06Z", "2026-03-07T09:05:06+00:00"),
        ("2026-03-07T09:05:06.1234567+08:00", "2026-03-07T01:05:06.123456+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
    ],
)
def test_moments(text, moment):
    assert span_of(text)[0].isoformat() == moment


@pytest.mark.parametrize(
    "text",
    ["x", "2026-02-30", "2026-13", "26-01-01", "2026-01-01T09:00:00", "2026-01-01T25:00:00Z",
     "0000-01-01", "2026-1-1", "2026-01-01 09:00", "二〇二六"],
)  # fmt: skip
def test_what_is_no_moment(text):
    with pytest.raises(ValueError, match=r"."):
        span_of(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0001-01-01T00:00:00+14:00", BEGINNING),
        ("0001-01-01T00:00:00+08:00", BEGINNING),
        ("0001-01-01", BEGINNING),
        ("0001", BEGINNING),
        ("9999-12-31T23:59:59-14:00", OPEN_END),
        ("9999-12-31T23:59:59.9999999Z", OPEN_END),
        ("9999-12-31T23:59:59Z", OPEN_END),
    ],
)
def test_the_ends_of_the_calendar_are_taken_as_near_as_can_be(text, moment):
    assert columns("Observation", effectiveDateTime=text)["occurred_at"] == moment


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59:59.9999999Z", "9999"])
def test_a_visit_that_ends_at_the_end_of_the_calendar_is_not_over(text):
    assert columns("Encounter", period={"start": "2026-03-01", "end": text})["ended_at"] is None


def test_what_is_no_date_is_refused():
    with pytest.raises(MessageRefused):
        columns("Observation", effectiveDateTime="2026-02-30")


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        ({"valueQuantity": {"value": 5.1, "unit": "mmol/L"}}, (5.1, "mmol/L", "")),
        ({"valueQuantity": {"value": 5, "code": "g", "comparator": "<"}}, (5.0, "g", "<")),
        ({"valueQuantity": {"value": "5", "unit": "g"}}, (None, "g", "")),
        ({"valueQuantity": {"unit": "g"}}, (None, "", "")),
        ({"valueInteger": 3}, (3.0, "", "")),
        ({"valueBoolean": True}, (None, "", "true")),
        ({"valueString": "阴性"}, (None, "", "阴性")),
        ({"valueCodeableConcept": {"coding": [{"display": "A型"}]}}, (None, "", "A型")),
        ({}, (None, "", "")),
    ],
)
def test_values(parts, value):
    found = columns("Observation", **parts)

    assert (found["value_number"], found["value_unit"], found["value_text"]) == value


def test_blood_pressure_is_one_line():
    found = columns("Observation", component=[
        {"code": {"text": "收缩压"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
        {"code": {"text": "舒张压"}, "valueQuantity": {"value": 80, "unit": "mmHg"}},
        "nonsense",
    ])  # fmt: skip

    assert found["value_text"] == "收缩压 120 mmHg; 舒张压 80 mmHg"


@pytest.mark.parametrize(
    ("type_", "parts", "about"),
    [
        ("Condition", {"code": {"text": "感冒"}}, ("", "", "感冒")),
        ("Immunization", {"vaccineCode": {"coding": [{"system": "s", "code": "c", "display": "d"}]}}, ("s", "c", "d")),
        ("MedicationRequest", {"medicationReference": {"display": "阿莫西林"}}, ("", "", "阿莫西林")),
        ("Encounter", {"type": [{"text": "复诊"}]}, ("", "", "复诊")),
        ("Encounter", {"type": []}, ("", "", "")),
        ("Basic", {"code": 7}, ("", "", "")),
        ("Questionnaire", {"code": "x"}, ("", "x", "")),
    ],
)  # fmt: skip
def test_what_it_is_about(type_, parts, about):
    found = columns(type_, **parts)

    assert (found["code_system"], found["code"], found["display"]) == about


def test_time_state_and_place_in_the_record():
    found = columns(
        "Condition", subject={"reference": "Patient/00000000-0000-7000-8000-000000000001"},
        encounter={"reference": "Encounter/x"}, onsetPeriod={"end": "2026-01-02"},
        clinicalStatus={"coding": [{"code": "active"}]}, category=[{"coding": [{"code": "dx"}]}],
    )  # fmt: skip

    assert str(found["registration_id"]) == "00000000-0000-7000-8000-000000000001"
    assert found["encounter_id"] is None
    assert found["occurred_at"].isoformat() == "2026-01-02T00:00:00+08:00"
    assert found["ended_at"].isoformat() == "2026-01-02T23:59:59.999999+08:00"
    assert (found["status_code"], found["categories"]) == ("active", ["|dx", "=dx"])


def test_what_tells_no_time_counts_as_of_now():
    assert columns("AllergyIntolerance")["occurred_at"] == NOW


def test_names():
    assert person_name({"family": "李", "given": ["明", 7]}) == "李明"
    assert person_name({"family": "Smith", "given": ["Ann", "B"]}) == "Ann B Smith"
    assert person_name({"text": "阿依古丽·买买提", "family": "x"}) == "阿依古丽·买买提"
    assert columns("Practitioner", name=[{"text": "李明"}])["name"] == "李明"
    assert columns("Location")["name"] == ""


def test_a_patient_as_facts():
    facts = facts_of(entry_of(
        "Patient", gender="female", birthDate="1990-03-07",
        name=[{"use": "nickname", "text": "小红"}, {"use": "official", "text": "王红"}],
        identifier=[
            {"system": "urn:jianqiao:identity-document:06", "value": "H12345678"},
            {"type": {"coding": [{"code": "PPN"}]}, "value": "E12345678"},
            {"value": "620102199003070026"}, {"value": 7}, {"system": "x", "value": "7"},
        ],
        telecom=[{"system": "email", "value": "a@b"}, {"system": "phone", "value": "n/a"},
                 {"system": "phone", "value": "13812345678"}, "x"],
    ))  # fmt: skip

    assert (facts.name, facts.sex, facts.birth_date) == ("王红", "2", date(1990, 3, 7))
    assert facts.documents == (
        ("01", "620102199003070026"), ("03", "E12345678"), ("06", "H12345678")
    )  # fmt: skip
    assert facts.phones == ("13812345678",)


@pytest.mark.parametrize(("text", "whole"), [("1990", None), ("1990-03", None), (None, None)])
def test_part_of_a_birth_date_is_none(text, whole):
    assert facts_of(entry_of("Patient", birthDate=text)).birth_date is whole


@pytest.mark.parametrize("text", ["1990-13", "90", 1990, "1990-02-30"])
def test_no_birth_date_at_all(text):
    with pytest.raises(MessageRefused):
        facts_of(entry_of("Patient", birthDate=text))
