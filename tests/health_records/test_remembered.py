"""What a check remembers as sound excuses nothing that only looks like it."""

from typing import Any

import pytest

from health_records.formats.fhir.validation.codes import LONGEST_REMEMBERED, MOST_REMEMBERED
from health_records.formats.fhir.validation.findings import Findings
from health_records.formats.fhir.validation.resources import validate

CODING = {"system": "http://loinc.org", "code": "4548-4", "display": "HbA1c"}
CONCEPT = {"coding": [CODING], "text": "HbA1c"}


def _observation(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": CONCEPT, **elements}


def _faults(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(issue.rule, issue.path) for issue in validate(resource, resource["resourceType"])]


@pytest.mark.parametrize(
    ("sound", "like", "rule", "path"),
    [
        (CONCEPT, CONCEPT | {"text": None}, "null", "code.text"),
        ({"coding": [CODING]}, {"coding": [CODING], "text": None}, "null", "code.text"),
        ({"coding": [CODING]}, {"coding": [CODING], "word": "x"}, "element-unknown", "code"),
        (CONCEPT, {"coding": [CODING, "x"]}, "object", "code.coding[1]"),
        (
            {"coding": [CODING | {"userSelected": True}]},
            {"coding": [CODING | {"userSelected": 1}]},
            "not-boolean", "code.coding[0].userSelected",
        ),
        ({"coding": [CODING]}, {"coding": [CODING | {"display": ""}]}, "text-empty", "code.coding[0].display"),
    ],
)  # fmt: skip
def test_like_what_was_sound(
    sound: dict[str, Any], like: dict[str, Any], rule: str, path: str
) -> None:
    for _ in range(2):
        assert _faults(_observation(code=sound)) == []
        assert _faults(_observation(code=like)) == [(rule, f"Observation.{path}")]


def test_bound_codes_are_remembered_where_they_are_bound() -> None:
    status = {"coding": [{"system": "http://loinc.org", "code": "active"}]}
    for _ in range(2):
        assert _faults(_observation(code=status)) == []
        condition = {
            "resourceType": "Condition", "clinicalStatus": status, "code": CONCEPT,
            "subject": {"reference": "Patient/1"},
        }  # fmt: skip
        assert ("code-unknown", "Condition.clinicalStatus") in _faults(condition)


def test_a_reference_that_was_sound_elsewhere() -> None:
    inside = {"resourceType": "Patient", "id": "p"}
    for _ in range(2):
        sound = _observation(contained=[inside], subject={"reference": "#p"})
        assert _faults(sound) == []
        assert _faults(_observation(subject={"reference": "#p"})) == [
            ("ref-1", "Observation.subject")
        ]
        assert _faults(_observation(subject={"reference": "Patient/1"})) == []
        assert _faults(_observation(encounter={"reference": "Patient/1"})) == [
            ("reference-target", "Observation.encounter")
        ]


def test_every_reference_is_collected() -> None:
    for _ in range(2):
        found = Findings()
        subject = {"reference": "Patient/1", "display": "张三"}
        resource = _observation(subject=subject, performer=[{"reference": "Patient/1"}])
        assert validate(resource, "Observation", found) == []
        assert [holder["reference"] for holder, _ in found.references] == ["Patient/1"] * 2
        assert found.references[0][0] is subject


def test_more_than_is_remembered_and_longer() -> None:
    for number in range(MOST_REMEMBERED + 2):
        coding = {"system": "http://loinc.org", "code": f"c-{number}"}
        assert _faults(_observation(code={"coding": [coding]})) == []
    long = CODING | {"display": "x" * (LONGEST_REMEMBERED + 1)}
    for _ in range(2):
        assert _faults(_observation(code={"coding": [long]})) == []


@pytest.mark.parametrize("moment", ["2026-02-30", "2026-01-01T25:00:00Z", "2026-01-01T10:00:00"])
def test_moments(moment: str) -> None:
    for _ in range(2):
        assert _faults(_observation(effectiveDateTime="2026-01-01T10:00:00+08:00")) == []
        assert _faults(_observation(effectiveDateTime=moment)) == [
            ("date", "Observation.effective.ofType(dateTime)")
        ]
