"""A FHIR Patient as the facts of a registration."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from health_records.formats.fhir.bundles import Entry, identifiers_in, type_codes
from health_records.formats.fhir.columns import person_name
from health_records.formats.fhir.issues import refuse
from registry.identity_documents import citizen_number_of
from registry.patients.rules import CITIZEN, HOME_RETURN, PASSPORT, TAIWAN, RegistrationFacts

SEXES: Mapping[str, str] = {"male": "1", "female": "2", "unknown": "0", "other": "9"}
"""FHIR administrative gender → GB/T 2261.1."""

DOCUMENT_SYSTEMS: Mapping[str, str] = {
    "urn:oid:2.16.156.10011.1.3": CITIZEN,
    "urn:jianqiao:identity-document:01": CITIZEN,
    "urn:jianqiao:identity-document:03": PASSPORT,
    "urn:jianqiao:identity-document:06": HOME_RETURN,
    "urn:jianqiao:identity-document:07": TAIWAN,
}
DOCUMENT_TYPES: Mapping[str, str] = {"NI": CITIZEN, "NNCHN": CITIZEN, "PPN": PASSPORT}
FULL_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
PHONES = frozenset({"phone", "sms"})


def facts_of(entry: Entry) -> RegistrationFacts:
    """What the hospital says about the patient."""
    patient = entry.resource
    return RegistrationFacts(
        name=_name(patient),
        sex=SEXES.get(str(patient.get("gender")), ""),
        birth_date=_birth_date(entry),
        documents=tuple(sorted(set(_documents(patient)))),
        phones=tuple(_phones(patient)),
        identifiers=tuple(_identifiers(patient)),
    )


def _name(patient: dict[str, Any]) -> str:
    listed = patient.get("name")
    names = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    official = [one for one in names if one.get("use") == "official"]
    return person_name((official or names)[0]) if names else ""


def _birth_date(entry: Entry) -> date | None:
    """The birth date; None when it is only a year or a month."""
    text = entry.resource.get("birthDate")
    if text is None:
        return None
    path = f"{entry.path}.birthDate".lstrip(".")
    if not isinstance(text, str) or not FULL_DATE.fullmatch(text):
        raise refuse("date", path, str(text))
    try:
        whole = date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    except ValueError as error:
        raise refuse("date", path, text) from error
    return whole if len(text) == 10 else None


def _documents(patient: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for identifier in identifiers_in(patient):
        value = identifier.get("value")
        if not isinstance(value, str) or not value:
            continue
        kind = DOCUMENT_SYSTEMS.get(str(identifier.get("system")))
        kind = kind or next(filter(None, map(DOCUMENT_TYPES.get, type_codes(identifier))), None)
        if kind is None and citizen_number_of(value) is not None:
            kind = CITIZEN
        if kind is not None:
            yield kind, value


def _identifiers(patient: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for identifier in identifiers_in(patient):
        value, system = identifier.get("value"), identifier.get("system")
        if isinstance(value, str) and value:
            yield system if isinstance(system, str) else "", value


def _phones(patient: dict[str, Any]) -> Iterator[str]:
    listed = patient.get("telecom")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and str(one.get("system")) in PHONES:
            value = one.get("value")
            if isinstance(value, str) and any(map(str.isdigit, value)):
                yield value
