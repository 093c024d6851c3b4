"""Delete: a resource is marked as entered in error, nothing is erased.

Where the type can say so, it becomes a new version with that status, as if the hospital had updated it.
Where it cannot, an empty version marks the resource as deleted: reading it answers 410, its earlier
versions stay readable, and the hospital may bring it back by an update.
"""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from uuid import UUID

from health_records import selectors
from health_records.formats.fhir.bundles import DELETE, Entry
from health_records.formats.fhir.columns import is_entered_in_error
from health_records.formats.fhir.conditions import by_kind
from health_records.formats.fhir.issues import Issue
from health_records.formats.fhir.parsing import dump
from health_records.formats.fhir.reading import content_of
from health_records.formats.fhir.resource_types import RETRACTIONS, VERIFICATION_SYSTEMS
from health_records.incoming import Incoming, Kind, Known
from health_records.rules import ENTERED_IN_ERROR as CODE


def prepare(entries: Iterable[Entry], organisation_id: UUID) -> set[int]:
    """Fill in what the deletes among the entries change; the places of those with nothing to do."""
    deletes = [one for one in entries if one.method == DELETE and not one.issues]
    names = {(one.resource_type, one.source_id) for one in deletes if not one.target}
    found = selectors.named(organisation_id, by_kind(names)) if names else {}
    idle: set[int] = set()
    wanted: dict[Kind, set[UUID]] = defaultdict(set)
    for entry in deletes:
        named = found.get((entry.resource_type, entry.source_id), ())
        if len(named) > 1 and not entry.target:
            path = f"{entry.request_path}.url"
            value = f"{entry.resource_type}/{entry.source_id}"
            entry.issues.append(Issue("reference-unique", path, value))
            continue
        entry.target = entry.target or next((id_ for id_, _ in named), None)
        if entry.target is not None:
            wanted[entry.kind].add(entry.target)
    kept = {
        id_: stored
        for kind, ids in wanted.items()
        for id_, stored in selectors.stored_versions(kind, [(id_, None) for id_ in ids]).items()
        if not stored.deleted
    }
    contents = selectors.contents_of_several({(one.id, one.version) for one in kept.values()})
    in_use = selectors.in_use(wanted[Kind.REGISTRATION])
    for entry in deletes:
        if entry.issues:
            continue
        stored = kept.get(entry.target) if entry.target else None
        if stored is None or stored.resource_type != entry.resource_type:
            idle.add(entry.place)
        elif RETRACTIONS.get(entry.resource_type) is None:
            entry.deletes = True
            if stored.id in in_use:
                value = f"{entry.resource_type}/{stored.id}"
                entry.issues.append(Issue("in-use", f"{entry.request_path}.url", value))
        elif not _take_back(
            entry, content_of(stored, contents.get((stored.id, stored.version), ()))
        ):
            idle.add(entry.place)
    return idle


def withdrawn(entry: Entry, id_: UUID, known: Known | None) -> Incoming:
    """The empty version that marks a resource as deleted; its columns stay, but for the state."""
    source = dump(entry.resource)
    has_status = entry.kind not in {Kind.PARTY, Kind.REGISTRATION}
    return Incoming(
        kind=entry.kind, resource_type=entry.resource_type, id=id_, source_key=entry.source_key,
        known=known, source=source, digest=sha256(source).digest()[:16], sealed={}, attachments=[],
        columns={"status_code": CODE} if has_status else {}, local_id=entry.local_id, deleted=True,
    )  # fmt: skip


def _take_back(entry: Entry, resource: dict[str, Any]) -> bool:
    """Make the entry the resource as it will be; False when it is that already."""
    if is_entered_in_error(entry.resource_type, resource):
        return False
    element = RETRACTIONS[entry.resource_type]
    system = VERIFICATION_SYSTEMS.get(entry.resource_type)
    resource[element] = {"coding": [{"system": system, "code": CODE}]} if system else CODE
    resource.pop(f"_{element}", None)
    if system:
        resource.pop("clinicalStatus", None)
        resource.pop("_clinicalStatus", None)
    entry.resource = {"resourceType": entry.resource_type} | resource
    return True
