"""Linking registrations to persons, at the hub."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from kernel.actor import Actor
from kernel.events import services as events
from kernel.events.errors import NotYet
from kernel.homes import uuid7
from kernel.postgres import locks, prepared
from kernel.postgres.inserting import insert_rows, together
from kernel.postgres.lazily import ALL_LAZILY
from registry.names import normalise_name
from registry.patients.models import PatientRegistration
from registry.patients.rules import RegistrationFacts, identity_of, normalise_phone
from registry.patients.sealing import facts_of
from registry.patients.selectors import claims_of
from registry.persons import selectors
from registry.persons.matching import MODEL_VERSION, Claim, Decision, Verdict
from registry.persons.models import IdentityLink, Person, PersonDemographics, PersonIdentifier
from registry.persons.sealing import PHONE, hashes_of_one, identifier_of, seal_numbers
from registry.persons.settling import Case, Enrichment, Excerpt, Outcome, Settlement, joined
from registry.persons.states import LIVE, LinkStatus, Status

LINKED = "identity.linked"
RELOADED = "copy.reloaded"
ENDED_AT_ONCE = 1_000
FOLLOWED = ("name", "name_key", "sex", "birth_date", "sealed", "changed_at")
NUMBER_COLUMNS = ("id", "person_id", "kind", "index", "index_next", "sealed", "disputed")
HOLD = "SELECT FROM persons_person WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
FOLLOW = """
UPDATE persons_identitylink SET registration_version = now_at.version
FROM unnest(%s::uuid[], %s::int[]) AS now_at (id, version) WHERE persons_identitylink.id = now_at.id
"""
RENEW_AUDIENCES = """
UPDATE persons_person SET audience = now_at.nodes
FROM (
  SELECT wanted.id, coalesce(array_agg(DISTINCT link.registration_node)
                             FILTER (WHERE link.id IS NOT NULL), '{}') AS nodes
  FROM unnest(%(persons)s::uuid[]) AS wanted (id)
  LEFT JOIN persons_identitylink link ON link.person_id = wanted.id AND link.status = ANY(%(live)s::text[])
  GROUP BY wanted.id
) now_at
WHERE persons_person.id = now_at.id AND audience IS DISTINCT FROM now_at.nodes
"""


@transaction.atomic(savepoint=False)
def link(registrations: Sequence[tuple[str, UUID]], *, by: Actor) -> None:
    """Link registrations, given by node and id, in their order; safe twice and under race.

    A link that stands is kept unless the document contradicts it. A registration that the hospital
    took back has none. NotYet before every row is here. The commit waits for no disk: the deliveries of the events
    are marked in it, so what a crash loses is linked again.
    """
    waiting = _cases_of(dict.fromkeys(registrations))
    held: set[UUID] = set()
    while waiting:
        settled = _settle_held(waiting, held)
        _write(settled.outcomes, by)
        waiting = list(settled.left_over)
        if settled.leaves and not _leave(settled.leaves, waiting[0], settled.decision):
            del waiting[0]


def _cases_of(registrations: Collection[tuple[str, UUID]]) -> list[Case]:
    """The registrations with what they claim, nobody else deciding about any of it meanwhile."""
    held = locks.holding(id_.hex for _, id_ in registrations)
    by_node: dict[str, list[UUID]] = defaultdict(list)
    for node, id_ in registrations:
        by_node[node].append(id_)
    rows = {
        (row.node, row.id): row for node, ids in by_node.items()
        for row in claims_of(node, ids, ALL_LAZILY, held)
    }  # fmt: skip
    if len(rows) < len(registrations):
        raise NotYet
    return [_case_of(rows[one]) for one in registrations]


def _case_of(registration: PatientRegistration) -> Case:
    facts = facts_of(registration)
    claim = claim_of(facts)
    numbers = [(PHONE, phone) for phone in claim.phones]
    numbers += [claim.document] if claim.document else []
    return Case(registration, facts, claim, {one: hashes_of_one(*one) for one in numbers})


def _settle_held(cases: Sequence[Case], held: set[UUID]) -> Settlement:
    """The settlement, with the rows held of the persons who are left and of those who are joined.

    Somebody else's mended number may take away what a person was chosen for, and whether a link is
    a person's only one may change; so it is decided again once the rows are held.
    """
    hold = locks.holding(name for case in cases for name in _shared_by(case.claim))
    while True:
        settled = _excerpt_for(cases, hold).settle(cases)
        if settled.concerned <= held:
            return settled
        hold = _holding(settled.concerned - held)
        held |= settled.concerned


def _excerpt_for(cases: Sequence[Case], *after: prepared.Statement) -> Excerpt:
    """What the index holds about the registrations, which get their links that stand."""
    known = selectors.known_about(cases, *after)
    for case in cases:
        case.standing = known.links.get(case.registration.id)
    return known.excerpt


def _holding(person_ids: Collection[UUID]) -> prepared.Statement:
    """Nobody else joins or leaves these persons until the transaction ends."""
    return HOLD, [list(person_ids)]


def _leave(standing: IdentityLink, case: Case, decision: Decision | None) -> bool:
    """Let a registration go from the person it hangs on; whether it looks for another one."""
    if decision and decision.verdict is Verdict.NEW and _is_only_link(standing):
        # Nobody else is meant and nobody else hangs on this person: the number was mistyped before.
        _follow([case])
        _rebuild(standing.person_id, [standing])
        return False
    _end(standing)
    case.standing, case.left = None, standing.person_id
    return decision is not None


@transaction.atomic
def end_dangling_links(*, by: Actor) -> int:
    """End live links to registrations that do not exist any more; how many.

    A city that was restored from a backup has lost the registrations recorded since.
    """
    there = PatientRegistration.objects.filter(
        node=OuterRef("registration_node"), pk=OuterRef("registration_id")
    )
    dangling = selectors.live_links().filter(~Exists(there)).order_by("id")
    ended = list(dangling.select_for_update()[:ENDED_AT_ONCE])
    with connection.cursor() as cursor:
        prepared.execute(cursor, *_holding({one.person_id for one in ended}))
    for standing in ended:
        _end(standing)
    if len(ended) == ENDED_AT_ONCE:
        events.record(RELOADED, subject_id=by.id, by=by)
    return len(ended)


def claim_of(facts: RegistrationFacts) -> Claim:
    """The facts of a registration in the form that is compared."""
    phones = frozenset(filter(None, map(normalise_phone, facts.phones)))
    return Claim(
        normalise_name(facts.name), facts.sex, facts.birth_date, identity_of(facts), phones
    )


def _shared_by(claim: Claim) -> list[str]:
    """What two registrations of one human being have in common."""
    shared = []
    if claim.document:
        shared.append("/".join(claim.document))
    if claim.name_key and claim.birth_date:
        shared.append(f"{claim.name_key}|{claim.birth_date}")
    return shared


def _is_only_link(standing: IdentityLink) -> bool:
    links = selectors.live_links().filter(person_id=standing.person_id)
    return not links.exclude(pk=standing.pk).exists()


def _write(outcomes: Sequence[Outcome], by: Actor) -> None:
    """New persons, what they and others are enriched by, links, and the news of those."""
    now = timezone.now()
    decided = [(one.enrichment, one.decision) for one in outcomes if one.decision]
    persons = [
        {
            "id": one.person_id, "created_at": now, "audience": [one.case.registration.node],
            "status": _status_of(decision).value,
        }
        for one, decision in decided if joined(decision) is None
    ]  # fmt: skip
    made = [_link_of(one, decision, now) for one, decision in decided]
    news = [
        events.NewEvent(
            LINKED, link["registration_id"], related=[link["person_id"], link["id"]],
            audience=link["audience"],
        )
        for link in made
    ]  # fmt: skip
    with together():
        insert_rows(Person, persons)
        _write_enrichments([one.enrichment for one in outcomes], now)
        insert_rows(IdentityLink, made)
        events.record_all(news, by=by)
    _follow([one.enrichment.case for one in outcomes if one.decision is None])
    _renew_audiences([one.person_id for one, decision in decided if joined(decision)])


def _status_of(decision: Decision) -> Status:
    return Status.PROVISIONAL if decision.verdict is Verdict.CONFLICT else Status.ACTIVE


def _link_of(enrichment: Enrichment, decision: Decision, now: datetime) -> dict[str, Any]:
    registration = enrichment.case.registration
    in_conflict = decision.verdict is Verdict.CONFLICT
    return {
        "id": uuid7(), "registration_id": registration.id, "registration_node": registration.node,
        "registration_version": registration.version, "person_id": enrichment.person_id,
        "status": (LinkStatus.REVIEW if in_conflict else LinkStatus.LINKED).value,
        "score": decision.score, "explanation": decision.explanation,
        "model_version": MODEL_VERSION, "decided_at": now, "audience": [registration.node],
    }  # fmt: skip


def _follow(cases: Iterable[Case]) -> None:
    """The links that stand are links to the versions that registrations have now."""
    versions = [
        (case.standing.id, case.registration.version) for case in cases if case.standing
    ]  # fmt: skip
    if versions:
        ids, numbers = zip(*versions, strict=True)
        with connection.cursor() as cursor:
            prepared.execute(cursor, FOLLOW, [list(ids), list(numbers)])


def _write_enrichments(enrichments: Sequence[Enrichment], now: datetime) -> None:
    details = [_details_row(one, one.details_id, now) for one in enrichments if one.details_id]
    insert_rows(PersonDemographics, details, known=FOLLOWED)
    numbers = [
        identifier_of(one.person_id, kind, number, disputed=disputed)
        for one in enrichments for (kind, number), disputed in one.numbers
    ]  # fmt: skip
    insert_rows(
        PersonIdentifier,
        [{name: getattr(row, name) for name in NUMBER_COLUMNS} for row in numbers],
        or_leave_out=True,
    )


def _details_row(one: Enrichment, details_id: UUID, now: datetime) -> dict[str, Any]:
    facts = one.case.facts
    return {
        "id": details_id, "person_id": one.person_id, "name": facts.name,
        "name_key": one.case.claim.name_key, "sex": facts.sex, "birth_date": facts.birth_date,
        "source_registration_id": one.case.registration.id,
        "sealed": seal_numbers(details_id, facts), "changed_at": now,
    }  # fmt: skip


def _rebuild(person_id: UUID, links: Sequence[IdentityLink]) -> None:
    """Numbers and details of a person as these links alone give them, the oldest first.

    NotYet while a row of theirs is not here, as when a city's copy is being reloaded.
    """
    wanted = [link.registration_id for link in links]
    nodes = {link.registration_node for link in links}
    found = PatientRegistration.objects.filter(node__in=nodes, pk__in=wanted)
    rows = {row.id: row for row in found}
    if len(rows) < len(wanted):
        raise NotYet
    PersonDemographics.objects.filter(person_id=person_id).exclude(
        source_registration_id__in=wanted
    ).update(source_registration_id=wanted[0])
    _forget_numbers(person_id)
    cases = [_case_of(rows[link.registration_id]) for link in links]
    excerpt = _excerpt_for(cases)
    _write_enrichments([excerpt.enrich(person_id, case) for case in cases], timezone.now())


def _forget_numbers(person_id: UUID) -> None:
    PersonIdentifier.objects.filter(person_id=person_id).delete()


def _end(standing: IdentityLink) -> None:
    """Take a registration away from its person, with all that it alone brought."""
    standing.status, standing.ended_at = LinkStatus.ENDED, timezone.now()
    standing.save(update_fields=["status", "ended_at"])
    left = list(selectors.live_links().filter(person_id=standing.person_id).order_by("id"))
    if left:
        _rebuild(standing.person_id, left)
    else:
        Person.objects.filter(pk=standing.person_id).update(status=Status.VOID)
        _forget_numbers(standing.person_id)
    _renew_audiences([standing.person_id])


def _renew_audiences(person_ids: Sequence[UUID]) -> None:
    """The cities of the live links get the persons, others lose them."""
    if person_ids:
        with connection.cursor() as cursor:
            prepared.execute(
                cursor, RENEW_AUDIENCES, {"persons": list(person_ids), "live": list(LIVE)}
            )
