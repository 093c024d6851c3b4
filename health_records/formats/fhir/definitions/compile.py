"""Make `r4.json.gz` from the official definitions: `python -m health_records.formats.fhir.definitions.compile ZIP`.

The ZIP holds profiles-types.xml, profiles-resources.xml, valuesets.xml, v3-codesystems.xml and
v2-tables.xml of HL7 FHIR R4 (4.0.1, CC0-1.0). The same ZIP always gives the same bytes.
"""

import gzip
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, parse

import orjson

from health_records.formats.fhir.definitions import COMPILED
from health_records.formats.fhir.definitions.value_sets import (
    FHIR,
    Terminology,
    expansions,
    value,
)

STRUCTURES = ("profiles-types.xml", "profiles-resources.xml")
TERMINOLOGIES = ("valuesets.xml", "v3-codesystems.xml", "v2-tables.xml")
PROFILED_TYPES = frozenset({"SimpleQuantity", "MoneyQuantity"})
"""Profiles that the definitions use like types."""

SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
EVERYWHERE = frozenset({"ele-1", "ext-1"})
"""Invariants that are repeated at every element."""

Json = dict[str, Any]


def compile_definitions(path: Path) -> Json:
    """What the door needs of the definitions: types with their elements, and lists of codes."""
    terminology = Terminology()
    types: Json = {}
    primitives: Json = {}
    with zipfile.ZipFile(path) as archive:
        for name in TERMINOLOGIES:
            terminology.read(_root(archive, name))
        for name in STRUCTURES:
            for definition in _root(archive, name).iter(f"{FHIR}StructureDefinition"):
                if value(definition, "kind") == "primitive-type":
                    primitives[value(definition, "name")] = _regex(definition)
                elif _is_type(definition):
                    types.update(_types_of(definition))
    bound = {
        one["codes"]: None
        for type_ in types.values()
        for one in type_["elements"].values()
        if "codes" in one
    }
    value_sets = expansions(terminology, bound)
    for type_ in types.values():
        for element in type_["elements"].values():
            if element.get("codes") not in value_sets:
                element.pop("codes", None)
    return {
        "about": {
            "source": "HL7 FHIR R4 (4.0.1), StructureDefinitions, ValueSets and CodeSystems",
            "licence": "CC0-1.0",
            "made_by": "python -m health_records.formats.fhir.definitions.compile",
        },
        "primitives": primitives,
        "types": types,
        "value_sets": value_sets,
        "not_enumerable": sorted(set(bound) - value_sets.keys()),
    }


def _root(archive: zipfile.ZipFile, name: str) -> Element:
    with archive.open(name) as file:
        return parse(file).getroot()  # noqa: S314 - HL7's own files, read by a developer


def _is_type(definition: Element) -> bool:
    name = value(definition, "name")
    if value(definition, "kind") not in {"resource", "complex-type"}:
        return False
    return name in PROFILED_TYPES or value(definition, "derivation") != "constraint"


def _regex(definition: Element) -> str:
    for extension in definition.iter(f"{FHIR}extension"):
        if str(extension.get("url")).endswith("/regex"):
            return value(extension, "valueString")
    return ""


def _types_of(definition: Element) -> Iterator[tuple[str, Json]]:
    """The type and, as types of their own, the groups inside it."""
    name, root = value(definition, "name"), value(definition, "type")
    elements = definition.findall(f"{FHIR}snapshot/{FHIR}element")
    groups = {value(one, "path").rpartition(".")[0] for one in elements}
    made: Json = {}
    for element in elements:
        path = value(element, "path").replace(root, name, 1)
        if value(element, "path") in groups or "." not in path:
            made[path] = {"elements": {}, "rules": _rules(element)}
        above, _, last = path.rpartition(".")
        if above:
            made[above]["elements"][last] = _element(element, path, is_group=path in made)
    if value(definition, "kind") == "resource":
        made[name]["elements"]["id"]["types"] = ["id"]  # the definitions say string, the text id
    yield from made.items()


def _element(element: Element, path: str, *, is_group: bool) -> Json:
    made: Json = {"types": [path] if is_group else _type_codes(element)}
    if (least := int(value(element, "min"))) > 0:
        made["min"] = least
    if (most := value(element, "max")) != "1":
        made["max"] = most
    for name, flag in (("isSummary", "summary"), ("isModifier", "modifier")):
        if value(element, name) == "true":
            made[flag] = True
    targets = sorted(
        {
            str(profile.get("value")).rpartition("/")[2]
            for type_ in element.findall(f"{FHIR}type")
            for profile in type_.findall(f"{FHIR}targetProfile")
            if value(type_, "code") == "Reference"
        }
    )
    if targets and targets != ["Resource"]:
        made["targets"] = targets
    binding = element.find(f"{FHIR}binding")
    if binding is not None and value(binding, "strength") == "required":
        made["codes"] = value(binding, "valueSet").partition("|")[0]
    rules = [key for key in _rules(element) if key not in EVERYWHERE]
    if rules and not is_group:
        made["rules"] = rules
    return made


def _type_codes(element: Element) -> list[str]:
    if reference := value(element, "contentReference"):
        return [reference.removeprefix("#")]
    return list(dict.fromkeys(_type_code(one) for one in element.findall(f"{FHIR}type")))


def _type_code(type_: Element) -> str:
    code = value(type_, "code")
    for profile in type_.findall(f"{FHIR}profile"):
        name = str(profile.get("value")).rpartition("/")[2]
        if name in PROFILED_TYPES:
            return name
    for extension in type_.findall(f"{FHIR}extension"):
        if extension.get("url") == FHIR_TYPE:
            return value(extension, "valueUrl")
    return code.removeprefix(SYSTEM_TYPE).lower() if code.startswith(SYSTEM_TYPE) else code


def _rules(element: Element) -> list[str]:
    return [
        value(one, "key")
        for one in element.findall(f"{FHIR}constraint")
        if value(one, "severity") == "error"
    ]


def packed(definitions: Json) -> bytes:
    """The definitions as they are kept."""
    return gzip.compress(orjson.dumps(definitions, option=orjson.OPT_SORT_KEYS), 9, mtime=0)


def main(source: Path, target: Path) -> None:
    """Write what is made of a ZIP."""
    target.write_bytes(packed(compile_definitions(source)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), COMPILED)
