"""Reading persons and their links."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from kernel.access.rules import Fact
from kernel.actor import Actor, Role
from kernel.postgres import prepared
from registry.patients.models import PatientRegistration
from registry.patients.rules import (
    CITIZEN,
    HOME_RETURN,
    PASSPORT,
    TAIWAN,
    identifying_number,
    normalise_phone,
)
from registry.patients.selectors import bearing
from registry.persons.models import IdentityLink, Person, PersonDemographics, PersonIdentifier
from registry.persons.sealing import PHONE, hashes_of
from registry.persons.settling import Case, Details, Excerpt, KnownNumber, KnownPerson
from registry.persons.states import LIVE, Status

MOST_CANDIDATES = 64
KINDS = (CITIZEN, PASSPORT, HOME_RETURN, TAIWAN)

# Each asks by index for one number or one name, and no more than so many are looked at: the oldest
# ones, but first of all who holds a document undisputedly.
MEANT = """
SELECT found.person_id FROM unnest(%(documents)s::bytea[]) AS asked (hash)
CROSS JOIN LATERAL (
  SELECT person_id FROM persons_personidentifier
  WHERE index = asked.hash OR index_next = asked.hash
  ORDER BY disputed, person_id LIMIT %(most)s
) found
UNION
SELECT found.person_id FROM unnest(%(names)s::text[], %(births)s::date[]) AS asked (name, birth)
CROSS JOIN LATERAL (
  SELECT d.person_id FROM persons_persondemographics d
  JOIN persons_person p ON p.id = d.person_id AND p.status <> ALL(%(over)s)
  WHERE d.name_key = asked.name AND d.birth_date = asked.birth
  ORDER BY d.person_id LIMIT %(most)s
) found
"""
OVER = (Status.VOID, Status.MERGED)

SURVIVOR = "SELECT survivor_id FROM persons_person WHERE id = %s AND survivor_id IS NOT NULL"
SAME = """
WITH survivor AS (
  SELECT coalesce((SELECT survivor_id FROM persons_person WHERE id = %(person)s), %(person)s::uuid) AS id
)
SELECT p.id FROM survivor JOIN persons_person p ON p.id = survivor.id
UNION ALL SELECT p.id FROM survivor JOIN persons_person p ON p.survivor_id = survivor.id
"""
"""Asked in every request of a resident, hence without the ORM."""


def live_links() -> QuerySet[IdentityLink]:
    """Links that hold now."""
    return IdentityLink.objects.filter(status__in=LIVE)


def live_link(registration_id: UUID) -> IdentityLink | None:
    """The link of a registration that holds now."""
    return live_links().filter(registration_id=registration_id).first()


def survivor_of(person_id: UUID) -> UUID:
    """The person that stands for this one after merges."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, SURVIVOR, [person_id])
        row = cursor.fetchone()
    return row[0] if row else person_id


def person_of_registration(registration_id: UUID) -> UUID | None:
    """The person of a registration, merges resolved."""
    link = live_link(registration_id)
    return survivor_of(link.person_id) if link else None


def facts_of_own(actor: Actor, person_id: UUID | None) -> frozenset[Fact]:
    """That a person is the resident who asks, if that is so, merges resolved."""
    own = actor.person_id if actor.role is Role.RESIDENT else None
    if own is None or person_id is None:
        return frozenset()
    is_own = own == person_id or survivor_of(own) == survivor_of(person_id)
    return frozenset({Fact.OWN_RECORD}) if is_own else frozenset()


def same_person(person_id: UUID) -> list[UUID]:
    """Ids that stand for this person: the survivor and all merged into it; empty when unknown."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, SAME, {"person": person_id})
        return [id_ for (id_,) in cursor.fetchall()]


def links_of_person(person_id: UUID) -> list[IdentityLink]:
    """The live links of a person and of all merged into it."""
    return list(live_links().filter(person_id__in=same_person(person_id)).order_by("id"))


def live_links_of(registration_ids: Iterable[UUID]) -> dict[UUID, IdentityLink]:
    """The links that hold now, by registration."""
    found = live_links().filter(registration_id__in=list(registration_ids))
    return {link.registration_id: link for link in found}


def excerpt_for(cases: Sequence[Case]) -> Excerpt:
    """Persons who may be meant by the registrations, and those they hang on."""
    named = [
        (one.claim.name_key, one.claim.birth_date) for one in cases
        if one.claim.name_key and one.claim.birth_date
    ]  # fmt: skip
    asked: dict[str, Any] = {
        "documents": [
            hashed for one in cases if one.claim.document
            for hashed in one.hashes[one.claim.document]
        ],
        "names": [name for name, _ in named],
        "births": [birth for _, birth in named],
        "over": list(OVER),
        "most": MOST_CANDIDATES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(MEANT, asked)
        wanted = {id_ for (id_,) in cursor.fetchall()}
    wanted |= {one.standing.person_id for one in cases if one.standing}
    return Excerpt(_known_persons(wanted))


def _known_persons(wanted: Collection[UUID]) -> list[KnownPerson]:
    """What is known of persons, and of those who stand for them after merges."""
    if not wanted:
        return []
    found = {
        one.id: KnownPerson(one.id, one.survivor_id or one.id, one.status in OVER)
        for one in Person.objects.filter(pk__in=wanted)
    }
    for known in PersonDemographics.objects.filter(person_id__in=found).defer("sealed"):
        found[known.person_id].details = Details(
            known.id, known.name_key, known.sex, known.birth_date, known.source_registration_id
        )
    numbers = PersonIdentifier.objects.filter(person_id__in=found).values_list(
        "person_id", "kind", "disputed", "index", "index_next"
    )
    for id_, kind, disputed, *indexes in numbers:
        hashes = frozenset(bytes(one) for one in indexes if one)
        found[id_].numbers.append(KnownNumber(kind, hashes, disputed))
    survivors = {one.survivor_id for one in found.values()} - found.keys()
    return [*found.values(), *_known_persons(survivors)]


def holder_of(kind: str, number: str) -> UUID | None:
    """The person who undisputedly holds this document."""
    found = _bearing([(kind, number)]).filter(disputed=False)
    return found.values_list("person_id", flat=True).first()


def stated_holder(kind: str, number: str) -> tuple[UUID, str] | None:
    """The living person who undisputedly holds this document, merges resolved, and the name's key."""
    found = _bearing([(kind, number)]).filter(kind=kind, disputed=False)
    return (
        found.exclude(person__status=Status.DECEASED)
        .values_list(Coalesce("person__survivor_id", "person_id"), "person__demographics__name_key")
        .first()
    )


def registrations_bearing(text: str, value: str, *, organisation_id: UUID | None) -> list[UUID]:
    """At the hub: registrations that hold a number in the form of `searched_numbers`.

    The candidates are a hospital's own of that patient number, and those of the persons who bear the
    value as a document or phone.
    """
    numbers = [(kind, plain) for kind in KINDS if (plain := identifying_number(kind, value))]
    persons = _bearing([*numbers, (PHONE, normalise_phone(value))]).values("person_id")
    links = live_links().filter(person_id__in=persons)
    wanted = Q(pk__in=list(links.values_list("registration_id", flat=True)[:MOST_CANDIDATES]))
    if organisation_id is not None:
        wanted |= Q(organisation_id=organisation_id, local_id=value)
    return bearing(PatientRegistration.objects.filter(wanted), text)


def _bearing(numbers: Iterable[tuple[str, str]]) -> QuerySet[PersonIdentifier]:
    hashes = hashes_of(numbers)
    return PersonIdentifier.objects.filter(Q(index__in=hashes) | Q(index_next__in=hashes))
