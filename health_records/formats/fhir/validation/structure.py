"""Checks of objects, made on first use from the compiled definitions.

A check walks its value once and tells faults by the path below it, so that a sound resource costs no
path at all. Rules and paths are those that HL7's reference validator gives.
"""

import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import orjson

from health_records.formats.fhir.definitions import COMPILED
from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.codes import (
    coding,
    concept,
    remembering,
    texts_of_concept,
)
from health_records.formats.fhir.validation.conditions import Holds
from health_records.formats.fhir.validation.findings import (
    MOST_FAULTS,
    Check,
    Fault,
    Findings,
    Json,
)
from health_records.formats.fhir.validation.invariants import INVARIANTS
from health_records.formats.fhir.validation.primitives import PRIMITIVES, data, element_id, one_of
from health_records.formats.fhir.validation.special_types import (
    FURTHER,
    domain_resource,
    reference,
)

DEEPEST_NESTING = 24
"""How often extensions, items, assigners and the like may stand in each other."""

ENVELOPE_RULES = frozenset({"bdl-1", "bdl-2", "bdl-4", "bdl-5", "bdl-8"})
"""Rules that need nothing of what an envelope holds."""

CONTAINED_ID = re.compile(r"[A-Za-z0-9\-.]+")
MANY = "*"
PROFILES_OF = {"SimpleQuantity": "Quantity", "MoneyQuantity": "Quantity"}
BEYOND_DEFINITIONS: Mapping[str, tuple[str, ...]] = {
    "Bundle.entry": ("full-url",),
    "ValueSet.compose.include": ("include-system",),
    "ValueSet.compose.exclude": ("include-system",),
}
"""Conditions that the reference validator adds to those of the definitions."""


REMEMBERED: Mapping[str, Callable[[Check], Check]] = {
    "CodeableConcept": partial(remembering, texts_of=texts_of_concept),
    "Coding": remembering,
    "Reference": remembering,
}
Rule = tuple[str, Holds]
Choice = tuple[str, set[str], bool]
"""Name, properties of which only one may be given (beside it `_name`), and whether one must."""


@cache
def definitions() -> Json:
    """The compiled definitions."""
    made: Json = orjson.loads(gzip.decompress(COMPILED.read_bytes()))
    return made


@cache
def check_of(type_: str) -> Check:
    """The check of a type, primitive or not."""
    if type_ in PRIMITIVES:
        return PRIMITIVES[type_]
    if type_ == "Resource":
        return resource
    return _nested(type_, _object_check(type_)) if type_ in _recurring() else _object_check(type_)


def resource(value: Any, found: Findings) -> list[Fault] | None:
    """Any resource, by its resourceType."""
    if type(value) is not dict:
        return [("", "object", "")]
    type_ = value.get("resourceType")
    if type(type_) is not str or type_ not in RESOURCE_TYPES:
        return [(".resourceType", "resource-type", str(type_))]
    if found.depth > DEEPEST_NESTING:
        return _too_deep()
    within, found.within, found.depth = found.within, type_, found.depth + 1
    references, links = len(found.references), len(found.links)
    wrong = check_of(type_)(value, found)
    if type_ == "Bundle":  # they speak of what is in the Bundle
        del found.references[references:], found.links[links:]
    found.within, found.depth = within, found.depth - 1
    return wrong


def _too_deep() -> list[Fault]:
    return [("", "json-depth", str(DEEPEST_NESTING))]


@cache
def _recurring() -> frozenset[str]:
    """Types through which every circle of definitions runs."""
    types = definitions()["types"]
    grown = {
        one["types"][0]
        for name, type_ in types.items()
        for one in type_["elements"].values()
        if name.startswith(f"{one['types'][0]}.") or name == one["types"][0]
    }
    return frozenset(grown | {"Extension", "Identifier"})


def _nested(type_: str, check: Check) -> Check:
    def deeper(value: Any, found: Findings) -> list[Fault] | None:
        if found.depth > DEEPEST_NESTING:
            return _too_deep()
        found.depth += 1
        wrong = check(value, found)
        found.depth -= 1
        return wrong

    return deeper


@cache
def envelope_of(type_: str, without: str) -> Check:
    """The check of a type that leaves one of its elements to others."""
    return _object_check(type_, without)


@dataclass(slots=True)
class Shape:
    """What an object may consist of."""

    fields: dict[str, Check] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    """Properties with a primitive value, which may have extensions beside it."""

    bound: set[str] = field(default_factory=set)
    """Those of them that must be a code of a value set."""

    labels: dict[str, str] = field(default_factory=dict)
    """How paths name a property, if not like JSON."""

    required: list[str] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    further: Check | None = None
    """What more is asked of the object, or collected."""


def _object_check(
    type_: str, without: str = "", further: Check | None = None, more_rules: Sequence[str] = ()
) -> Check:
    definition = definitions()["types"][type_]
    shape = Shape(further=further or FURTHER.get(type_))
    if type_ in RESOURCE_TYPES:
        shape.fields["resourceType"] = _accepted
    for name, element in definition["elements"].items():
        if element.get("max") != "0":
            _add_element(shape, type_, name, element)
    if without:
        shape.fields[without] = _accepted
        definition = definition | {"rules": ENVELOPE_RULES & set(definition["rules"])}
    shape.rules += [
        (key, INVARIANTS[key].holds)
        for key in (*definition["rules"], *BEYOND_DEFINITIONS.get(type_, ()), *more_rules)
        if key in INVARIANTS
    ]
    walk = _walk(shape)
    if type_ in REMEMBERED:
        return REMEMBERED[type_](walk)
    return domain_resource(walk) if "contained" in shape.fields else walk


def _add_element(shape: Shape, type_: str, name: str, element: Json) -> None:
    stem = name.removesuffix("[x]")
    forms = {property_of(name, code): code for code in element["types"]}
    for key, code in forms.items():
        shape.fields[key] = _element_check(type_, name, code, element)
        if code in PRIMITIVES:
            shape.plain.add(key)
            if "codes" in element:
                shape.bound.add(key)
        if stem != name:
            shape.labels[key] = f"{stem}.ofType({PROFILES_OF.get(code, code)})"
    if stem != name:
        beside = {f"_{key}" for key in shape.plain & forms.keys()}
        shape.choices.append((name, beside.union(forms), "min" in element))
    elif "min" in element:
        shape.required.append(name)


def property_of(name: str, code: str) -> str:
    """The JSON property of an element with a value of a type."""
    if not name.endswith("[x]"):
        return name
    code = PROFILES_OF.get(code, code)
    return name[:-3] + code[0].upper() + code[1:]


def _walk(shape: Shape) -> Check:
    check_for, labels, plain = shape.fields.get, shape.labels, shape.plain
    further, required = shape.further, frozenset(shape.required)
    choices, rules = shape.choices, shape.rules
    is_element = "resourceType" not in shape.fields  # ele-1 is not asked of resources

    def check(node: Any, found: Findings) -> list[Fault] | None:
        if type(node) is not dict:
            return _no_object(node)
        faults: list[Fault] | None = None
        wrong: list[Fault] | None
        for key, value in node.items():
            inner = check_for(key)
            if inner is None:
                wrong = _beside(node, key, value, shape, found)
            elif not (wrong := inner(value, found)):
                continue
            else:
                if key in plain:
                    wrong = _without_excused(node, key, wrong)
                label = labels.get(key, key)
                wrong = [(f".{label}{below}", rule, shown) for below, rule, shown in wrong]
            faults = [*(faults or ()), *wrong]
            if len(faults) > MOST_FAULTS:
                return faults
        if len(node) < 2 and is_element and node.keys() <= {"id"}:
            faults = [*(faults or ()), ("", "object-empty", "")]
        if not required <= node.keys():
            faults = [*(faults or ()), *_missing(shape.required, node)]
        if choices and (wrong := _ill_chosen(choices, node)):
            faults = [*(faults or ()), *wrong]
        if rules and (wrong := _broken(rules, node)):
            faults = [*(faults or ()), *wrong]
        if further is not None and (wrong := further(node, found)):
            faults = [*(faults or ()), *wrong]
        return faults

    return check


def _missing(required: Sequence[str], node: Json) -> list[Fault]:
    return [
        ("", "required", name) for name in required if name not in node and f"_{name}" not in node
    ]


def _ill_chosen(choices: Sequence[Choice], node: Json) -> list[Fault]:
    """What is given more than once of an object, or not at all."""
    faults = []
    for name, forms, is_required in choices:
        given = () if forms.isdisjoint(node) else forms & node.keys()
        if len(given) > 1 and len({one.lstrip("_") for one in given}) > 1:
            faults.append(("", "choice-once", name))
        elif is_required and not given:
            faults.append(("", "required", name))
    return faults


def _broken(rules: Sequence[Rule], node: Json) -> list[Fault]:
    """The rules that an object breaks."""
    faults = []
    for key, holds in rules:
        try:
            kept = holds(node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            continue  # a part is of the wrong kind, which is among the faults
        if not kept:
            faults.append(("", key, ""))
    return faults


def _no_object(value: Any) -> list[Fault]:
    if value is None:
        return [("", "null", "")]
    return [("", "no-array" if type(value) is list else "object", "")]


def _accepted(_: Any, __: Findings) -> None:
    """Nothing to say: the element was looked at before."""


def _element_check(type_: str, name: str, code: str, element: Json) -> Check:
    check = _coded(code, element["codes"]) if "codes" in element else None
    if code == "Reference":
        targets = element.get("targets")
        check = _with_more(check_of(code), reference(frozenset(targets) if targets else None))
    if INVARIANTS.keys() & set(element.get("rules", ())):
        check = _object_check(code, more_rules=element["rules"])
    if name == "contained":
        check = _contained
    if (type_, name) == ("Attachment", "data"):
        check = data
    if (name, code) == ("id", "string"):
        check = element_id
    if check is None:
        check = _check_within(code)
    return _list_of(check) if element.get("max") == MANY else check


def _with_more(check: Check, further: Check) -> Check:
    def both(value: Any, found: Findings) -> list[Fault] | None:
        wrong = check(value, found)
        more = further(value, found) if type(value) is dict else None
        return [*wrong, *more] if wrong and more else wrong or more

    return both


def _contained(value: Any, found: Findings) -> list[Fault] | None:
    """A contained resource; its id may be of any length, as with the reference validator."""
    wrong = resource(value, found)
    if wrong and CONTAINED_ID.fullmatch(str(value.get("id") if type(value) is dict else "")):
        return [one for one in wrong if one[:2] != (".id", "id-form")]
    return wrong


def _check_within(type_: str) -> Check:
    """The check of a type for use in another; where definitions run in circles, made when first met."""
    if type_ not in _recurring():
        return check_of(type_)
    made: list[Check] = []

    def check(value: Any, found: Findings) -> list[Fault] | None:
        if not made:
            made.append(check_of(type_))
        return made[0](value, found)

    return check


def _coded(code: str, value_set: str) -> Check | None:
    codes: Mapping[str, list[str]] = definitions()["value_sets"][value_set]
    if code in {"code", "string", "uri"}:
        return one_of(frozenset(one for listed in codes.values() for one in listed))
    pairs = frozenset((system, one) for system, listed in codes.items() for one in listed)
    if code == "Coding":
        return _object_check(code, further=coding(pairs))
    if code == "CodeableConcept":
        return _object_check(code, further=concept(pairs))
    return None


def _list_of(check: Check) -> Check:
    def check_list(values: Any, found: Findings) -> list[Fault] | None:
        if type(values) is not list:
            return [("", "null" if values is None else "array", "")]
        if not values:
            return [("", "array-empty", "")]
        faults: list[Fault] | None = None
        for place, value in enumerate(values):
            if wrong := check(value, found):
                inside = [(f"[{place}]{below}", rule, shown) for below, rule, shown in wrong]
                faults = [*(faults or ()), *inside]
                if len(faults) > MOST_FAULTS:
                    break
        return faults

    return check_list


def _beside(node: Json, key: str, value: Any, shape: Shape, found: Findings) -> list[Fault]:
    """`_name` carries the id and extensions of a primitive; anything else is unknown."""
    name = key[1:]
    if key[:1] != "_" or name not in shape.plain:
        return [("", "element-unknown", key)]
    label = "." + shape.labels.get(name, name)
    check = check_of("Element")
    faults: list[Fault] = []
    for place, one in enumerate(value) if type(value) is list else [(None, value)]:
        if one is None and place is not None:
            continue
        path = label if place is None else f"{label}[{place}]"
        wrong = check(one, found) or ()
        if name in node and type(one) is dict and one.keys() == {"id"}:
            wrong = [other for other in wrong if other[1] != "object-empty"]
        faults += [(path + below, rule, shown) for below, rule, shown in wrong]
        if name in shape.bound and name not in node:
            faults.append((path, "code-required", ""))
        if len(faults) > MOST_FAULTS:
            break
    if name in node and (type(value) is list) != (type(node[name]) is list):
        faults.append((label, "array" if type(value) is not list else "no-array", ""))
    return faults


def _without_excused(node: Json, key: str, wrong: list[Fault]) -> list[Fault]:
    """The faults without the nulls that stand for a value which has extensions instead."""
    beside = node.get(f"_{key}")
    if type(beside) is not list or type(node[key]) is not list:
        return wrong
    excused = {f"[{place}]" for place, one in enumerate(beside) if one is not None}
    return [one for one in wrong if one[1] != "null" or one[0] not in excused]
