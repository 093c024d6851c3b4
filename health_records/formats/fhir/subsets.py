"""Parts of resources, where less than all of them is asked for: `_summary` and `_elements`.

Which elements a summary has, which are required and which change the meaning of others is what the R4
definitions say. Whatever is not whole bears the tag SUBSETTED.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import QueryDict

from health_records.formats.fhir.bundles import SUBSETTED
from health_records.formats.fhir.parsing import dump, parse
from health_records.formats.fhir.search.values import alternatives, wrong
from health_records.formats.fhir.validation.structure import definitions, property_of

ALWAYS = frozenset({"resourceType", "id", "meta"})
UNSAID = "Extension"
"""The type whose elements are in no summary; one that modifies is kept whole."""

Json = dict[str, Any]
Subset = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Element:
    """What a property is called without its type, the type, and whether it must not be left out.

    Needed is what is required, and what changes the meaning of the rest.
    """

    name: str
    type: str
    in_summary: bool
    is_needed: bool


def summary_of(resource: bytes) -> bytes:
    """`_summary=true`."""
    return _marked(_summary(parse(resource)))


def text_of(resource: bytes) -> bytes:
    """`_summary=text`."""
    return _marked(_with(parse(resource), frozenset({"text"})))


def data_of(resource: bytes) -> bytes:
    """`_summary=data`."""
    return _marked({name: part for name, part in parse(resource).items() if name != "text"})


SUMMARIES: Mapping[str, Subset] = {"true": summary_of, "text": text_of, "data": data_of}
"""By the value of `_summary`; `false` asks for the whole, `count` for none."""


def with_elements(resource_type: str, text: str) -> Subset:
    """`_elements`; MessageRefused where one is none of the type's."""
    names = frozenset(alternatives("_elements", text))
    if not names <= {one.name for one in _properties(resource_type).values()}:
        raise wrong("_elements", text)
    return lambda resource: _marked(_with(parse(resource), names))


def subset_asked(query: QueryDict, resource_type: str) -> Subset | None:
    """The subset that is wanted of one resource; None for the whole."""
    if elements := query.get("_elements"):
        return with_elements(resource_type, elements)
    summary = query.get("_summary", "false")
    if summary not in {*SUMMARIES, "false"}:
        raise wrong("_summary", summary)
    return SUMMARIES.get(summary)


def _with(resource: Json, names: frozenset[str]) -> Json:
    known = _properties(resource["resourceType"])
    return {
        key: part
        for key, part in resource.items()
        if key in ALWAYS
        or ((one := known.get(_plain(key))) and (one.is_needed or one.name in names))
    }


def _summary(resource: Json) -> Json:
    type_ = resource["resourceType"]
    return {"resourceType": type_} | _summary_of_type(type_, resource)


def _summary_of_type(type_: str, value: Json) -> Json:
    known = _properties(type_)
    kept: Json = {}
    for key, part in value.items():
        one = known.get(_plain(key))  # none for resourceType
        if one is None or not (one.in_summary or one.is_needed):
            continue
        parts = [
            _summary_of(one.type, each) for each in (part if isinstance(part, list) else [part])
        ]
        parts = [each for each in parts if each != {}]
        if parts:
            kept[key] = parts if isinstance(part, list) else parts[0]
    return kept


def _summary_of(type_: str, value: Any) -> Any:
    if not isinstance(value, dict) or type_ == UNSAID or type_ not in definitions()["types"]:
        return value  # what stands beside a primitive value is kept with it
    return _summary(value) if type_ == "Resource" else _summary_of_type(type_, value)


def _plain(key: str) -> str:
    """The property to which what stands beside a primitive value belongs."""
    return key.removeprefix("_")


def _marked(resource: Json) -> bytes:
    meta = resource["meta"]
    tags = [one for one in meta.get("tag", []) if one.get("code") != SUBSETTED["code"]]
    return dump(resource | {"meta": meta | {"tag": [*tags, SUBSETTED]}})


@cache
def _properties(type_: str) -> Mapping[str, Element]:
    """The JSON properties that a type may have."""
    elements: Json = definitions()["types"][type_]["elements"]
    return {
        property_of(name, code): Element(
            name.removesuffix("[x]"),
            code,
            "summary" in said,
            bool(said.keys() & {"min", "modifier"}),
        )
        for name, said in elements.items()
        for code in said["types"]
    }
