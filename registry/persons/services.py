"""Linking registrations to persons, at the hub."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from kernel.actor import Actor
from kernel.events import services as events
from kernel.events.errors import NotYet
from kernel.postgres import locks
from registry.names import normalise_name
from registry.patients.models import PatientRegistration
from registry.patients.rules import RegistrationFacts, identity_of, normalise_phone
from registry.patients.sealing import facts_of
from registry.persons import selectors
from registry.persons.matching import MODEL_VERSION, Claim, Decision, Verdict, decide
from registry.persons.models import IdentityLink, Person, PersonDemographics, PersonIdentifier
from registry.persons.sealing import PHONE, identifier_of, seal_numbers
from registry.persons.states import LIVE, LinkStatus, Status

LINKED = "identity.linked"
RELOADED = "copy.reloaded"
ENDED_AT_ONCE = 1_000
RENEW_AUDIENCE = """
UPDATE persons_person SET audience = now_at.nodes
FROM (
  SELECT coalesce(array_agg(DISTINCT registration_node), '{}') AS nodes FROM persons_identitylink
  WHERE person_id = %(person)s AND status = ANY(%(live)s)
) now_at
WHERE id = %(person)s AND audience IS DISTINCT FROM now_at.nodes
"""


@transaction.atomic(savepoint=False)
def link(*, node: str, registration_id: UUID, by: Actor) -> IdentityLink | None:
    """The link of a registration, made or looked at again; safe twice and under race.

    A link that stands is kept unless the document contradicts it. A registration that the hospital
    took back has none. NotYet before the row is here.
    """
    locks.hold([registration_id.hex])
    registration = PatientRegistration.objects.filter(node=node, pk=registration_id).first()
    if registration is None:
        raise NotYet
    facts = facts_of(registration)
    claim = claim_of(facts)
    locks.hold(_shared_by(claim))
    standing = selectors.live_link(registration.id)
    if registration.deleted:
        if standing:
            _hold({standing.person_id})
            _end(standing)
        return None
    if standing and not _contradicts(standing, claim):
        if standing.registration_version < registration.version:
            _follow(standing, registration)
            _enrich(standing.person_id, registration, facts, claim)
        return standing
    decision = _decide_held(claim, standing)
    if standing and decision.verdict is Verdict.NEW and _is_only_link(standing):
        # Nobody else is meant and nobody else hangs on this person: the number was mistyped before.
        _follow(standing, registration)
        _rebuild(standing.person_id, [standing])
        return standing
    if standing:
        _end(standing)
    return _make_link(registration, facts, claim, decision, by)


def _decide_held(claim: Claim, standing: IdentityLink | None) -> Decision:
    """The decision, with the rows held of the person who is left and of the one who is joined.

    Somebody else's mended number may take away what a person was chosen for, and whether a link is
    a person's only one may change; so it is decided again once the rows are held.
    """
    held: set[UUID] = set()
    while True:
        decision = decide(
            claim,
            selectors.candidates_for(
                document=claim.document,
                name_key=claim.name_key,
                birth_date=claim.birth_date,
                phones=claim.phones,
                but_not=standing.person_id if standing else None,
            ),
        )
        joined = decision.person_id if decision.verdict is Verdict.LINK else None
        concerned = {one for one in (standing and standing.person_id, joined) if one}
        if concerned <= held:
            return decision
        _hold(concerned)
        held |= concerned


def _hold(person_ids: Collection[UUID]) -> None:
    """Nobody else joins or leaves these persons until the transaction ends."""
    held = Person.objects.select_for_update(no_key=True).filter(pk__in=person_ids)
    list(held.order_by("pk"))


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
    _hold({one.person_id for one in ended})
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


def _contradicts(standing: IdentityLink, claim: Claim) -> bool:
    """Whether the document names somebody else than the person linked."""
    if claim.document is None:
        return False
    kind, number = claim.document
    holder = selectors.holder_of(kind, number)
    if holder is not None:
        return selectors.survivor_of(holder) != selectors.survivor_of(standing.person_id) and (
            standing.status == LinkStatus.LINKED
        )
    return selectors.bears(standing.person_id, kind, number) is False


def _follow(standing: IdentityLink, registration: PatientRegistration) -> None:
    standing.registration_version = registration.version
    standing.save(update_fields=["registration_version"])


def _is_only_link(standing: IdentityLink) -> bool:
    links = selectors.live_links().filter(person_id=standing.person_id)
    return not links.exclude(pk=standing.pk).exists()


def _make_link(
    registration: PatientRegistration,
    facts: RegistrationFacts,
    claim: Claim,
    decision: Decision,
    by: Actor,
) -> IdentityLink:
    now = timezone.now()
    joined = decision.person_id if decision.verdict is Verdict.LINK else None
    if joined is not None:
        person_id = selectors.survivor_of(joined)
    else:
        disputed = decision.verdict is Verdict.CONFLICT
        person_id = _make_person(registration, facts, claim, disputed=disputed, now=now)
    made = IdentityLink.objects.create(
        registration_id=registration.id,
        registration_node=registration.node,
        registration_version=registration.version,
        person_id=person_id,
        status=LinkStatus.REVIEW if decision.verdict is Verdict.CONFLICT else LinkStatus.LINKED,
        score=decision.score,
        explanation=decision.explanation,
        model_version=MODEL_VERSION,
        decided_at=now,
        audience=[registration.node],
    )
    if joined is not None:
        _enrich(person_id, registration, facts, claim)
        _renew_audience(person_id)
    events.record(
        LINKED,
        subject_id=registration.id,
        related=[person_id, made.id],
        by=by,
        audience=[registration.node],
    )
    return made


def _make_person(
    registration: PatientRegistration,
    facts: RegistrationFacts,
    claim: Claim,
    *,
    disputed: bool,
    now: datetime,
) -> UUID:
    status = Status.PROVISIONAL if disputed else Status.ACTIVE
    person = Person.objects.create(status=status, created_at=now, audience=[registration.node])
    known = PersonDemographics(
        person=person,
        name=facts.name,
        name_key=claim.name_key,
        sex=facts.sex,
        birth_date=facts.birth_date,
        source_registration_id=registration.id,
        changed_at=now,
    )
    known.sealed = seal_numbers(known.id, facts)
    known.save(force_insert=True)
    _add_numbers(person.id, claim, disputed=disputed)
    return person.id


def _enrich(
    person_id: UUID, registration: PatientRegistration, facts: RegistrationFacts, claim: Claim
) -> None:
    """Add numbers not known before; follow the details of the registration they came from."""
    holder = selectors.holder_of(*claim.document) if claim.document else None
    _add_numbers(person_id, claim, disputed=holder not in {None, person_id})
    known = PersonDemographics.objects.filter(
        person_id=person_id, source_registration_id=registration.id
    ).first()
    if known:
        known.name, known.name_key, known.sex = facts.name, claim.name_key, facts.sex
        known.birth_date, known.changed_at = facts.birth_date, timezone.now()
        known.sealed = seal_numbers(known.id, facts)
        known.save(update_fields=["name", "name_key", "sex", "birth_date", "changed_at", "sealed"])


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
    for registration_id in wanted:
        facts = facts_of(rows[registration_id])
        _enrich(person_id, rows[registration_id], facts, claim_of(facts))


def _add_numbers(person_id: UUID, claim: Claim, *, disputed: bool) -> None:
    rows = [
        identifier_of(person_id, PHONE, phone, disputed=False) for phone in sorted(claim.phones)
    ]
    if claim.document:
        rows.append(identifier_of(person_id, *claim.document, disputed=disputed))
    PersonIdentifier.objects.bulk_create(rows, ignore_conflicts=True)


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
    _renew_audience(standing.person_id)


def _renew_audience(person_id: UUID) -> None:
    """The cities of the live links get the person, others lose it."""
    with connection.cursor() as cursor:
        cursor.execute(RENEW_AUDIENCE, {"person": person_id, "live": list(LIVE)})
