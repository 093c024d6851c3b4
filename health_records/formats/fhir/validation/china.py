"""What of our own an element must keep when it names one of our systems; other systems are untouched.

The codes stand in `china_codes.csv` with where they come from. What a province adds to them, it adds
to its terminology (`registry.terminology`): a code unknown here is looked up there by the door.
Numbers of institutions (医疗机构) have several legal forms, so none is refused; they are mapped to the registry.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from health_records.formats.fhir.validation.findings import Fault

IDENTITY_DOCUMENT = "urn:jianqiao:identity-document"
"""Identifiers of people: this, a colon and the type of the document (身份证件类别)."""

OUR_CODE = "our-code"
"""The rule of a code that may yet be in the terminology; shows `system|code`."""


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
    if known is None or type(code) is not str or code in known:
        return None
    return ".code", OUR_CODE, f"{system}|{code}"


def identifier_fault(identifier: Mapping[str, Any]) -> Fault | None:
    """What is wrong with an identifier of one of our systems."""
    system = identifier.get("system")
    if type(system) is not str or not system.startswith(f"{IDENTITY_DOCUMENT}:"):
        return None
    kind = system[len(IDENTITY_DOCUMENT) + 1 :]
    known = kind in CODES[IDENTITY_DOCUMENT]
    return None if known else (".system", OUR_CODE, f"{IDENTITY_DOCUMENT}|{kind}")
