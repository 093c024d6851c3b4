"""More about Coding and CodeableConcept: required bindings, and the code systems of our own."""

from collections.abc import Hashable, Iterable
from typing import Any

from health_records.formats.fhir.validation.china import CODES, coding_fault
from health_records.formats.fhir.validation.findings import Check, Fault, Findings

Pairs = frozenset[tuple[str, str]]

MOST_REMEMBERED = 2_000
MOST_TEXTS = 3
LONGEST_REMEMBERED = 200
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
    """The check of an object that knows again what was sound: the same few fill most messages.

    Only what consists of a few texts is remembered.
    """
    known: set[Hashable] = set()

    def check(node: Any, found: Findings) -> list[Fault] | None:
        if type(node) is not dict or len(node) > MOST_TEXTS:
            return walk(node, found)
        texts = tuple(node.items())
        try:
            if texts in known:
                return None
        except TypeError:  # it holds an object or a list
            return walk(node, found)
        wrong = walk(node, found)
        if not wrong and _are_short(node.values()):
            _remember(texts, known)
        return wrong

    return check


def remembering_concept(walk: Check) -> Check:
    """The same for a CodeableConcept that has one Coding of a few texts, and perhaps a text."""
    known: set[Hashable] = set()

    def check(node: Any, found: Findings) -> list[Fault] | None:
        codings = node.get("coding") if type(node) is dict else None
        if type(codings) is not list or len(codings) != 1 or type(codings[0]) is not dict:
            return walk(node, found)
        coding, text = codings[0], node.get("text")
        texts = len(node), text, *coding.items()
        try:
            if texts in known:
                return None
        except TypeError:
            return walk(node, found)
        wrong = walk(node, found)
        plain = () if len(node) == 1 else (text,)
        if not wrong and len(node) < 3 and _are_short((*plain, *coding.values())):
            _remember(texts, known)
        return wrong

    return check


def _are_short(values: Iterable[Any]) -> bool:
    return all(type(value) is str and len(value) <= LONGEST_REMEMBERED for value in values)


def _remember(texts: Hashable, known: set[Hashable]) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known.add(texts)


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
