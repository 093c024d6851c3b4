"""Compile `references.json` from the official R4 definitions (CC0).

    python -m health_records.formats.fhir.search.write_references r4-definitions.zip

It holds, per type and reference parameter, the JSON paths at which the references stand.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import orjson

from health_records.formats.fhir.resource_types import NOT_KEPT, RESOURCE_TYPES

OUT = Path(__file__).with_name("references.json")
FHIR = "{http://hl7.org/fhir}"
FILTERED = re.compile(r"\.where\(resolve\(\) is \w+\)$")
CAST = re.compile(r"\((\w+(?:\.\w+)+) as Reference\)")
PLAIN = re.compile(r"\w+(?:\.\w+)+")


def main(definitions: str) -> None:
    """Write the compact form beside this module."""
    with ZipFile(definitions) as archive:
        parameters = orjson.loads(archive.read("search-parameters.json"))
        with archive.open("profiles-resources.xml") as file:
            elements = set(_reference_elements(file))
    compact: dict[str, dict[str, list[str]]] = {}
    for entry in parameters["entry"]:
        parameter = entry["resource"]
        if parameter["type"] != "reference":
            continue
        for type_ in set(parameter["base"]) & (RESOURCE_TYPES - NOT_KEPT):
            paths = sorted(set(_paths(type_, parameter["expression"], elements)))
            if paths:
                compact.setdefault(type_, {})[parameter["code"]] = paths
    text = orjson.dumps(compact, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    OUT.write_bytes(text + b"\n")


def _reference_elements(file: Any) -> Iterator[str]:
    for _, element in ElementTree.iterparse(file):  # noqa: S314 — HL7's own file
        if element.tag == f"{FHIR}element" and (path := element.find(f"{FHIR}path")) is not None:
            codes = {code.get("value") for code in element.iterfind(f"{FHIR}type/{FHIR}code")}
            if "Reference" in codes:
                yield str(path.get("value"))
        if element.tag == f"{FHIR}StructureDefinition":
            element.clear()


def _paths(type_: str, expression: str, elements: set[str]) -> Iterator[str]:
    for part in expression.split(" | "):
        bare = FILTERED.sub("", part)
        if cast := CAST.fullmatch(bare):
            bare, choice = cast[1], f"{cast[1]}Reference"
        else:
            choice = f"{bare}Reference" if f"{bare}[x]" in elements else bare
        known = bare in elements or f"{bare}[x]" in elements
        if bare.startswith(f"{type_}.") and PLAIN.fullmatch(bare) and known:
            yield f"${choice.removeprefix(type_)}.reference"


if __name__ == "__main__":
    main(sys.argv[1])
