"""Reading persons and their links."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
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
from registry.persons.models import IdentityLink, PersonIdentifier
from registry.persons.sealing import PHONE, hashes_of
from registry.persons.settling import Case, Details, Excerpt, KnownNumber, KnownPerson
from registry.persons.states import LIVE, Status

MOST_CANDIDATES = 64
KINDS = (CITIZEN, PASSPORT, HOME_RETURN, TAIWAN)

# Those who are meant: each part asks by index for one number or one name, and no more than so many are
# looked at, the oldest ones, but first of all who holds a document undisputedly. Those known: they, whose the
# registrations are, and who stands for any of them after merges. LIMIT 1 has each looked up by index, and
# the states stand in the text because a partial index is not found by a parameter.
KNOWN = f"""
WITH RECURSIVE standing AS (
  SELECT id, registration_id, registration_node, registration_version, person_id, status
  FROM persons_identitylink
  WHERE registration_id = ANY(%(registrations)s::uuid[]) AND status IN ({", ".join(f"'{one}'" for one in LIVE)})
), meant (id) AS (
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
    JOIN persons_person p ON p.id = d.person_id AND p.status <> ALL(%(over)s::text[])
    WHERE d.name_key = asked.name AND d.birth_date = asked.birth
    ORDER BY d.person_id LIMIT %(most)s
  ) found
  UNION
  SELECT person_id FROM standing
), known (id) AS (
  SELECT id FROM meant
  UNION
  SELECT p.survivor_id FROM known CROSS JOIN LATERAL (
    SELECT survivor_id FROM persons_person WHERE id = known.id LIMIT 1
  ) p WHERE p.survivor_id IS NOT NULL
)
SELECT person.*, number.*, standing.*
FROM known
CROSS JOIN LATERAL (
  SELECT p.id, coalesce(p.survivor_id, p.id), p.status = ANY(%(over)s::text[]),
         d.id, d.name_key, d.sex, d.birth_date, d.source_registration_id
  FROM persons_person p LEFT JOIN persons_persondemographics d ON d.person_id = p.id
  WHERE p.id = known.id LIMIT 1
) person
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(kind), '{{}}'), coalesce(array_agg(disputed), '{{}}'),
         coalesce(array_agg(index), '{{}}'), coalesce(array_agg(index_next), '{{}}')
  FROM persons_personidentifier WHERE person_id = known.id
) number
LEFT JOIN standing ON standing.person_id = known.id
"""  # noqa: S608
LINK = ("id", "registration_id", "registration_node", "registration_version", "person_id", "status")
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


class Known(NamedTuple):
    """What the index holds about registrations: the persons, and by registration the links that hold."""

    excerpt: Excerpt
    links: dict[UUID, IdentityLink]


def known_about(cases: Sequence[Case], *after: prepared.Statement) -> Known:
    """Persons who may be meant by the registrations, those they hang on, and who stands for any of them.

    It is looked up `after` the given statements are done, which may wait.
    """
    named = [
        (one.claim.name_key, one.claim.birth_date) for one in cases
        if one.claim.name_key and one.claim.birth_date
    ]  # fmt: skip
    asked: dict[str, Any] = {
        "registrations": [one.registration.id for one in cases],
        "documents": [
            hashed for one in cases if one.claim.document
            for hashed in one.hashes[one.claim.document]
        ],
        "names": [name for name, _ in named],
        "births": [birth for _, birth in named],
        "over": list(OVER),
        "most": MOST_CANDIDATES,
    }  # fmt: skip
    persons: dict[UUID, KnownPerson] = {}
    links: dict[UUID, IdentityLink] = {}
    with connection.cursor() as cursor:
        prepared.execute_in_turn(cursor, *after, (KNOWN, asked))
        for row in cursor.fetchall():
            id_, survivor_id, is_over, *rest = row
            details, numbers, link = rest[:5], rest[5:9], rest[9:]
            if id_ not in persons:
                known = Details(*details) if details[0] else None
                persons[id_] = KnownPerson(id_, survivor_id, is_over, known, _numbers(*numbers))
            if link[0]:
                links[link[1]] = IdentityLink.from_db(connection.alias, LINK, link)
    return Known(Excerpt(persons.values()), links)


def _numbers(*columns: Sequence[Any]) -> list[KnownNumber]:
    return [
        KnownNumber(kind, frozenset(bytes(one) for one in indexes if one), disputed)
        for kind, disputed, *indexes in zip(*columns, strict=True)
    ]


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
