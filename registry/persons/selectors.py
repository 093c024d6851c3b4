"""Reading persons and their links."""

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

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
from registry.persons.matching import Candidate
from registry.persons.models import IdentityLink, Person, PersonIdentifier
from registry.persons.sealing import PHONE, hashes_of
from registry.persons.states import LIVE, Status

MOST_CANDIDATES = 64
KINDS = (CITIZEN, PASSPORT, HOME_RETURN, TAIWAN)

# One statement, because linking is the hub's hottest path: the ORM took five for it.
CANDIDATES = """
WITH held AS (
  SELECT person_id FROM persons_personidentifier
  WHERE index = ANY(%(documents)s::bytea[]) OR index_next = ANY(%(documents)s::bytea[])
  LIMIT %(most)s
), alike AS (
  SELECT d.person_id FROM persons_persondemographics d
  JOIN persons_person p ON p.id = d.person_id AND p.status <> ALL(%(over)s)
  WHERE d.name_key = %(name_key)s AND d.birth_date = %(birth_date)s
  LIMIT %(most)s
)
SELECT d.person_id, d.name_key, d.sex, d.birth_date, h.person_id IS NOT NULL,
       h.person_id IS NULL AND EXISTS (
         SELECT FROM persons_personidentifier i
         WHERE i.person_id = d.person_id AND i.kind = %(kind)s
       ),
       EXISTS (
         SELECT FROM persons_personidentifier i
         WHERE i.person_id = d.person_id
           AND (i.index = ANY(%(phones)s::bytea[]) OR i.index_next = ANY(%(phones)s::bytea[]))
       )
FROM (SELECT person_id FROM held UNION SELECT person_id FROM alike) found
JOIN persons_persondemographics d USING (person_id)
LEFT JOIN (SELECT DISTINCT person_id FROM held) h USING (person_id)
WHERE d.person_id IS DISTINCT FROM %(but_not)s::uuid
ORDER BY d.person_id
"""


def live_links() -> QuerySet[IdentityLink]:
    """Links that hold now."""
    return IdentityLink.objects.filter(status__in=LIVE)


def live_link(registration_id: UUID) -> IdentityLink | None:
    """The link of a registration that holds now."""
    return live_links().filter(registration_id=registration_id).first()


def survivor_of(person_id: UUID) -> UUID:
    """The person that stands for this one after merges."""
    return (
        Person.objects.filter(pk=person_id, survivor__isnull=False)
        .values_list("survivor_id", flat=True)
        .first()
    ) or person_id


def person_of_registration(registration_id: UUID) -> UUID | None:
    """The person of a registration, merges resolved."""
    link = live_link(registration_id)
    return survivor_of(link.person_id) if link else None


def same_person(person_id: UUID) -> list[UUID]:
    """Ids that stand for this person: the survivor and all merged into it; empty when unknown."""
    survivor = survivor_of(person_id)
    found = Person.objects.filter(Q(pk=survivor) | Q(survivor_id=survivor))
    return list(found.values_list("id", flat=True))


def links_of_person(person_id: UUID) -> list[IdentityLink]:
    """The live links of a person and of all merged into it."""
    return list(live_links().filter(person_id__in=same_person(person_id)).order_by("id"))


def candidates_for(
    *,
    document: tuple[str, str] | None,
    name_key: str,
    birth_date: date | None,
    phones: Collection[str],
    but_not: UUID | None = None,
) -> list[Candidate]:
    """Persons who may be meant; the numbers are compared as keyed hashes."""
    asked = {
        "kind": document[0] if document else None,
        "documents": hashes_of([document]) if document else [],
        "phones": hashes_of((PHONE, phone) for phone in phones),
        "name_key": name_key or None,
        "birth_date": birth_date,
        "but_not": but_not,
        "over": [Status.VOID, Status.MERGED],
        "most": MOST_CANDIDATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, asked)
        return [Candidate(*row) for row in cursor.fetchall()]


def holder_of(kind: str, number: str) -> UUID | None:
    """The person who undisputedly holds this document."""
    found = _bearing([(kind, number)]).filter(disputed=False)
    return found.values_list("person_id", flat=True).first()


def bears(person_id: UUID, kind: str, number: str) -> bool | None:
    """Whether the person has this document; None when the person has none of its kind."""
    own = PersonIdentifier.objects.filter(person_id=person_id, kind=kind)
    if not own.exists():
        return None
    return _bearing([(kind, number)]).filter(person_id=person_id).exists()


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
