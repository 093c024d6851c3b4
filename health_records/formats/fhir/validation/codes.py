"""More about Coding and CodeableConcept: required bindings, and the code systems of our own."""

from collections.abc import Callable
from typing import Any

from health_records.formats.fhir.validation.china import CODES, coding_fault
from health_records.formats.fhir.validation.findings import Check, Fault, Findings, Json

Pairs = frozenset[tuple[str, str]]
Texts = tuple[tuple[Any, ...], ...]

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


def few_texts(node: Json) -> Texts | None:
    """The properties of an object that may be remembered; None of one that has more."""
    return tuple(node.items()) if len(node) <= MOST_TEXTS else None


def remembering(walk: Check, texts_of: Callable[[Json], Texts | None] = few_texts) -> Check:
    """The check of an object that knows again what was sound: the same few fill most messages.

    Only what consists of a few short texts, told by `texts_of`, is remembered.
    """
    known: set[Texts] = set()

    def check(node: Any, found: Findings) -> list[Fault] | None:
        texts = texts_of(node) if type(node) is dict else None
        if texts is None:
            return walk(node, found)
        try:
            if texts in known:
                return None
        except TypeError:  # it holds an object or a list
            return walk(node, found)
        wrong = walk(node, found)
        if not wrong and all(_is_short(text) for part in texts for text in part):
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known.add(texts)
        return wrong

    return check


def texts_of_concept(node: Json) -> Texts | None:
    """Those of a CodeableConcept that has one Coding, and perhaps a text, which stands alone among the pairs."""
    codings = node.get("coding")
    if type(codings) is not list or len(codings) != 1 or len(node) > 2:
        return None
    texts = few_texts(codings[0]) if type(codings[0]) is dict else None
    return texts if texts is None or len(node) == 1 else (*texts, (node.get("text"),))


def _is_short(text: Any) -> bool:
    return type(text) is str and len(text) <= LONGEST_REMEMBERED


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
