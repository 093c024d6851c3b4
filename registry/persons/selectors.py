"""Reading persons and their links."""

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from django.db.models import Q, QuerySet

from registry.persons.matching import Candidate
from registry.persons.models import IdentityLink, Person, PersonDemographics, PersonIdentifier
from registry.persons.sealing import PHONE, hashes_of
from registry.persons.states import LIVE, Status

MOST_CANDIDATES = 64


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
    holders = _holders(document[0], document[1]) if document else set()
    alike = _alike(name_key, birth_date)
    ids = (holders | alike) - {but_not}
    if not ids:
        return []
    reached = _bearing((PHONE, phone) for phone in phones).filter(person_id__in=ids)
    callers = set(reached.values_list("person_id", flat=True))
    others: set[UUID] = set()
    if document:
        others = (
            set(
                PersonIdentifier.objects.filter(person_id__in=ids, kind=document[0]).values_list(
                    "person_id", flat=True
                )
            )
            - holders
        )
    return [
        Candidate(
            person_id=row.person_id,
            name_key=row.name_key,
            sex=row.sex,
            birth_date=row.birth_date,
            same_document=row.person_id in holders,
            other_document=row.person_id in others,
            same_phone=row.person_id in callers,
        )
        for row in PersonDemographics.objects.filter(person_id__in=ids).order_by("person_id")
    ]


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


def _holders(kind: str, number: str) -> set[UUID]:
    found = _bearing([(kind, number)])
    return set(found.values_list("person_id", flat=True)[:MOST_CANDIDATES])


def _alike(name_key: str, birth_date: date | None) -> set[UUID]:
    if not name_key or birth_date is None:
        return set()
    found = PersonDemographics.objects.filter(name_key=name_key, birth_date=birth_date).exclude(
        person__status__in=[Status.VOID, Status.MERGED]
    )
    return set(found.values_list("person_id", flat=True)[:MOST_CANDIDATES])


def _bearing(numbers: Iterable[tuple[str, str]]) -> QuerySet[PersonIdentifier]:
    hashes = hashes_of(numbers)
    return PersonIdentifier.objects.filter(Q(index__in=hashes) | Q(index_next__in=hashes))
