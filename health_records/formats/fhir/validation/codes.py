"""More about Coding and CodeableConcept: required bindings, and the code systems of our own."""

from typing import Any

from health_records.formats.fhir.validation.china import CODES, coding_fault
from health_records.formats.fhir.validation.findings import Check, Fault, Findings

Pairs = frozenset[tuple[str, str]]

MOST_REMEMBERED = 5_000
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


def remembering(walk: Check) -> Check:
    """The check of a Coding that knows again what was sound: the same few fill most messages.

    Only what has a system, a code and perhaps a display, and nothing else, is remembered.
    """
    known: set[tuple[str, str, str | None]] = set()

    def check(node: Any, found: Findings) -> list[Fault] | None:
        if type(node) is not dict:
            return walk(node, found)
        system, code, display = node.get("system"), node.get("code"), node.get("display")
        if not (type(system) is type(code) is str and (display is None or type(display) is str)):
            return walk(node, found)
        if len(node) != (2 if display is None else 3):
            return walk(node, found)
        usual = system, code, display
        if usual in known:
            return None
        wrong = walk(node, found)
        if not wrong:
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known.add(usual)
        return wrong

    return check


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
