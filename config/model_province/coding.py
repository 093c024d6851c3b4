"""Code systems of the model province's bundles, and the small shapes every resource repeats."""

from collections.abc import Mapping
from typing import Any

from config.model_province.sources import Hospital, Practitioner

Json = dict[str, Any]

IDENTITY_CARD = "urn:oid:2.16.156.10011.1.3"
PRACTITIONER_NUMBER = "urn:oid:2.16.156.10011.1.4"
ORGANISATION_NUMBER = "urn:oid:2.16.156.10011.1.5"
OUTPATIENT_NUMBER = "urn:oid:2.16.156.10011.1.11"
INPATIENT_NUMBER = "urn:oid:2.16.156.10011.1.12"
ETHNIC_GROUP = "urn:oid:2.16.156.10011.2.3.3.3"
ICD_10 = "urn:oid:2.16.156.10011.2.3.3.11"
DEPARTMENT = "urn:oid:2.16.156.10011.2.3.2.62"
SHARED_DOCUMENT = "urn:oid:2.16.156.10011.2.4"
"""Identifiers and code systems as the national shared documents (WS/T 500) write them."""

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CVX = "http://hl7.org/fhir/sid/cvx"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"

ETHNIC_GROUPS: Mapping[str, str] = {
    "01": "汉族", "02": "蒙古族", "03": "回族", "04": "藏族", "11": "满族", "17": "哈萨克族", "26": "东乡族",
    "30": "土族", "35": "撒拉族", "38": "锡伯族", "47": "保安族", "48": "裕固族",
}  # fmt: skip
GENDERS: Mapping[str, str] = {"1": "male", "2": "female"}


def coding(system: str, code: str, display: str) -> Json:
    """One Coding."""
    return {"system": system, "code": code, "display": display}


def concept(text: str, *codings: Json) -> Json:
    """A CodeableConcept; without codings when nothing standard exists."""
    return {"coding": list(codings), "text": text} if codings else {"text": text}


def hl7(table: str, code: str, display: str) -> Json:
    """A Coding of one of HL7's own tables."""
    return coding(TERMINOLOGY + table, code, display)


def patient_numbers(hospital: Hospital) -> str:
    """The system of a hospital's own patient numbers."""
    return f"urn:jianqiao:organisation:{hospital.code}:patient"


def message_numbers(hospital: Hospital) -> str:
    """The system of a hospital's own message numbers."""
    return f"urn:jianqiao:organisation:{hospital.code}:message"


def organisation(hospital: Hospital) -> Json:
    """The hospital, by its registration number."""
    return {
        "type": "Organization",
        "identifier": {"system": ORGANISATION_NUMBER, "value": hospital.code},
        "display": hospital.name,
    }


def practitioner(doctor: Practitioner) -> Json:
    """A doctor, by the number of the practising certificate."""
    return {
        "type": "Practitioner",
        "identifier": {"system": PRACTITIONER_NUMBER, "value": doctor.certificate},
        "display": doctor.name,
    }


def quantity(value: float, unit: str) -> Json:
    """A Quantity in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
