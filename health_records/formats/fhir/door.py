"""The door: a message of a hospital, from bytes to what is stored, and the answer."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from health_records import selectors, services
from health_records.errors import MessageIdReused
from health_records.formats.fhir.bundles import DELETE, TRANSACTION, Entry, entries_of, single_entry
from health_records.formats.fhir.issues import MessageRefused, outcome
from health_records.formats.fhir.parsing import dump, parse
from health_records.formats.fhir.preparing import MakeEntries, Outcome, prepare
from health_records.incoming import Kind, Received, registrations_of
from health_records.intake import Counts, counts_of
from health_records.models import Message
from health_records.sealing import open_packed
from health_records.states import MessageState
from kernel.access.rules import AT_HOME
from kernel.access.services import authorise, authorise_write
from kernel.actor import Actor
from kernel.homes import uuid7
from kernel.postgres import inserting
from kernel.postgres.failures import code_of
from registry.organisations.models import Organisation

log = logging.getLogger(__name__)

TRIES = 4
"""Two messages that bring the same new resource at once: one of them starts over."""

COLLISIONS = frozenset({"23503", "23505", "40001", "40P01"})
"""PostgreSQL's codes for a key taken by somebody else, and for a deadlock.

23503 comes at the commit when the registration got its row, and so its id, from another message
after this one had resolved its references.
"""

WRITE = "record.write"

BY_BYTES = "sha256:"
"""How the id of a message begins that names none."""


class _Repeated(Exception):
    """The message was accepted before, as `first`."""

    def __init__(self, first: Message) -> None:
        super().__init__()
        self.first = first


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hospital is told; `resources` in the order of the message."""

    status: int
    body: bytes


def take(
    raw: bytes,
    *,
    organisation: Organisation,
    message_id: str,
    language: str,
    by: Actor,
    request: Mapping[str, str] | None = None,
    parsed: Any = None,
    at_last: Callable[[], object] | None = None,
) -> Answer:
    """Store a message whole and answer it, or refuse it whole; a repeated one is answered as before.

    A batch is stored without the entries that have something wrong. `request` tells of a resource that
    came alone what Bundle.entry.request would; `parsed` spares taking the bytes apart once more. `at_last` is
    called in the transaction when all is stored, and undoes it by raising.
    """
    asked = orjson.dumps(request, option=orjson.OPT_SORT_KEYS) if request else b""
    make_entries = _maker(raw, request, organisation, parsed)
    for left in reversed(range(TRIES)):
        message = Received(uuid7(), organisation.id, message_id, raw, timezone.now(), asked)
        try:
            with transaction.atomic():
                with inserting.together(are_all=at_last is None):
                    answer = _take_once(make_entries, message, organisation, language, by)
                if at_last is not None:
                    at_last()
                return answer
        except _Repeated as repeated:
            return _answered_before(repeated.first, message, by)
        except MessageRefused as refusal:
            # Looked at again where it was refused before: mended, or what it referred to has come.
            known = selectors.message_by_id(organisation.id, message_id)
            if known is not None and known.state == MessageState.ACCEPTED:
                return _answered_before(known, message, by)
            message = replace(message, id=known.id if known else message.id)
            body = dump(outcome(refusal.issues, language))
            why = Counts(
                refused=refusal.resources, types=refusal.types,
                rules=Counter(issue.rule for issue in refusal.issues),
            )  # fmt: skip
            with transaction.atomic():
                _authorise_keeping(message, by)
                services.keep_refused(message, answer=body, status=refusal.status, why=why)
            return Answer(refusal.status, body)
        except (IntegrityError, OperationalError, services.Overtaken) as error:
            collides = isinstance(error, services.Overtaken) or code_of(error) in COLLISIONS
            if not left or not collides:
                raise
            log.info("message of %s meets another one, taken again", organisation.code)
    raise AssertionError("unreachable")


def _authorise_keeping(message: Received, by: Actor) -> None:
    """What is kept of a refused message may name people; whose it is, nobody knows yet."""
    authorise_write(
        by, WRITE, facts=AT_HOME, resource_type="Message", resource_id=message.id, count=0
    )  # fmt: skip


def default_message_id(raw: bytes) -> str:
    """The id of a message that names none."""
    return f"{BY_BYTES}{sha256(raw).hexdigest()}"


def _maker(
    raw: bytes, request: Mapping[str, str] | None, organisation: Organisation, parsed: Any
) -> MakeEntries:
    """Takes the bytes apart, each time anew, because entries are rewritten on the way."""
    first = [] if parsed is None else [parsed]

    def make() -> tuple[str, list[Entry]]:
        if request is None:
            return entries_of(first.pop() if first else parse(raw), organisation)
        resource = None if request["method"] == DELETE else parse(raw)
        return TRANSACTION, [single_entry(resource, request=request, organisation=organisation)]

    return make


def _answered_before(known: Message, message: Received, by: Actor) -> Answer:
    if bytes(known.sha256) != message.sha256:
        raise MessageIdReused(facts={"message_id": message.message_id})
    authorise(
        by, WRITE, facts=AT_HOME, resource_type="Message", resource_id=known.id, count=0
    )  # fmt: skip
    return Answer(known.answer_status, first_answer(known))


def first_answer(message: Message) -> bytes:
    """What was answered to a message."""
    return open_packed("health_records.Message.answer", message.id, message.answer)


def _take_once(
    make_entries: MakeEntries,
    message: Received,
    organisation: Organisation,
    language: str,
    by: Actor,
) -> Answer:
    prepared = prepare(make_entries, organisation, message_id=message.message_id, at=message.at)
    type_, outcomes = prepared.type, prepared.outcomes
    before = Message.objects.filter(pk=prepared.before).first() if prepared.before else None
    if before is not None:
        if before.state == MessageState.ACCEPTED and not _is_news(outcomes, before, message):
            raise _Repeated(before)
        message = replace(message, id=before.id)
    resources = [one.resource for one in outcomes if one.resource]
    authorise_write(
        by, WRITE, facts=AT_HOME, registration_ids=registrations_of(resources),
        resource_type="Message", resource_id=message.id, count=len(resources),
    )  # fmt: skip
    services.store(message, resources, by=by)
    moment = message.at.isoformat(timespec="milliseconds")
    told = {"resourceType": "Bundle", "id": str(message.id), "type": f"{type_}-response"}
    entries = [{"response": _response(one, moment, language)} for one in outcomes]
    body = orjson.dumps(told | {"entry": entries} if entries else told)
    services.keep_accepted(message, before=before, answer=body, resources=len(resources))
    counts = counts_of(resources, message.at)
    faulty = [one.entry for one in outcomes if one.entry.issues]
    counts.refused = len(faulty)
    counts.rules.update(issue.rule for entry in faulty for issue in entry.issues)
    services.record_attempt(message, counts, accepted=True)
    return Answer(200, body)


def _is_news(outcomes: Sequence[Outcome], before: Message, message: Received) -> bool:
    """Whether a message without an id, whose bytes came before, says something new again.

    A resource may come back to an older state, what was deleted may be sent anew, and what a batch was refused
    may have its target now. Resources without a name are new each time; a message with such ones is a repetition
    as long as one of them is there.
    """
    if not message.message_id.startswith(BY_BYTES) or bytes(before.sha256) != message.sha256:
        return False
    told = orjson.loads(first_answer(before)).get("entry", ())
    made: dict[Kind, set[UUID]] = defaultdict(set)
    for done, entry in zip(outcomes, told, strict=True):
        is_nameless = done.resource and done.resource.known is None and done.entry.condition is None
        if is_nameless and (location := entry["response"].get("location")):
            made[done.entry.kind].add(UUID(location.split("/")[1]))
    if made:
        there = selectors.known_by_id(message.organisation_id, made).values()
        return all(known.deleted for known, _ in there)
    return services.would_change([one.resource for one in outcomes if one.resource])


def _response(done: Outcome, moment: str, language: str) -> dict[str, Any]:
    if done.entry.issues:
        status = done.entry.issues[0].status
        return {"status": str(status), "outcome": outcome(done.entry.issues, language)}
    type_ = done.entry.resource_type
    one = done.resource
    if one is None and done.entry.method == DELETE:
        return {"status": "204 No Content"}
    if one is None:
        return {"status": "200 OK", "location": f"{type_}/{done.existing}"}
    if done.entry.method == DELETE:
        return {"status": "204 No Content", "etag": f'W/"{one.version}"'}
    is_new = one.known is None or one.known.deleted
    return {
        "status": "201 Created" if is_new else "200 OK",
        "location": f"{type_}/{one.id}/_history/{one.version}",
        "etag": f'W/"{one.version}"',
        "lastModified": moment,
    }
