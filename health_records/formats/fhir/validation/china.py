"""What of our own an element must keep when it names one of our systems; other systems are untouched.

The codes stand in `china_codes.csv` with where they come from. What a province adds to them, it adds
to its terminology (`registry.terminology`): a code unknown here is looked up there by the door.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from health_records.formats.fhir.validation.findings import Fault

IDENTITY_DOCUMENT = "urn:jianqiao:identity-document"
"""Identifiers of people: this, a colon and the type of the document (身份证件类别)."""

FORMS: Mapping[str, re.Pattern[str]] = {
    "urn:oid:2.16.156.10011.1.5": re.compile(r"[0-9A-Z]{22}"),  # WS 218, 卫生机构(组织)代码
}
"""What identifier values of a system look like."""


def _read() -> Mapping[str, frozenset[str]]:
    codes: dict[str, set[str]] = {}
    path = Path(__file__).parent / "china_codes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            codes.setdefault(row["system"], set()).add(row["code"])
    return {system: frozenset(listed) for system, listed in codes.items()}


CODES = _read()
"""Known codes by system: 民族, 身份证件类别, 险种."""


def coding_fault(system: str, code: Any) -> Fault | None:
    """What is wrong with a code of one of our systems."""
    known = CODES.get(system)
    return None if known is None or code in known else (".code", "our-code", f"{system}|{code}")


def identifier_fault(identifier: Mapping[str, Any]) -> Fault | None:
    """What is wrong with an identifier of one of our systems."""
    system, value = identifier.get("system"), identifier.get("value")
    if type(system) is not str:
        return None
    if system in FORMS:
        fits = type(value) is str and FORMS[system].fullmatch(value)
        return None if fits else (".value", "our-identifier", system)
    if system.startswith(f"{IDENTITY_DOCUMENT}:"):
        kind = system[len(IDENTITY_DOCUMENT) + 1 :]
        if kind not in CODES[IDENTITY_DOCUMENT]:
            return ".system", "our-code", f"{IDENTITY_DOCUMENT}|{kind}"
    return None
