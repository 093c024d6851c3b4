"""The way in: issues of a resource as it stands at a path, and what the walk found."""

from collections.abc import Iterable
from typing import Any

from health_records.formats.fhir.issues import Issue
from health_records.formats.fhir.validation.findings import MOST_FAULTS, Fault, Findings
from health_records.formats.fhir.validation.special_types import SOUGHT
from health_records.formats.fhir.validation.structure import envelope_of, resource


def validate(resource_: Any, path: str, found: Findings | None = None) -> list[Issue]:
    """What is wrong with a resource that stands at a path, `Patient` or `Bundle.entry[0].resource`.

    `found` is filled with its references.
    """
    faults = resource(resource_, Findings() if found is None else found)
    return _issues(faults, path) if faults else []


def validate_envelope(bundle: dict[str, Any]) -> list[Issue]:
    """What is wrong with a Bundle, its entries left aside."""
    return _issues(envelope_of("Bundle", "entry")(bundle, Findings()), "Bundle")


def validate_entry(entry: dict[str, Any], path: str) -> list[Issue]:
    """What is wrong with an entry of a Bundle, its resource left aside."""
    return _issues(envelope_of("Bundle.entry", "resource")(entry, Findings()), path)


def paths_to(
    holders: Iterable[dict[str, Any]], resource_: dict[str, Any], path: str
) -> dict[int, str]:
    """Where in a resource that stands at a path the References are, by `id()`; the first hundred."""
    sought = frozenset(map(id, holders))
    faults = resource(resource_, Findings(sought=sought)) or ()
    return {int(shown): path + below for below, rule, shown in faults if rule == SOUGHT}


def _issues(faults: list[Fault] | None, path: str) -> list[Issue]:
    return [Issue(rule, path + below, shown) for below, rule, shown in (faults or ())[:MOST_FAULTS]]
