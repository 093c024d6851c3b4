"""Reading registrations."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Collate, Lower

from kernel.crypto import blind_indexes, comparable
from kernel.postgres import prepared
from registry.patients.models import PatientRegistration
from registry.patients.rules import number_text, searched_numbers
from registry.patients.sealing import facts_of

Identifier = tuple[str, str]
LAST_CHARACTER = "\U0010ffff"

CLAIMED = ("id", "node", "name", "sex", "birth_date", "sealed", "version", "deleted")
"""What says whose a registration is, in the order of the model's columns."""

CLAIMS = f"""
SELECT {", ".join(CLAIMED)} FROM patients_patientregistration
WHERE node = %s AND id = ANY(%s::uuid[])
"""  # noqa: S608


def registrations_of_hospital(organisation_id: UUID) -> QuerySet[PatientRegistration]:
    """The registrations of one hospital."""
    return PatientRegistration.objects.filter(organisation_id=organisation_id)


def registration(registration_id: UUID) -> PatientRegistration | None:
    """One registration by id."""
    return PatientRegistration.objects.filter(pk=registration_id).first()


def claims_of(
    node: str, ids: Sequence[UUID], *after: prepared.Statement
) -> list[PatientRegistration]:
    """Registrations of one city, with the columns of `CLAIMED` only.

    They are looked up `after` the given statements are done, which may wait.
    """
    with connection.cursor() as cursor:
        prepared.execute_in_turn(cursor, *after, (CLAIMS, [node, list(ids)]))
        rows = cursor.fetchall()
    return [PatientRegistration.from_db(connection.alias, CLAIMED, row) for row in rows]


def ids_by_local_id(organisation_id: UUID, local_ids: Iterable[str]) -> dict[str, UUID]:
    """Ids of a hospital's registrations by its own patient numbers."""
    found = registrations_of_hospital(organisation_id).filter(local_id__in=set(local_ids))
    return dict(found.values_list("local_id", "id"))


def ids_by_identifier(
    organisation_id: UUID, identifiers: Iterable[Identifier]
) -> dict[Identifier, list[UUID]]:
    """A hospital's registrations that bear each (system, value); the system may be none ("")."""
    meant: dict[bytes, list[Identifier]] = defaultdict(list)
    for system, value in identifiers:
        for hashed in number_hashes(number_text(value, system)):
            meant[hashed].append((system, value))
    found: dict[Identifier, set[UUID]] = defaultdict(set)
    hashes = list(meant)
    bearing = Q(number_indexes__overlap=hashes) | Q(number_indexes_next__overlap=hashes)
    rows = registrations_of_hospital(organisation_id).filter(bearing, deleted=False)
    for id_, *indexes in rows.values_list("id", "number_indexes", "number_indexes_next"):
        for hashed in (bytes(one) for listed in indexes for one in listed or ()):
            for identifier in meant.get(hashed, ()):
                found[identifier].add(id_)
    return {identifier: sorted(ids) for identifier, ids in found.items()}


def number_hashes(text: str) -> list[bytes]:
    """Every keyed hash under which this node may hold one of the texts of `searched_numbers`."""
    return blind_indexes("number", text)


def bearing(candidates: Iterable[PatientRegistration], text: str) -> list[UUID]:
    """Those of the registrations whose opened numbers hold one of the texts of `searched_numbers`."""
    wanted = comparable(text)
    return [
        one.id for one in candidates
        if wanted in map(comparable, searched_numbers(facts_of(one)))
    ]  # fmt: skip


def patients_found(text: str, *, organisation_id: UUID, most: int) -> list[PatientRegistration]:
    """A hospital's patients who bear a number in full, or whose patient number or name so begins.

    Other numbers are kept as keyed hashes, so no part of one is found. The surest first.
    """
    own = registrations_of_hospital(organisation_id).filter(deleted=False)
    ways = (
        own.filter(_bearing(text)).order_by("local_id"),
        # The index is in the order of code points, in which no prefix is known to the planner.
        own.filter(local_id__gte=text, local_id__lt=text + LAST_CHARACTER).order_by("local_id"),
        own.alias(key=Collate(Lower("name"), "C"))
        .filter(key__startswith=text.lower())
        .order_by("key", "local_id"),
    )
    found: dict[UUID, PatientRegistration] = {}
    for way in ways:
        found |= {one.id: one for one in way[:most] if one.id not in found}
    return list(found.values())[:most]


def patients_elsewhere(text: str, *, organisation_id: UUID, most: int) -> list[UUID]:
    """Registrations of other hospitals of this city that bear a number in full."""
    others = PatientRegistration.objects.exclude(organisation_id=organisation_id)
    found = others.filter(_bearing(text), deleted=False).order_by("-changed_at")
    return list(found.values_list("id", flat=True)[:most])


def _bearing(number: str) -> Q:
    hashes = number_hashes(number_text(number))
    return Q(number_indexes__overlap=hashes) | Q(number_indexes_next__overlap=hashes)


def ids_at_hospital(organisation_id: UUID, ids: Iterable[UUID]) -> list[UUID]:
    """Those of the registrations that are a hospital's own."""
    found = registrations_of_hospital(organisation_id).filter(pk__in=list(ids))
    return list(found.values_list("id", flat=True))
