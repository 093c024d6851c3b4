"""What this node can do, said truthfully (CapabilityStatement)."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings

from health_records.formats.fhir.resource_types import NOT_KEPT, RESOURCE_TYPES
from health_records.formats.fhir.search.includes import references_of
from health_records.formats.fhir.search.parameters import NOTES, TYPES, Meaning, parameters_of

WRITTEN_ON = "2026-11-21"
READS = ("read", "vread", "history-instance", "history-type", "search-type")
WRITES = ("create", "update", "delete")
TAKES: Mapping[str, Any] = {
    "updateCreate": True,
    "conditionalCreate": True,
    "conditionalUpdate": True,
    "conditionalDelete": "single",
    "referencePolicy": ["literal", "logical", "enforced"],
}
PARTS = (
    "read, vread and searches take _summary (true, text, data; searches count too) and _elements; what"
    " comes is marked SUBSETTED. histories take _count and _since. PATCH is not supported."
)
DOCUMENTATION = (
    "Conditions of create, update and delete: identifier=system|value and _id, among what the same"
    " hospital pushed. Delete marks a resource as entered in error: by its status where its type has"
    " that code, else it answers 410 and its earlier versions stay readable."
)
ENTRIES = {
    "city": "Bundle entries are POST, PUT, DELETE, GET and HEAD; reads come last.",
    "province": "Bundle entries are GET and HEAD.",
}

EVERYTHING = {
    "name": "everything",
    "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
}


def _parameter(named: tuple[str, Meaning]) -> dict[str, Any]:
    name, meaning = named
    said = {"name": name, "type": TYPES[meaning]}
    return said | ({"documentation": NOTES[meaning]} if meaning in NOTES else {})


@cache
def capability_statement() -> dict[str, Any]:
    """Reads everywhere; writes at the hospital's city only."""
    takes = settings.ROLE == "city"
    codes = [*READS, *(WRITES if takes else ())]
    resources: list[dict[str, Any]] = []
    for name in sorted(RESOURCE_TYPES - NOT_KEPT):
        one: dict[str, Any] = {
            "type": name,
            "interaction": [{"code": code} for code in codes],
            "versioning": "versioned",
            "readHistory": True,
            "conditionalRead": "full-support",
        }
        one["searchParam"] = [*map(_parameter, parameters_of(name).items())]
        if includes := sorted(f"{name}:{parameter}" for parameter in references_of(name)):
            one["searchInclude"] = includes
        if name == "Patient":
            one["operation"] = [EVERYTHING]
        if takes:
            one |= TAKES
        resources.append(one)
    rest: dict[str, Any] = {
        "mode": "server",
        "documentation": PARTS,
        "security": {
            "description": "OAuth 2.0 client credentials with private_key_jwt (RFC 7523) at /oauth/token"
        },
        "resource": resources,
    }
    if takes:
        rest["documentation"] = f"{DOCUMENTATION} {PARTS}"
    rest["interaction"] = [
        {"code": code, "documentation": ENTRIES[settings.ROLE]} for code in ("transaction", "batch")
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": WRITTEN_ON,
        "kind": "instance",
        "software": {"name": "健桥 Jianqiao"},
        "implementation": {
            "description": f"Node {settings.NODE_CODE}", "url": f"{settings.NODE_URL}/fhir/R4"
        },
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "rest": [rest],
    }  # fmt: skip
