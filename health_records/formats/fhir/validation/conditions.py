"""What invariants are made of: questions about the parts of one object, answered yes or no.

A name that ends in `[x]` stands for every form of a choice. A part that has only extensions exists.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

Json = dict[str, Any]
Holds = Callable[[Json], bool]

WITH_CLOCK = len("2026-01-01T00:00:00Z")
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def given(name: str) -> Holds:
    """The part exists."""
    beside = f"_{name}"
    if not name.endswith("[x]"):
        return lambda node: name in node or beside in node
    stem = name[:-3]
    stems, place = (stem, f"_{stem}"), len(stem)

    def is_given(node: Json) -> bool:
        for key in node:
            if key.startswith(stems) and key.lstrip("_")[place : place + 1].isupper():
                return True
        return False

    return is_given


def some(*names: str) -> Holds:
    """At least one of them is given."""
    conditions = [given(name) for name in names]
    return lambda node: any(holds(node) for holds in conditions)


def not_both(one: str, other: str) -> Holds:
    """At most one of the two is given."""
    first, second = given(one), given(other)
    return lambda node: not (first(node) and second(node))


def exactly_one(*names: str) -> Holds:
    """One of them is given and no other."""
    conditions = [given(name) for name in names]
    return lambda node: sum(holds(node) for holds in conditions) == 1


def needs(one: str, other: str) -> Holds:
    """Whoever gives the first gives the other."""
    first, second = given(one), given(other)
    return lambda node: second(node) or not first(node)


def together(one: str, other: str) -> Holds:
    """Both are given, or none."""
    first, second = given(one), given(other)
    return lambda node: first(node) == second(node)


def only_if(name: str, part: str, *values: Any) -> Holds:
    """The part `name` is given only where `part` has one of the values."""
    named = given(name)
    return lambda node: node.get(part) in values or not named(node)


def required_if(name: str, part: str, *values: Any) -> Holds:
    """The part `name` is given where `part` has one of the values."""
    named = given(name)
    return lambda node: node.get(part) not in values or named(node)


def forbidden_if(name: str, part: str, *values: Any) -> Holds:
    """The part `name` is not given where `part` has one of the values."""
    named = given(name)
    return lambda node: node.get(part) not in values or not named(node)


def all_of(*conditions: Holds) -> Holds:
    """Every condition holds."""
    return lambda node: all(holds(node) for holds in conditions)


def distinct(name: str, *parts: str) -> Holds:
    """No two items of a list agree in these parts."""

    def holds(node: Json) -> bool:
        keys = [tuple(one.get(part) for part in parts) for one in node.get(name) or ()]
        return len(keys) == len(set(keys))

    return holds


def coded(node: Json, name: str, table: str, *codes: str) -> bool:
    """Whether a CodeableConcept has one of the codes of an HL7 table."""
    codings = (node.get(name) or {}).get("coding") or ()
    return any(
        one.get("system") == TERMINOLOGY + table and one.get("code") in codes for one in codings
    )


def in_ucum(node: Json) -> bool:
    """Whether a quantity is in UCUM, with a code wherever it has a value."""
    return node.get("system") in {None, UCUM} and ("code" in node or "value" not in node)


def in_order(first: Any, second: Any) -> bool:
    """Whether a time is not after another; times of different precision are not compared."""
    if not isinstance(first, str) or not isinstance(second, str):
        return True
    if len(first) < WITH_CLOCK or len(second) < WITH_CLOCK:
        return len(first) != len(second) or first <= second
    if first[19:] == second[19:]:
        return first <= second
    return _moment(first) <= _moment(second)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(":60", ":59", 1))


def below(node: Json, name: str) -> Iterator[Json]:
    """The items of a list and, however deep, of the lists of that name inside them."""
    waiting = list(node.get(name) or ())
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.get(name) or ()
