"""Before anything is stored: every entry of a message checked, identified, resolved and cut."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any
from uuid import UUID

from django.conf import settings

from health_records import selectors
from health_records.formats.fhir import conditions, deletion, sealing
from health_records.formats.fhir.bundles import BATCH, DELETE, Entry, as_uuid
from health_records.formats.fhir.columns import business_identifiers, columns_of
from health_records.formats.fhir.issues import MOST_ISSUES_KEPT, Issue, MessageRefused, refuse
from health_records.formats.fhir.parsing import dump
from health_records.formats.fhir.patients import facts_of
from health_records.formats.fhir.references import Resolver, Stored, resolve_all
from health_records.formats.fhir.validation.china import OUR_CODE
from health_records.formats.fhir.validation.resources import validate
from health_records.incoming import Attachment, Incoming, Kind, Known
from kernel.homes import uuid7
from registry.organisations.models import Organisation
from registry.terminology.selectors import displays

MakeEntries = Callable[[], tuple[str, list[Entry]]]


@dataclass(slots=True)
class Outcome:
    """What became of one entry."""

    entry: Entry
    resource: Incoming | None = None
    existing: UUID | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message ready to be stored; `before` is its row when one of its message id came before."""

    type: str
    outcomes: list[Outcome]
    before: UUID | None = None


def prepare(
    make_entries: MakeEntries, organisation: Organisation, *, message_id: str, at: datetime
) -> Prepared:
    """Every entry of a message ready to be stored; MessageRefused unless all are.

    Of a batch the faulty entries are left out, with those that refer to them. What proves faulty only
    after references were rewritten (a date, a number) takes a second round from the bytes.
    """
    faults: dict[int, list[Issue]] = {}
    while True:
        type_, entries = make_entries()
        room = MOST_ISSUES_KEPT
        for entry in entries:
            issues = faults.get(entry.place, entry.issues) or _faults_of(entry)
            entry.issues = issues[: max(room, 1)]
            room -= len(entry.issues)
        existing = _meet_conditions(entries, organisation.id)
        idle = deletion.prepare(entries, organisation.id)
        good = [
            one for one in entries if not one.issues and one.place not in existing.keys() | idle
        ]
        known, ids = _identify(good, organisation.id)
        ids |= existing
        if type_ != BATCH:  # refused anyway, so what leads to a faulty entry leads somewhere
            ids |= {one.place: uuid7() for one in entries if one.issues}
        named = [
            one for one in entries
            if one.place in ids and one.method != DELETE and not (type_ == BATCH and one.issues)
        ]  # fmt: skip
        said = [one for one in good if one.method != DELETE]
        resolver = Resolver(
            named, ids, base=f"{settings.NODE_URL}/fhir/R4/", falls_back=type_ == BATCH
        )
        before = _resolve(said, resolver, organisation.id, message_id)
        sound = [one for one in good if not one.issues]
        ready = _cut_all(sound, ids, known, at)
        if type_ != BATCH and (issues := [issue for one in entries for issue in one.issues]):
            types = {one.resource_type for one in entries if one.issues} - {""}
            raise MessageRefused(issues, types, len(entries))
        if not any(one.issues for one in sound):
            outcomes = [
                Outcome(one, ready.get(one.place), existing.get(one.place)) for one in entries
            ]
            return Prepared(type_, outcomes, before)
        faults = {one.place: one.issues for one in entries if one.issues}


def _faults_of(entry: Entry) -> list[Issue]:
    """What is wrong with the resource by itself; codes that the province added are known."""
    if entry.method == DELETE:
        return []
    issues = validate(entry.resource, entry.path or entry.resource_type, entry.found)
    asked = {
        (system, code)
        for one in issues
        if one.rule == OUR_CODE
        for system, _, code in [one.value.rpartition("|")]
    }
    added = displays(asked) if asked else {}
    return [
        one
        for one in issues
        if one.rule != OUR_CODE or tuple(one.value.rsplit("|", 1)) not in added
    ]


def _meet_conditions(entries: list[Entry], organisation_id: UUID) -> dict[int, UUID]:
    """Set the target of conditional updates and deletes; what is there already for creates."""
    asking = [one for one in entries if one.condition and not one.issues]
    found = conditions.matches({one.condition for one in asking if one.condition}, organisation_id)
    existing: dict[int, UUID] = {}
    for entry in asking:
        ids = sorted(found[entry.condition]) if entry.condition else []
        if len(ids) > 1:
            name = "ifNoneExist" if entry.method == "POST" else "url"
            path = f"{entry.request_path}.{name}"
            entry.issues.append(Issue("condition-many", path, str(len(ids))))
        elif ids and entry.method == "POST":
            existing[entry.place] = ids[0]
        elif ids:
            entry.target = ids[0]
    return existing


def _identify(
    entries: list[Entry], organisation_id: UUID
) -> tuple[dict[int, Known], dict[int, UUID]]:
    """Which entries are resources pushed before, and the id of each."""
    names: dict[Kind, set[tuple[str, str]]] = defaultdict(set)
    for entry in entries:
        if entry.identity[1] and entry.target is None:
            names[entry.kind].add(entry.identity)
    found = selectors.known_resources(organisation_id, names)
    _find_by_our_id(entries, organisation_id, found)
    known: dict[int, Known] = {}
    ids: dict[int, UUID] = {}
    seen: set[UUID] = set()
    for entry in entries:
        before = found.get(entry.identity) if entry.identity[1] else None
        if before is not None:
            known[entry.place] = before
        ids[entry.place] = before.id if before else uuid7()
        if not entry.source_key and not entry.local_id:
            entry.source_key = f"urn:uuid:{ids[entry.place]}"
        if entry.kind is Kind.REGISTRATION and not entry.local_id:
            entry.local_id = entry.source_key
        _require_version(entry, before)
        if ids[entry.place] in seen:
            value = f"{entry.resource_type}/{ids[entry.place]}"
            entry.issues.append(Issue("resource-once", entry.path, value))
        seen.add(ids[entry.place])
    return known, ids


def _require_version(entry: Entry, before: Known | None) -> None:
    current = 0 if before is None or before.deleted else before.version
    if entry.if_match not in {None, current}:
        path = f"{entry.request_path}.ifMatch"
        entry.issues.append(Issue("if-match", path, str(current)))


def _find_by_our_id(
    entries: list[Entry], organisation_id: UUID, found: dict[tuple[str, str], Known]
) -> None:
    """A condition has found a resource, or a PUT names it by the id that we gave it."""
    meant: dict[int, UUID] = {}
    wanted: dict[Kind, set[UUID]] = defaultdict(set)
    for entry in entries:
        id_ = entry.target or (as_uuid(entry.source_id) if entry.method == "PUT" else None)
        if id_ is not None:
            meant[entry.place] = id_
            wanted[entry.kind].add(id_)
    ours = selectors.known_by_id(organisation_id, wanted)
    for entry in entries:
        before = entry.place in meant and ours.get((entry.resource_type, meant[entry.place]))
        if not before:
            continue
        known, name = before
        if not _is_meant(entry, known, name):
            said = entry.local_id or entry.source_id
            path = entry.path or entry.resource_type
            entry.issues.append(Issue("condition-differs", path, said))
        if entry.kind is Kind.REGISTRATION:
            entry.local_id = name
        else:
            entry.source_key = name
        found[entry.identity] = known


def _is_meant(entry: Entry, known: Known, name: str) -> bool:
    """Whether an entry does not contradict the resource that its condition or our id names."""
    if entry.kind is Kind.REGISTRATION:
        return entry.local_id in {name, entry.source_key}
    return entry.source_id in {"", name} or entry.source_id.lower() == str(known.id)


def _resolve(
    entries: list[Entry], resolver: Resolver, organisation_id: UUID, message_id: str
) -> UUID | None:
    """Rewrite every reference; entries with one that leads to nothing get an issue.

    Looks on that occasion for the row of a message of this id.
    """
    holders = chain.from_iterable(one.found.references for one in entries)
    wanted = resolver.wanted({holder["reference"] for holder, _ in holders})
    named, before = selectors.named_and_message(
        organisation_id, conditions.by_kind(wanted.keys), message_id
    )
    stored = Stored(named, conditions.by_identifier(wanted.identifiers, organisation_id))
    resolve_all(entries, resolver, stored)
    return before


def _drop_what_is_ours(resource: dict[str, Any]) -> None:
    """Id, version and time of a resource are this node's to say (FHIR: ignored on writes).

    So a resource that is read and put back unchanged stays the version that it was.
    """
    resource.pop("id", None)
    meta = resource.get("meta")
    if isinstance(meta, dict):
        meta.pop("versionId", None)
        meta.pop("lastUpdated", None)
        if not meta:
            del resource["meta"]


def _cut_all(
    entries: list[Entry], ids: Mapping[int, UUID], known: Mapping[int, Known], at: datetime
) -> dict[int, Incoming]:
    """Resources with typed columns, and without what must not stand in clear."""
    dumped: list[Entry] = []
    texts: list[bytes] = []
    for entry in entries:
        _drop_what_is_ours(entry.resource)
        try:
            texts.append(dump(entry.resource))
            dumped.append(entry)
        except MessageRefused as refusal:
            _note(entry, refusal)
    lines = sealing.Lines.of(texts)
    if lines.whole.count(sealing.DATA) > settings.MAX_ENTRIES:
        raise refuse("attachment-many", value=str(settings.MAX_ENTRIES))
    holding = sealing.holding_secrets(lines)
    needles = sealing.Needles.of((dumped[one].resource for one in sorted(holding)), texts)
    telling = needles.may_be_in(lines)
    ready: dict[int, Incoming] = {}
    for number, (entry, text) in enumerate(zip(dumped, texts, strict=True)):
        place = entry.place
        try:
            ready[place] = _incoming(
                entry, text, ids[place], known.get(place), at,
                needles=needles if number in telling else None,
                cuts=number in telling or number in holding,
            )  # fmt: skip
        except MessageRefused as refusal:
            _note(entry, refusal)
    return ready


def _note(entry: Entry, refusal: MessageRefused) -> None:
    """Put a refusal down to the entry."""
    entry.issues += [Issue(one.rule, one.path or entry.path, one.value) for one in refusal.issues]


def _incoming(
    entry: Entry,
    text: bytes,
    id_: UUID,
    known: Known | None,
    at: datetime,
    *,
    needles: sealing.Needles | None,
    cuts: bool,
) -> Incoming:
    if entry.deletes:
        return deletion.withdrawn(entry, id_, known)
    is_patient = entry.kind is Kind.REGISTRATION
    facts = facts_of(entry) if is_patient else None
    columns = {} if is_patient else columns_of(entry, at)
    resource = entry.resource
    sealed: dict[str, Any] = {}
    attachments: list[Attachment] = []
    if cuts:
        sealed, attachments = sealing.cut(resource, needles)
        text = dump(resource)
    if needles:
        for name, value in columns.items():
            if isinstance(value, str) and needles.are_in(value):
                columns[name] = ""
    if entry.kind is Kind.DOCUMENT:
        columns["parts"] = len(attachments)
    digest = sha256(text)
    for attachment in attachments:
        digest.update(attachment.content)
    source_key = entry.source_key
    if is_patient:
        source_key = "" if entry.source_id.lower() == str(id_) else entry.source_id
    return Incoming(
        kind=entry.kind, resource_type=entry.resource_type, id=id_,
        source_key=source_key, known=known, source=text, digest=digest.digest()[:16], sealed=sealed,
        attachments=attachments, identifiers=business_identifiers(resource), columns=columns,
        local_id=entry.local_id, facts=facts,
    )  # fmt: skip
