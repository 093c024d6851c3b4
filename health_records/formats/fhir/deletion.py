"""Delete: a resource is marked as entered in error, nothing is erased.

Where the type can say so, it becomes a new version with that status, as if the hospital had updated it.
Where it cannot, an empty version marks the resource as deleted: reading it answers 410, its earlier
versions stay readable, and the hospital may bring it back by an update.
"""

from collections.abc import Iterable
from hashlib import sha256
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
from health_records.selectors import StoredVersion


def prepare(entries: Iterable[Entry], organisation_id: UUID) -> set[int]:
    """Fill in what the deletes among the entries change; the places of those with nothing to do."""
    deletes = [one for one in entries if one.method == DELETE and not one.issues]
    names = {(one.resource_type, one.source_id) for one in deletes if not one.target}
    found = selectors.named(organisation_id, by_kind(names)) if names else {}
    idle: set[int] = set()
    for entry in deletes:
        id_ = entry.target
        if id_ is None and (named := found.get((entry.resource_type, entry.source_id))):
            id_ = named[0]
        stored = id_ and selectors.stored_version(entry.kind, entry.resource_type, id_)
        if not stored or stored.deleted or not _take_back(entry, stored):
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


def _take_back(entry: Entry, stored: StoredVersion) -> bool:
    """Make the entry the resource as it will be; False when it is that already."""
    entry.target = stored.id
    element = RETRACTIONS.get(entry.resource_type)
    if element is None:
        entry.deletes = True
        if entry.kind is Kind.REGISTRATION and selectors.is_in_use(stored.id):
            value = f"{entry.resource_type}/{stored.id}"
            entry.issues.append(Issue("in-use", f"{entry.request_path}.url", value))
        return True
    resource = content_of(stored)
    if is_entered_in_error(entry.resource_type, resource):
        return False
    system = VERIFICATION_SYSTEMS.get(entry.resource_type)
    resource[element] = {"coding": [{"system": system, "code": CODE}]} if system else CODE
    resource.pop(f"_{element}", None)
    if system:
        resource.pop("clinicalStatus", None)
        resource.pop("_clinicalStatus", None)
    entry.resource = {"resourceType": entry.resource_type} | resource
    return True
