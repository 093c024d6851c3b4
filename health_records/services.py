"""Storing what hospitals push: one message, one transaction, whole or not at all."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from health_records import selectors
from health_records.incoming import Incoming, Kind, Received, registrations_of
from health_records.intake import Counts
from health_records.models import Attempt, DocumentContent, Message, ResourceVersion
from health_records.sealing import open_values, seal_packed, seal_values
from health_records.states import MessageState
from kernel.actor import Actor
from kernel.events import services as events
from kernel.homes import uuid7
from kernel.postgres.inserting import insert_rows
from registry.organisations.selectors import department_ids, ids_by_number
from registry.patients.services import Statement, record_registrations
from registry.practitioners.selectors import ids_by_certificate, role_ids

RECEIVED = "records.received"
FORGOTTEN_AT_ONCE = 1_000

PUBLIC_IDS: Mapping[str, Callable[[UUID, Iterable[str]], Mapping[str, UUID]]] = {
    "Organization": lambda _, numbers: ids_by_number(numbers),
    "Practitioner": lambda _, numbers: ids_by_certificate(numbers),
    "PractitionerRole": role_ids,
    "Location": department_ids,
    "HealthcareService": department_ids,
}
"""What the registry holds under the numbers that a party of this type has."""

STAYS = frozenset({"id", "organisation_id", "resource_type", "source_key", "recorded_at"})

# The name in braces is that of one of our own tables.
UPDATE = """
UPDATE {table} t SET ({names}) = ROW ({values})
FROM json_populate_recordset(NULL::{table}, %s) new WHERE t.id = new.id
"""


class Overtaken(Exception):
    """Another message was faster with the same new resource: the caller's message starts over."""


def keep_accepted(
    message: Received, *, before: Message | None, answer: bytes, resources: int
) -> None:
    """Keep a message with the answer that it gets again when it is repeated, in the place of what was before.

    Written last: of two that come at once under one id the second one waits here and starts over.
    """
    if before is not None:
        before.delete()
    values = _message_values(message) | {
        "state": MessageState.ACCEPTED.value,
        "answer": seal_packed("health_records.Message.answer", message.id, answer),
        "answer_status": 200,
        "resources": resources,
    }
    insert_rows(Message, [values])


@transaction.atomic
def keep_refused(message: Received, *, answer: bytes, status: int, why: Counts) -> None:
    """Keep a refused message, so that it can be mended; an accepted one of that id stays."""
    known = selectors.message_by_id(message.organisation_id, message.message_id)
    if known is not None and known.state == MessageState.ACCEPTED:
        return
    values = _message_values(message) | {
        "state": MessageState.REFUSED,
        "answer": seal_packed("health_records.Message.answer", message.id, answer),
        "answer_status": status,
        "rules": sorted(why.rules),
        "types": sorted(why.types),
        "resources": 0,
    }
    record_attempt(message, why, accepted=False)
    if known is not None:
        known.delete()
    insert_rows(Message, [values], or_leave_out=True)


def record_attempt(message: Received, counts: Counts, *, accepted: bool) -> None:
    """Write down what came of a message, in numbers."""
    values = {
        "organisation_id": message.organisation_id, "at": message.at, "accepted": accepted,
        "rules": dict(counts.rules), "refused": counts.refused, "stored": counts.stored,
        "delay_seconds": counts.delay_seconds, "wanted": counts.wanted,
        "present": counts.present, "patients": counts.patients,
        "identified": counts.identified, "reachable": counts.reachable,
    }  # fmt: skip
    insert_rows(Attempt, [{"id": uuid7(), **values}])


def forget_refused() -> int:
    """Delete refused messages that nobody mended within the time to keep them; how many."""
    limit = timezone.now() - timedelta(days=settings.REFUSED_KEEP_DAYS)
    old = Message.objects.filter(state=MessageState.REFUSED, received_at__lt=limit)
    gone = 0
    while ids := list(old.values_list("id", flat=True)[:FORGOTTEN_AT_ONCE]):
        gone += old.filter(id__in=ids).delete()[0]
    return gone


def store(message: Received, resources: Sequence[Incoming], *, by: Actor) -> None:
    """Store the resources of a message in the caller's transaction; sets version and `changed`."""
    _notice_changes(resources)
    # In key order, so that two messages with the same new resources wait instead of deadlocking.
    resources = sorted(resources, key=lambda one: (one.resource_type, one.local_id, one.source_key))
    _store_registrations(message, [one for one in resources if one.kind is Kind.REGISTRATION], by)
    _map_parties([one for one in resources if one.kind is Kind.PARTY], message.organisation_id)
    for kind in (Kind.ENCOUNTER, Kind.DOCUMENT, Kind.PARTY, Kind.ENTRY):
        changed = [one for one in resources if one.kind is kind and one.changed]
        _insert_new(kind, [one for one in changed if one.known is None], message)
        _update_known(kind, [one for one in changed if one.known is not None], message)
    _append_versions(message, [one for one in resources if one.changed])
    events.record(RECEIVED, subject_id=message.id, by=by, related=registrations_of(resources))


def would_change(resources: Sequence[Incoming]) -> bool:
    """Whether storing these would change anything."""
    _notice_changes(resources)
    return any(one.changed for one in resources)


def _message_values(message: Received) -> dict[str, Any]:
    return {
        "id": message.id,
        "organisation_id": message.organisation_id,
        "message_id": message.message_id,
        "sha256": message.sha256,
        "raw": seal_packed("health_records.Message.raw", message.id, message.raw),
        "request": seal_packed("health_records.Message.request", message.id, message.request)
        if message.request else None,
        "received_at": message.at,
    }  # fmt: skip


def _notice_changes(resources: Sequence[Incoming]) -> None:
    """A resource whose text and cut-out values are as they were keeps its version."""
    same = [one for one in resources if one.known and one.known.digest == one.digest]
    pairs = [(one.known.id, one.known.version) for one in same if one.known]
    sealed = selectors.sealed_of_current(pairs)
    for one in resources:
        one.changed, one.version = True, one.known.version + 1 if one.known else 1
    for one in same:
        stored = open_values(*sealed[one.id]) if one.id in sealed else {}
        if stored == one.sealed and one.known:
            one.changed, one.version = False, one.known.version


def _store_registrations(message: Received, patients: Sequence[Incoming], by: Actor) -> None:
    telling = [one for one in patients if one.changed or one.deleted or _has_new_name(one)]
    if not telling:
        return
    statements = [
        Statement(
            one.local_id, one.facts if one.changed else None, one.digest, one.source_key,
            deleted=one.deleted, registration_id=one.id,
        )
        for one in telling
    ]  # fmt: skip
    rows = record_registrations(
        statements, organisation_id=message.organisation_id, at=message.at, by=by,
        message_id=message.id,
    )  # fmt: skip
    for one, row in zip(telling, rows, strict=True):
        if row.id != one.id:  # another message made it after this one had looked
            raise Overtaken
        if one.changed or one.deleted:
            one.version = row.version


def _has_new_name(patient: Incoming) -> bool:
    names = patient.known.names if patient.known else ()
    return patient.source_key not in {"", *names}


def _map_parties(parties: Iterable[Incoming], organisation_id: UUID) -> None:
    """Find what the registry holds under the same number: whole institutions and practitioners by their
    public numbers, posts and departments by the codes that the hospital gave them.
    """
    listed = list(parties)
    numbers: dict[str, set[str]] = defaultdict(set)
    for party in listed:
        numbers[party.resource_type].update(_values(party))
    found = {
        type_: ids_of(organisation_id, numbers[type_])
        for type_, ids_of in PUBLIC_IDS.items() if numbers[type_]
    }  # fmt: skip
    for party in listed:
        ids = found.get(party.resource_type, {})
        party.columns["registry_id"] = next(filter(None, map(ids.get, _values(party))), None)


def _values(party: Incoming) -> list[str]:
    return [token[1:] for token in party.identifiers if token.startswith("=")]


def _row(resource: Incoming, message: Received) -> dict[str, Any]:
    return {
        "id": resource.id,
        "organisation_id": message.organisation_id,
        "resource_type": resource.resource_type,
        "source_key": resource.source_key,
        "identifiers": resource.identifiers,
        "version": resource.version,
        "digest": resource.digest,
        "recorded_at": message.at,
        "changed_at": message.at,
        "deleted": resource.deleted,
        **resource.columns,
    }


def _insert_new(kind: Kind, resources: Sequence[Incoming], message: Received) -> None:
    insert_rows(selectors.TABLES[kind], [_row(one, message) for one in resources])


def _update_known(kind: Kind, resources: Sequence[Incoming], message: Received) -> None:
    """One statement for each set of columns; what takes a resource back changes fewer of them."""
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for resource in resources:
        row = _row(resource, message) | {"digest": rf"\x{resource.digest.hex()}"}
        rows[tuple(name for name in row if name not in STAYS)].append(row)
    for names, listed in rows.items():
        with connection.cursor() as cursor:
            cursor.execute(
                UPDATE.format(
                    table=selectors.table_of(kind), names=", ".join(names),
                    values=", ".join(f"new.{name}" for name in names),
                ),
                [orjson.dumps(listed).decode()],
            )  # fmt: skip


def _append_versions(message: Received, resources: Sequence[Incoming]) -> None:
    versions, contents = [], []
    for one in resources:
        row_id = uuid7()
        versions.append({
            "id": row_id, "resource_id": one.id, "resource_type": one.resource_type,
            "version": one.version, "source": one.source.decode(),
            "sealed": seal_values(row_id, one.sealed), "message_id": message.id,
            "recorded_at": message.at, "deleted": one.deleted,
        })  # fmt: skip
        for part, attachment in enumerate(one.attachments):
            row_id = uuid7()
            content = seal_packed(
                "health_records.DocumentContent.content", row_id, attachment.content
            )
            contents.append({
                "id": row_id, "resource_id": one.id, "version": one.version, "part": part,
                "pointer": attachment.pointer, "content_type": attachment.content_type,
                "is_base64": attachment.is_base64, "content": content,
            })  # fmt: skip
    insert_rows(ResourceVersion, versions)
    insert_rows(DocumentContent, contents)
