"""Types of which more is asked than their elements."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.china import identifier_fault
from health_records.formats.fhir.validation.codes import coding
from health_records.formats.fhir.validation.findings import Check, Fault, Findings
from health_records.formats.fhir.validation.primitives import is_base64

TARGET = re.compile(
    r"([A-Z][A-Za-z]+)(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|\?.*)"
)
ELSEWHERE = re.compile(
    r"https?://.*/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"
VALUES = ("value", "_value")
SOUGHT = "sought"
"""Not a rule: the answer to where a Reference stands."""


def reference(targets: frozenset[str] | None) -> Check:
    """More about a Reference: collected; its target's type is checked where its text tells it."""

    def further(node: Any, found: Findings) -> list[Fault] | None:
        text = node.get("reference")
        if type(text) is not str:
            return None
        found.references.append((node, targets))
        if found.sought and id(node) in found.sought:
            return [("", SOUGHT, str(id(node)))]
        type_: str | None
        if text[:4] == "urn:":
            return None
        if text[:1] == "#":
            type_ = found.contained.get(text[1:], "" if text == "#" else None)
            if type_ is None:
                return [("", "ref-1", text)]
        elif match := TARGET.fullmatch(text):
            type_ = match[1]
        elif "type" in node and (match := ELSEWHERE.fullmatch(text)):
            return _ill_typed(node, match[1])
        else:
            return None
        if not may_lead_to(type_, targets) and type_ in RESOURCE_TYPES:
            return [("", "reference-target", target_shown(type_, targets))]
        return _ill_typed(node, type_) if "type" in node else None

    return further


def _ill_typed(node: Any, type_: str) -> list[Fault] | None:
    named = node["type"]
    if type_ not in RESOURCE_TYPES or type(named) is not str:
        return None
    if named.removeprefix(DEFINITIONS) == type_:
        return None
    return [(".type", "reference-type", f"{named} ≠ {type_}")]


def may_lead_to(type_: str, targets: frozenset[str] | None) -> bool:
    """Whether a reference that was found with these targets may lead to a resource of a type."""
    return targets is None or type_ in targets


def target_shown(type_: str, targets: frozenset[str] | None) -> str:
    """A type that is not allowed, and those that are."""
    return f"{type_} ≠ {' | '.join(sorted(targets or ()))}"


def domain_resource(walk: Check) -> Check:
    """What holds of contained resources: dom-2, dom-4, dom-5, and an id of its own for each."""

    def check(node: Any, found: Findings) -> list[Fault] | None:
        contained = node.get("contained")
        if type(contained) is not list:
            return walk(node, found)
        inside = [one for one in contained if type(one) is dict]
        outer = found.contained
        types = {str(one.get("id")): str(one.get("resourceType")) for one in inside}
        ids = [str(one["id"]) for one in inside if "id" in one]
        found.contained = {"": found.within} | outer | types
        faults = list(walk(node, found) or ())
        found.contained = outer
        if len(ids) > len(set(ids)):
            faults.append(("", "contained-id", Counter(ids).most_common(1)[0][0]))
        if any("contained" in one for one in inside):
            faults.append(("", "dom-2", ""))
        metas = [one["meta"] for one in inside if type(one.get("meta")) is dict]
        if any("versionId" in meta or "lastUpdated" in meta for meta in metas):
            faults.append(("", "dom-4", ""))
        if any("security" in meta for meta in metas):
            faults.append(("", "dom-5", ""))
        return faults

    return check


def _extension(node: Any, _: Findings) -> list[Fault] | None:
    """ext-1: a value or extensions, one of them."""
    for key in node:
        if key.startswith(VALUES):
            return [("", "ext-1", "")] if "extension" in node else None
    return None if "extension" in node else [("", "ext-1", "")]


def _identifier(node: Any, _: Findings) -> list[Fault] | None:
    wrong = identifier_fault(node)
    return [wrong] if wrong else None


def _attachment(node: Any, found: Findings) -> list[Fault] | None:
    data = node.get("data")
    if type(node.get("url")) is str:
        found.links.append(node)
    return None if type(data) is not str or is_base64(data) else [("", "base64", "")]


FURTHER: Mapping[str, Check] = {
    "Attachment": _attachment,
    "Coding": coding(None),
    "Extension": _extension,
    "Identifier": _identifier,
}
"""What more is asked of a type than its elements and invariants."""
