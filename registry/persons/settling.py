"""Several registrations at once: each meets the index as those before it leave it.

No ORM, no clock. Two registrations of one set may be the same human being, so what the first one makes
is known when the second one is decided: the outcome is the same however a row of registrations is cut
into sets. Who is whom, `matching.decide` says.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from kernel.homes import uuid7
from registry.patients.models import PatientRegistration
from registry.patients.rules import RegistrationFacts
from registry.persons.matching import Candidate, Claim, Decision, Verdict, decide
from registry.persons.models import IdentityLink
from registry.persons.sealing import PHONE
from registry.persons.states import LinkStatus

Number = tuple[str, str]
"""Type of document, or `phone`, and the number in its one form."""


@dataclass(slots=True)
class Case:
    """A registration that looks for its person.

    `hashes` are all keyed hashes of each number it claims; `left` is the person it has just left.
    """

    registration: PatientRegistration
    facts: RegistrationFacts
    claim: Claim
    hashes: Mapping[Number, Sequence[bytes]]
    standing: IdentityLink | None = None
    left: UUID | None = None


@dataclass(slots=True)
class Details:
    """Who a person is, and the registration that says so."""

    id: UUID
    name_key: str
    sex: str
    birth_date: date | None
    source_registration_id: UUID


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """A number that a person bears, by its keyed hashes."""

    kind: str
    hashes: frozenset[bytes]
    disputed: bool


@dataclass(slots=True)
class KnownPerson:
    """A person of the index; one that `is_over`, void or merged, is found by numbers only."""

    id: UUID
    survivor_id: UUID
    is_over: bool = False
    details: Details | None = None
    numbers: list[KnownNumber] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What a registration adds to a person: numbers, disputed or not; details when they are its own."""

    case: Case
    person_id: UUID
    numbers: Sequence[tuple[Number, bool]]
    details_id: UUID | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a registration: a link as decided, or the link that stands follows it."""

    enrichment: Enrichment
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """Outcomes up to the first registration that leaves its person, which has to be done first.

    `left_over` begins with it, `leaves` is its link, and `decision` says whom it means now, None when
    it was taken back. `concerned` are the persons of the index who are joined or left.
    """

    outcomes: Sequence[Outcome]
    concerned: Set[UUID]
    left_over: Sequence[Case] = ()
    leaves: IdentityLink | None = None
    decision: Decision | None = None


class Excerpt:
    """The part of the index that some registrations concern, as they change it one by one."""

    def __init__(self, persons: Iterable[KnownPerson]) -> None:
        self._persons: dict[UUID, KnownPerson] = {}
        self._bearing: dict[bytes, set[UUID]] = defaultdict(set)
        self._called: dict[tuple[str, date | None], set[UUID]] = defaultdict(set)
        for person in persons:
            self._add(person)

    def settle(self, cases: Sequence[Case]) -> Settlement:
        """What becomes of the registrations, in their order."""
        there, concerned = set(self._persons), set[UUID | None]()
        outcomes: list[Outcome] = []
        for place, case in enumerate(cases):
            standing, registration = case.standing, case.registration
            if standing and (registration.deleted or self._contradicts(case, standing)):
                decision = None if registration.deleted else self._decide(case)
                concerned |= {standing.person_id, joined(decision)}
                return Settlement(outcomes, there & concerned, cases[place:], standing, decision)
            if standing and standing.registration_version < registration.version:
                outcomes.append(Outcome(self.enrich(standing.person_id, case), None))
            elif standing is None and not registration.deleted:
                decision = self._decide(case)
                concerned.add(joined(decision))
                outcomes.append(Outcome(self._link(case, decision), decision))
        return Settlement(outcomes, there & concerned)

    def enrich(self, person_id: UUID, case: Case) -> Enrichment:
        """Add numbers not known before; follow the details of the registration they came from."""
        document = case.claim.document
        holder = self._holder_of(case.hashes[document]) if document else None
        return self._enrich(person_id, case, disputed=holder not in {None, person_id})

    def _enrich(self, person_id: UUID, case: Case, *, disputed: bool) -> Enrichment:
        claim, person = case.claim, self._persons[person_id]
        numbers = [((PHONE, phone), False) for phone in sorted(claim.phones)]
        if claim.document:
            numbers.append((claim.document, disputed))
        added = [one for one in numbers if not _bears(person, case.hashes[one[0]])]
        for number, is_disputed in added:
            known = KnownNumber(number[0], frozenset(case.hashes[number]), is_disputed)
            person.numbers.append(known)
            self._note(person, known)
        details = person.details
        if details is None or details.source_registration_id != case.registration.id:
            return Enrichment(case, person_id, added, None)
        self._called[details.name_key, details.birth_date].discard(person_id)
        details.name_key, details.sex = claim.name_key, claim.sex
        details.birth_date = claim.birth_date
        self._call(person)
        return Enrichment(case, person_id, added, details.id)

    def _link(self, case: Case, decision: Decision) -> Enrichment:
        if (meant := joined(decision)) is not None:
            return self.enrich(self._persons[meant].survivor_id, case)
        claim, id_ = case.claim, uuid7()
        details = Details(
            uuid7(), claim.name_key, claim.sex, claim.birth_date, case.registration.id
        )
        self._add(KnownPerson(id_, id_, details=details))
        return self._enrich(id_, case, disputed=decision.verdict is Verdict.CONFLICT)

    def _decide(self, case: Case) -> Decision:
        """Link, conflict or new, among the persons who may be meant."""
        claim, but_not = case.claim, case.standing.person_id if case.standing else case.left
        held = self._bearers(case.hashes[claim.document]) if claim.document else set()
        phoned = {one for phone in claim.phones for one in self._bearers(case.hashes[PHONE, phone])}
        alike: set[UUID] = set()
        if claim.name_key and claim.birth_date:
            alike = self._called[claim.name_key, claim.birth_date]
        persons = [self._persons[id_] for id_ in sorted((held | alike) - {but_not})]
        candidates = [
            Candidate(
                one.id, one.details.name_key, one.details.sex, one.details.birth_date,
                same_document=one.id in held, same_phone=one.id in phoned,
                other_document=one.id not in held and _bears_kind(one, claim.document),
            )
            for one in persons if one.details
        ]  # fmt: skip
        return decide(claim, candidates)

    def _contradicts(self, case: Case, standing: IdentityLink) -> bool:
        """Whether the document names somebody else than the person linked."""
        if case.claim.document is None:
            return False
        hashes = case.hashes[case.claim.document]
        own = self._persons[standing.person_id]
        if _bears(own, hashes):
            return False
        holder = self._holder_of(hashes)
        if holder is not None:
            return (
                standing.status == LinkStatus.LINKED
                and self._persons[holder].survivor_id != own.survivor_id
            )
        return _bears_kind(own, case.claim.document)

    def _holder_of(self, hashes: Sequence[bytes]) -> UUID | None:
        """The person who undisputedly holds this document."""
        holders = [
            id_ for id_ in self._bearers(hashes) for one in self._persons[id_].numbers
            if not one.disputed and not one.hashes.isdisjoint(hashes)
        ]  # fmt: skip
        return min(holders, default=None)

    def _bearers(self, hashes: Sequence[bytes]) -> set[UUID]:
        return {id_ for one in hashes for id_ in self._bearing[one]}

    def _add(self, person: KnownPerson) -> None:
        self._persons[person.id] = person
        self._call(person)
        for number in person.numbers:
            self._note(person, number)

    def _call(self, person: KnownPerson) -> None:
        if person.details and not person.is_over:
            self._called[person.details.name_key, person.details.birth_date].add(person.id)

    def _note(self, person: KnownPerson, number: KnownNumber) -> None:
        for one in number.hashes:
            self._bearing[one].add(person.id)


def joined(decision: Decision | None) -> UUID | None:
    """The person of the index who is meant, if any."""
    return decision.person_id if decision and decision.verdict is Verdict.LINK else None


def _bears(person: KnownPerson, hashes: Sequence[bytes]) -> bool:
    return any(not one.hashes.isdisjoint(hashes) for one in person.numbers)


def _bears_kind(person: KnownPerson, document: Number | None) -> bool:
    return document is not None and any(one.kind == document[0] for one in person.numbers)
