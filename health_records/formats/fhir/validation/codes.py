"""Checks of Coding and CodeableConcept: required bindings, and the code systems of our own."""

from typing import Any

from health_records.formats.fhir.validation.china import coding_fault
from health_records.formats.fhir.validation.findings import Check, Fault, Findings

Pairs = frozenset[tuple[str, str]]

VALUE_SETS = "http://hl7.org/fhir/ValueSet/"


def coding_check(pairs: Pairs | None, walk: Check) -> Check:
    """A Coding, of a value set if one is required."""

    def check(node: Any, found: Findings) -> list[Fault] | None:
        faults = walk(node, found)
        if type(node) is not dict:
            return faults
        system, code = node.get("system"), node.get("code")
        if pairs is not None and not _is_one_of(pairs, node):
            return [*(faults or ()), ("", "code-unknown", f"{system}#{code}")]
        if type(system) is str:
            if ":" not in system or system.startswith(VALUE_SETS):
                return [*(faults or ()), (".system", "coding-system", system)]
            if wrong := coding_fault(system, code):
                return [*(faults or ()), wrong]
        return faults

    return check


def concept_check(pairs: Pairs, walk: Check) -> Check:
    """A CodeableConcept with at least one code of the value set."""

    def check(node: Any, found: Findings) -> list[Fault] | None:
        faults = walk(node, found)
        if type(node) is not dict:
            return faults
        codings = node.get("coding")
        listed = [one for one in codings if type(one) is dict] if type(codings) is list else []
        if not any(_is_one_of(pairs, one) for one in listed):
            shown = [f"{one.get('system')}#{one.get('code')}" for one in listed]
            rule = "code-unknown" if shown else "code-required"
            return [*(faults or ()), ("", rule, ", ".join(shown))]
        return faults

    return check


def _is_one_of(pairs: Pairs, coding: dict[str, Any]) -> bool:
    system, code = coding.get("system"), coding.get("code")
    return type(system) is str and type(code) is str and (system, code) in pairs
