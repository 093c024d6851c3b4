"""FHIR Observations and DiagnosticReports of a visit."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from uuid import UUID

from config.model_province.activity import Visit
from config.model_province.clinic import (
    DIASTOLIC,
    PULSE,
    SYSTOLIC,
    TEMPERATURE,
    WEIGHT,
    Imaging,
    Item,
    Panel,
)
from config.model_province.coding import (
    LOINC,
    Json,
    coding,
    concept,
    hl7,
    organisation,
    practitioner,
    quantity,
)
from config.model_province.resources import Scene, moment

HYPERTENSION = "I10.X11"
ABNORMAL = 0.22
"""Share of laboratory results outside the usual range among people who see a doctor."""


def vital_signs(visit: Visit) -> Iterator[tuple[Item, float]]:
    """What is measured at the desk, with the mean for the patient's age."""
    age = visit.resident.age_on(visit.starts.date())
    yield PULSE, 76 if age > 12 else 118 - 3 * age
    yield TEMPERATURE, 38.3 if "发热" in visit.complaint.says else 36.6
    if age > 1:
        yield WEIGHT, min(64.0, 9.0 + 2.9 * age)


def blood_pressure(scene: Scene, code: tuple[str, str], chance: Random) -> Json:
    """Systolic and diastolic pressure as one Observation."""
    raised = scene.visit.complaint.icd10 == HYPERTENSION
    upper = round(chance.gauss(148 if raised else 121, 11))
    lower = round(upper * chance.uniform(0.58, 0.66))
    return {
        **_observation(scene, "vital-signs", "Vital Signs"),
        "code": concept(code[1], coding(LOINC, *code)),
        "component": [
            {
                "code": concept(item.name, coding(LOINC, item.loinc, item.name)),
                "valueQuantity": quantity(value, item.unit),
            }
            for item, value in ((SYSTOLIC, upper), (DIASTOLIC, lower))
        ],
    }


def vital_sign(scene: Scene, item: Item, mean: float, chance: Random) -> Json:
    """One measurement at the desk."""
    value = _rounded(chance.gauss(mean, mean * (0.006 if item is TEMPERATURE else 0.09)), item)
    return {
        **_observation(scene, "vital-signs", "Vital Signs"),
        "code": concept(item.name, coding(LOINC, item.loinc, item.name)),
        "valueQuantity": quantity(value, item.unit),
    }


def laboratory_result(scene: Scene, item: Item, chance: Random) -> Json:
    """One value with its reference range and how it lies to it."""
    width = item.high - item.low
    if chance.random() < ABNORMAL:
        drawn = item.high + width * chance.uniform(0.05, 0.8)
    else:
        drawn = item.low + width * chance.uniform(0.05, 0.95)
    value = _rounded(drawn, item)
    high = value > item.high
    return {
        **_observation(scene, "laboratory", "Laboratory"),
        "code": concept(item.name, coding(LOINC, item.loinc, item.name)),
        "performer": [organisation(scene.visit.hospital)],
        "valueQuantity": quantity(value, item.unit),
        "interpretation": [
            concept("偏高", hl7("v3-ObservationInterpretation", "H", "High"))
            if high
            else concept("正常", hl7("v3-ObservationInterpretation", "N", "Normal"))
        ],
        "referenceRange": [
            {"low": quantity(item.low, item.unit), "high": quantity(item.high, item.unit)}
        ],
    }


def laboratory_report(scene: Scene, panel: Panel, results: Sequence[UUID]) -> Json:
    """The sheet the laboratory sends back."""
    codings = [coding(LOINC, panel.loinc, panel.name)] if panel.loinc else []
    return {
        **_report(scene, "LAB", "Laboratory"),
        "code": concept(panel.name, *codings),
        "result": [{"reference": result.urn} for result in results],
    }


def imaging_report(scene: Scene, imaging: Imaging, chance: Random) -> Json:
    """A report in words."""
    return {
        **_report(scene, "RAD", "Radiology"),
        "code": concept(imaging.name, coding(LOINC, imaging.loinc, imaging.name)),
        "conclusion": imaging.finding if chance.random() < 0.6 else imaging.normal,
    }


def _observation(scene: Scene, category: str, display: str) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [hl7("observation-category", category, display)]}],
        **scene.links,
        "effectiveDateTime": moment(scene.visit.starts + timedelta(minutes=40)),
    }


def _report(scene: Scene, category: str, display: str) -> Json:
    reported = moment(scene.visit.starts + timedelta(minutes=90))
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [hl7("v2-0074", category, display)]}],
        **scene.links,
        "effectiveDateTime": reported,
        "issued": reported,
        "performer": [organisation(scene.visit.hospital)],
        "resultsInterpreter": [practitioner(scene.visit.doctor)],
    }


def _rounded(value: float, item: Item) -> float:
    return round(value, item.decimals) if item.decimals else round(value)
