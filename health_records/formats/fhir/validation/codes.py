"""More about Coding and CodeableConcept: required bindings, and the code systems of our own."""

from typing import Any

from health_records.formats.fhir.validation.china import CODES, coding_fault
from health_records.formats.fhir.validation.findings import Check, Fault, Findings

Pairs = frozenset[tuple[str, str]]

VALUE_SETS = "http://hl7.org/fhir/ValueSet/"


def coding(pairs: Pairs | None) -> Check:
    """More about a Coding: of a value set if one is required, of a system that has an address."""

    def further(node: Any, _: Findings) -> list[Fault] | None:
        system, code = node.get("system"), node.get("code")
        if pairs is not None and not _is_one_of(pairs, node):
            return [("", "code-unknown", f"{system}#{code}")]
        if type(system) is str:
            if ":" not in system or system.startswith(VALUE_SETS):
                return [(".system", "coding-system", system)]
            if system in CODES and (wrong := coding_fault(system, code)):
                return [wrong]
        return None

    return further


def concept(pairs: Pairs) -> Check:
    """More about a CodeableConcept: one of its codes is of the value set."""

    def further(node: Any, _: Findings) -> list[Fault] | None:
        codings = node.get("coding")
        listed = [one for one in codings if type(one) is dict] if type(codings) is list else []
        if any(_is_one_of(pairs, one) for one in listed):
            return None
        shown = [f"{one.get('system')}#{one.get('code')}" for one in listed]
        return [("", "code-unknown" if shown else "code-required", ", ".join(shown))]

    return further


def _is_one_of(pairs: Pairs, coding: dict[str, Any]) -> bool:
    system, code = coding.get("system"), coding.get("code")
    return type(system) is str and type(code) is str and (system, code) in pairs
