"""Reading what one hospital pushed, and one version of a resource."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from health_records.incoming import Kind, Known
from health_records.models import (
    ClinicalEntry,
    Document,
    DocumentContent,
    Encounter,
    Message,
    RecordSetting,
    ResourceVersion,
    SourceParty,
)
from health_records.rules import ENTERED_IN_ERROR, SETTINGS
from health_records.visibility import SEEN, facts_that_suffice, values_of
from kernel.access.services import authorise_found
from kernel.actor import Actor
from kernel.postgres import prepared
from registry.patients.models import PatientRegistration

TABLES: Mapping[Kind, type[models.Model]] = {
    Kind.REGISTRATION: PatientRegistration,
    Kind.ENCOUNTER: Encounter,
    Kind.DOCUMENT: Document,
    Kind.PARTY: SourceParty,
    Kind.ENTRY: ClinicalEntry,
}
Name = tuple[str, str]
LATEST = 2**31 - 1

# In braces: our own tables and columns. OFFSET 0: not all of the hospital's rows beside the few.
MESSAGE = """
SELECT NULL, NULL, id, 0, NULL::boolean FROM health_records_message
WHERE organisation_id = %(organisation)s AND message_id = %(message)s"""
KNOWN_REGISTRATIONS = """
SELECT t.id, 'Patient', t.local_id, t.version, t.digest, t.deleted, t.source_keys
FROM {table} t
WHERE t.organisation_id = %(organisation)s AND t.local_id = ANY(%({kind}_keys)s::text[])
"""
KNOWN = """
SELECT t.id, t.resource_type, t.source_key, t.version, t.digest, t.deleted, '{{}}'::text[]
FROM unnest(%({kind}_types)s::text[], %({kind}_keys)s::text[]) AS w(type, key)
JOIN {table} t ON t.resource_type = w.type AND t.source_key = w.key
WHERE t.organisation_id = %(organisation)s
"""
NAMED = """
SELECT w.type, w.key, t.id, t.version, false
FROM unnest(%({kind}_types)s::text[], %({kind}_keys)s::text[]) AS w(type, key)
CROSS JOIN LATERAL (SELECT * FROM {table} t WHERE {is_named} OFFSET 0) t
WHERE t.organisation_id = %(organisation)s AND NOT t.deleted
"""
OF_HOSPITAL = "t.organisation_id = %(organisation)s"
IS_NAMED = f"{OF_HOSPITAL} AND t.resource_type = w.type AND t.source_key = w.key"
IS_NAMED_PATIENT = "t.source_keys @> ARRAY[w.key]"
OURS = """
SELECT {type}, t.id::text, t.id, t.version, true FROM (
  SELECT * FROM {table} t WHERE t.id = ANY(%({kind}_ids)s::uuid[]) OFFSET 0
) t WHERE t.organisation_id = %(organisation)s AND NOT t.deleted"""
OUR_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
IDENTIFIED = """
SELECT t.resource_type, t.id, t.identifiers FROM (
  SELECT * FROM {table} t
  WHERE t.identifiers && %({kind}_keys)s::text[] AND NOT (t.identifiers = '{{}}') OFFSET 0
) t WHERE t.organisation_id = %(organisation)s AND NOT t.deleted
  AND t.resource_type = ANY(%({kind}_types)s::text[])"""
VERSION_COLUMNS = """
SELECT t.id, t.node, t.organisation_id, {registration} AS registration_id, {type} AS resource_type,
  v.id AS row_id, v.version, v.source, v.sealed, v.recorded_at, v.deleted
"""
VERSION = (
    VERSION_COLUMNS
    + """
FROM {table} t
JOIN health_records_resourceversion v ON v.node = t.node AND v.resource_id = t.id
  AND v.version = coalesce(%(version)s, t.version)
WHERE t.id = %(id)s AND {type} = %(type)s
"""
)
NAMED_VERSIONS = (
    VERSION_COLUMNS
    + """
FROM unnest(%(ids)s::uuid[], %(versions)s::int[]) AS w(id, version)
JOIN {table} t ON t.id = w.id
JOIN health_records_resourceversion v ON v.node = t.node AND v.resource_id = t.id
  AND v.version = coalesce(w.version, t.version)
"""
)
IS_SEEN = """EXISTS (
  SELECT FROM (SELECT found.node, found.registration_id AS id, found.organisation_id) r WHERE {seen})"""
HISTORY = (
    VERSION_COLUMNS
    + """
FROM {table} t
JOIN health_records_resourceversion v ON v.node = t.node AND v.resource_id = t.id
WHERE t.id = %(id)s AND {type} = %(type)s AND v.version < %(before)s
  AND v.recorded_at >= coalesce(%(since)s, '-infinity'::timestamptz)
ORDER BY v.version DESC LIMIT %(limit)s
"""
)


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A resource in one version, and whose it is."""

    id: UUID
    node: str
    organisation_id: UUID
    registration_id: UUID | None
    resource_type: str
    row_id: UUID
    version: int
    source: str
    sealed: bytes | None
    recorded_at: datetime
    deleted: bool


SEALED = list(StoredVersion.__slots__).index("sealed")


def table_of(kind: Kind) -> str:
    """Table of a kind of resource."""
    return TABLES[kind]._meta.db_table


def type_column(kind: Kind) -> str:
    """The resource type of a row `t` of the table of a kind."""
    return "'Patient'" if kind is Kind.REGISTRATION else "t.resource_type"


def registration_column(kind: Kind) -> str:
    """Whose record a row `t` of the table of a kind belongs to."""
    return {Kind.REGISTRATION: "t.id", Kind.PARTY: "NULL::uuid"}.get(kind, "t.registration_id")


def message_by_id(organisation_id: UUID, message_id: str) -> Message | None:
    """A message of a hospital by its message id."""
    return Message.objects.filter(organisation_id=organisation_id, message_id=message_id).first()


def known_resources(
    organisation_id: UUID, names: Mapping[Kind, Iterable[Name]]
) -> dict[Name, Known]:
    """Resources of a hospital by (type, source key); registrations by (type, local id)."""
    asked: dict[str, Any] = {}
    parts = []
    for kind, wanted in names.items():
        asked[f"{kind}_types"], asked[f"{kind}_keys"] = _columns(wanted)
        parts.append(_part(KNOWN_REGISTRATIONS if kind is Kind.REGISTRATION else KNOWN, kind))
    return {
        (type_, key): Known(id_, version, bytes(digest), deleted, called)
        for id_, type_, key, version, digest, deleted, called in _ask(parts, asked, organisation_id)
    }


def known_by_id(
    organisation_id: UUID, ids: Mapping[Kind, Collection[UUID]]
) -> dict[tuple[str, UUID], tuple[Known, str]]:
    """A hospital's resources by (type, our id), each with the name by which the hospital knows it."""
    found: dict[tuple[str, UUID], tuple[Known, str]] = {}
    for kind, wanted in ids.items():
        is_patient = kind is Kind.REGISTRATION
        named = ("local_id", "source_keys") if is_patient else ("source_key", "resource_type")
        rows = TABLES[kind]._default_manager.filter(organisation_id=organisation_id, pk__in=wanted)
        for id_, version, digest, deleted, name, more in rows.values_list(
            "id", "version", "digest", "deleted", *named
        ):
            known = Known(id_, version, bytes(digest), deleted, more if is_patient else ())
            found["Patient" if is_patient else more, id_] = known, name
    return found


def named(
    organisation_id: UUID, names: Mapping[Kind, Iterable[Name]]
) -> dict[Name, list[tuple[UUID, int]]]:
    """Id and version of a hospital's resources by (type, id): our id, else whichever the source so calls."""
    found, _ = named_and_message(organisation_id, names, None)
    return found


def named_and_message(
    organisation_id: UUID, names: Mapping[Kind, Iterable[Name]], message_id: str | None
) -> tuple[dict[Name, list[tuple[UUID, int]]], UUID | None]:
    """The same, and in the same statement the row of the message of that id, if it was there before."""
    asked: dict[str, Any] = {"message": message_id}
    parts = [] if message_id is None else [MESSAGE]
    for kind, wanted in names.items():
        types, keys = _columns(wanted)
        ids = [key for key in keys if OUR_ID.fullmatch(key)]
        asked |= {f"{kind}_types": types, f"{kind}_keys": keys}
        asked[f"{kind}_ids"] = f"{{{','.join(ids)}}}"
        parts += [_part(NAMED, kind), *([_part(OURS, kind)] if ids else [])]
    found: dict[Name, list[tuple[UUID, int]]] = defaultdict(list)
    ours: dict[Name, list[tuple[UUID, int]]] = {}
    message = None
    for type_, key, id_, version, is_ours in _ask(parts, asked, organisation_id):
        if is_ours is None:
            message = id_
        elif is_ours:
            ours[type_, key] = [(id_, version)]
        else:
            found[type_, key].append((id_, version))
    return {**found, **ours}, message


def _ask(
    parts: Sequence[str], asked: Mapping[str, Any], organisation_id: UUID
) -> list[tuple[Any, ...]]:
    """The rows of all parts, asked for at once."""
    if not parts:
        return []
    values = {"organisation": str(organisation_id), **asked}
    with connection.cursor() as cursor:
        prepared.execute(cursor, " UNION ALL ".join(parts), values, beside=True)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@cache
def _part(statement: str, kind: Kind) -> str:
    return statement.format(
        table=table_of(kind), kind=kind, type=type_column(kind),
        is_named=IS_NAMED_PATIENT if kind is Kind.REGISTRATION else IS_NAMED,
    )  # fmt: skip


def ids_by_identifier(
    organisation_id: UUID, tokens: Mapping[Kind, Iterable[Name]]
) -> dict[Name, list[UUID]]:
    """Ids of a hospital's resources by (type, `system|value`); of patients see `registry.patients`."""
    asked: dict[str, Any] = {}
    parts = []
    for kind, wanted in tokens.items():
        if kind is not Kind.REGISTRATION:
            asked[f"{kind}_types"], asked[f"{kind}_keys"] = _columns(wanted)
            parts.append(_part(IDENTIFIED, kind))
    names = {name for wanted in tokens.values() for name in wanted}
    found: dict[Name, list[UUID]] = defaultdict(list)
    for type_, id_, identifiers in _ask(parts, asked, organisation_id):
        for token in identifiers:
            if (type_, token) in names:
                found[type_, token].append(id_)
    return dict(found)


def stored_version(
    kind: Kind, resource_type: str, resource_id: UUID, version: int | None = None
) -> StoredVersion | None:
    """A resource in its current version, or in the one asked for."""
    found = _versions(
        VERSION, kind, {"id": resource_id, "type": resource_type, "version": version}
    )  # fmt: skip
    return found[0] if found else None


def allowed_version(
    actor: Actor,
    action: str,
    kind: Kind,
    resource_type: str,
    resource_id: UUID,
    version: int | None = None,
) -> tuple[StoredVersion | None, bool]:
    """The same in one statement with the decision by the fact that costs least, and with its audit row.

    Unless that fact allows it nothing is decided yet.
    """
    asked = {"id": resource_id, "type": resource_type, "version": version}
    for fact in facts_that_suffice(actor, action)[:1]:
        rows = authorise_found(
            actor, action, (_of_kind(VERSION, kind), asked | values_of(actor)),
            fact=fact, holds=IS_SEEN.format(seen=SEEN[fact]), resource_type=resource_type,
        )  # fmt: skip
        return next(((stored_in(row[:-1]), row[-1]) for row in rows), (None, False))
    return stored_version(kind, resource_type, resource_id, version), False


def stored_versions(
    kind: Kind, versions: Iterable[tuple[UUID, int | None]]
) -> dict[UUID, StoredVersion]:
    """Resources of one kind by id, each in the version asked for, or in its current one."""
    pairs = list(versions)
    asked = {"ids": [id_ for id_, _ in pairs], "versions": [number for _, number in pairs]}
    return {one.id: one for one in _versions(NAMED_VERSIONS, kind, asked)}


def history(
    kind: Kind,
    resource_type: str,
    resource_id: UUID,
    *,
    limit: int,
    before: int = LATEST,
    since: datetime | None = None,
) -> list[StoredVersion]:
    """Versions of a resource, newest first, below a version and not older than `since`."""
    asked = {
        "id": resource_id, "type": resource_type, "before": before, "since": since, "limit": limit,
    }  # fmt: skip
    return _versions(HISTORY, kind, asked)


def count_versions(resource_id: UUID, node: str, since: datetime | None) -> int:
    """How many versions a resource has, not counting those older than `since`."""
    found = ResourceVersion.objects.filter(node=node, resource_id=resource_id)
    return (found.filter(recorded_at__gte=since) if since else found).count()


def in_use(registration_ids: Collection[UUID]) -> set[UUID]:
    """Those of the registrations on which something that counts hangs."""
    if not registration_ids:
        return set()
    return {
        id_
        for model in (Encounter, ClinicalEntry, Document)
        for id_ in model._default_manager.filter(
            registration_id__in=registration_ids, deleted=False
        )
        .exclude(status_code=ENTERED_IN_ERROR)
        .values_list("registration_id", flat=True)
        .distinct()
    }


def _versions(statement: str, kind: Kind, asked: Mapping[str, Any]) -> list[StoredVersion]:
    with connection.cursor() as cursor:
        prepared.execute(cursor, _of_kind(statement, kind), asked)
        return [stored_in(row) for row in cursor.fetchall()]


@cache
def _of_kind(statement: str, kind: Kind) -> str:
    return statement.format(
        table=table_of(kind), type=type_column(kind), registration=registration_column(kind)
    )


def stored_in(row: Sequence[Any]) -> StoredVersion:
    """A row of `VERSION_COLUMNS`."""
    values = list(row)
    if values[SEALED] is not None:
        values[SEALED] = bytes(values[SEALED])
    return StoredVersion(*values)


def sealed_of_current(resources: Iterable[tuple[UUID, int]]) -> dict[UUID, tuple[UUID, bytes]]:
    """Row id and sealed values of these versions, by resource; those with none are left out."""
    pairs = list(resources)
    if not pairs:
        return {}
    found = ResourceVersion.objects.filter(
        resource_id__in=[id_ for id_, _ in pairs], sealed__isnull=False
    ).values_list("resource_id", "version", "id", "sealed")
    wanted = set(pairs)
    return {
        resource_id: (row_id, bytes(sealed or b""))
        for resource_id, version, row_id, sealed in found
        if (resource_id, version) in wanted
    }


def contents_of(resource_id: UUID, version: int) -> list[DocumentContent]:
    """The attachments of a version that are kept here."""
    found = DocumentContent.objects.filter(resource_id=resource_id, version=version)
    return list(found.order_by("part"))


def contents_of_several(
    resources: Collection[tuple[UUID, int]],
) -> dict[tuple[UUID, int], list[DocumentContent]]:
    """The attachments kept here of these (resource, version)."""
    found: dict[tuple[UUID, int], list[DocumentContent]] = defaultdict(list)
    ids = [id_ for id_, _ in resources]
    for one in DocumentContent.objects.filter(resource_id__in=ids).order_by("part") if ids else ():
        if (one.resource_id, one.version) in resources:
            found[one.resource_id, one.version].append(one)
    return found


def setting(name: str) -> int:
    """A setting of the province, or its default."""
    found = RecordSetting.objects.filter(name=name).values_list("value", flat=True).first()
    return SETTINGS[name] if found is None else found


def _columns(names: Iterable[Name]) -> tuple[list[str], list[str]]:
    pairs = sorted(set(names))
    return [first for first, _ in pairs], [second for _, second in pairs]
