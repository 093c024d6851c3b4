"""Expanding value sets, as far as the definitions themselves enumerate them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

FHIR = "{http://hl7.org/fhir}"
COMPLETE = "complete"
PARENTS = frozenset({"subsumedBy", "parent"})

Codes = dict[str, list[str]]
"""Codes by system, in the order of the definitions."""


@dataclass
class CodeSystem:
    """Its codes and what each of them is directly below of."""

    complete: bool
    above: dict[str, set[str]] = field(default_factory=dict)

    def below(self, code: str, *, itself: bool) -> list[str]:
        """Codes under a code."""
        found = {code}
        grown = True
        while grown:
            more = {one for one, above in self.above.items() if above & found} - found
            found |= more
            grown = bool(more)
        return [one for one in self.above if one in found and (itself or one != code)]


class NotEnumerable(Exception):
    """The definitions do not say which codes these are."""


@dataclass
class Terminology:
    """The code systems and value sets of the definitions, by canonical URL."""

    systems: dict[str, CodeSystem] = field(default_factory=dict)
    value_sets: dict[str, Element] = field(default_factory=dict)

    def read(self, root: Element) -> None:
        """Take in what a Bundle defines."""
        for made in root.iter(f"{FHIR}CodeSystem"):
            system = CodeSystem(complete=value(made, "content") == COMPLETE)
            for one in made.findall(f"{FHIR}concept"):
                _add_concept(system, one, set())
            self.systems.setdefault(value(made, "url"), system)
        for made in root.iter(f"{FHIR}ValueSet"):
            self.value_sets.setdefault(value(made, "url"), made)

    def expand(self, url: str) -> Codes:
        """The codes of a value set; NotEnumerable when it needs more than the definitions."""
        compose = self._defined(url).find(f"{FHIR}compose")
        if compose is None:
            raise NotEnumerable(url)
        found: dict[str, dict[str, None]] = {}
        for include in compose.findall(f"{FHIR}include"):
            for system, codes in self._include(include).items():
                found.setdefault(system, {}).update(dict.fromkeys(codes))
        for exclude in compose.findall(f"{FHIR}exclude"):
            for system, codes in self._include(exclude).items():
                for code in codes:
                    found.get(system, {}).pop(code, None)
        return {system: list(codes) for system, codes in found.items()}

    def _defined(self, url: str) -> Element:
        made = self.value_sets.get(url.partition("|")[0])
        if made is None:
            raise NotEnumerable(url)
        return made

    def _include(self, include: Element) -> Codes:
        parts: list[Codes] = [
            self.expand(str(one.get("value"))) for one in include.findall(f"{FHIR}valueSet")
        ]
        if system := value(include, "system"):
            parts.append({system: self._of_system(include, system)})
        first, *others = parts
        return {
            system: [one for one in codes if all(one in part.get(system, ()) for part in others)]
            for system, codes in first.items()
        }

    def _of_system(self, include: Element, url: str) -> list[str]:
        listed = [value(one, "code") for one in include.findall(f"{FHIR}concept")]
        if listed:
            return listed
        system = self.systems.get(url)
        if system is None or not system.complete:
            raise NotEnumerable(url)
        codes = list(system.above)
        for one in include.findall(f"{FHIR}filter"):
            kept = set(_filtered(system, one))
            codes = [code for code in codes if code in kept]
        return codes


def value(node: Element, name: str) -> str:
    """The value of a child element, "" when there is none."""
    child = node.find(f"{FHIR}{name}")
    return "" if child is None else child.get("value", "")


def _add_concept(system: CodeSystem, concept: Element, above: set[str]) -> None:
    code = value(concept, "code")
    parents = system.above.setdefault(code, set())
    parents |= above | set(_stated_parents(concept))
    for one in concept.findall(f"{FHIR}concept"):
        _add_concept(system, one, {code})


def _stated_parents(concept: Element) -> Iterator[str]:
    for one in concept.findall(f"{FHIR}property"):
        if value(one, "code") in PARENTS:
            yield value(one, "valueCode")


def _filtered(system: CodeSystem, filter_: Element) -> list[str]:
    operation, property_ = value(filter_, "op"), value(filter_, "property")
    if property_ != "concept" or operation not in {"is-a", "descendent-of"}:
        raise NotEnumerable(f"{property_} {operation}")
    return system.below(value(filter_, "value"), itself=operation == "is-a")


def expansions(terminology: Terminology, urls: Mapping[str, None]) -> dict[str, Codes]:
    """Those of the value sets that can be enumerated."""
    found: dict[str, Codes] = {}
    for url in sorted(urls):
        try:
            found[url] = terminology.expand(url)
        except NotEnumerable:
            continue
    return found
