"""What a list tells of a resource beside its columns: was it normal, where, by whom, how to take it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from health_records.formats.fhir.parsing import parse
from health_records.incoming import Kind
from health_records.selectors import StoredVersion, stored_versions

TOLD = {
    "Encounter": Kind.ENCOUNTER,
    "Observation": Kind.ENTRY,
    "MedicationRequest": Kind.ENTRY,
}
"""Types of which there is something to tell, and which kind of resource they are."""

Brief = dict[str, str | float | None]


def briefs_of(resources: Iterable[tuple[str, UUID]]) -> dict[UUID, Brief]:
    """What the current versions of these (type, id) tell, by id; one query for each kind."""
    wanted: dict[Kind, list[UUID]] = {}
    for resource_type, id_ in resources:
        if resource_type in TOLD:
            wanted.setdefault(TOLD[resource_type], []).append(id_)
    return {
        stored.id: brief_of(stored)
        for kind, ids in wanted.items()
        for stored in stored_versions(kind, ((id_, None) for id_ in ids)).values()
        if not stored.deleted
    }


def brief_of(stored: StoredVersion) -> Brief:
    """What a version tells in a list; what it does not state is empty or None."""
    resource = parse(stored.source.encode())
    range_ = _first(resource.get("referenceRange"))
    participant = _first(resource.get("participant"))
    return {
        "interpretation": _code(_first(resource.get("interpretation"))),
        "range_low": _number(range_.get("low")),
        "range_high": _number(range_.get("high")),
        "range_text": _text(range_.get("text")),
        "setting": _text(_object(resource.get("class")).get("code")),
        "department": _words(resource.get("serviceType")),
        "practitioner": _text(_object(participant.get("individual")).get("display")),
        "reason": _words(_first(resource.get("reasonCode"))),
        "dosage": _text(_first(resource.get("dosageInstruction")).get("text")),
    }


def _words(concept: Any) -> str:
    """A CodeableConcept in its source's words."""
    concept = _object(concept)
    displays = (_text(one.get("display")) for one in _objects(concept.get("coding")))
    return _text(concept.get("text")) or next(filter(None, displays), "")


def _code(concept: Mapping[str, Any]) -> str:
    """The first code of a CodeableConcept."""
    codes = (_text(one.get("code")) for one in _objects(concept.get("coding")))
    return next(filter(None, codes), "")


def _number(quantity: Any) -> float | None:
    value = _object(quantity).get("value")
    return None if isinstance(value, bool | str | None) else float(value)


def _first(value: Any) -> Mapping[str, Any]:
    return next(_objects(value), {})


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
