"""Numbers of persons at the hub: sealed, and as keyed hashes."""

from collections.abc import Iterable
from uuid import UUID

import orjson

from kernel import crypto
from registry.patients.rules import RegistrationFacts, identity_text
from registry.persons.models import PersonIdentifier

INDEX = "person-identifier"
PHONE = "phone"


def number_text(kind: str, number: str) -> str:
    """What the keyed hash is made of."""
    return f"{PHONE}:{number}" if kind == PHONE else identity_text(kind, number)


def hashes_of(numbers: Iterable[tuple[str, str]]) -> list[bytes]:
    """Every hash under which one of the (kind, number) may be found now."""
    return [each for number in numbers for each in hashes_of_one(*number)]


def hashes_of_one(kind: str, number: str) -> list[bytes]:
    """Every hash under which a number may be found now."""
    return crypto.blind_indexes(INDEX, number_text(kind, number))


def identifier_of(person_id: UUID, kind: str, number: str, *, disputed: bool) -> PersonIdentifier:
    """The row, not yet stored, of a person's number."""
    row = PersonIdentifier(person_id=person_id, kind=kind, disputed=disputed)
    text = number_text(kind, number)
    row.index = crypto.blind_index(INDEX, text)
    row.index_next = crypto.blind_index_next(INDEX, text)
    context = crypto.context_of("persons.PersonIdentifier.sealed", row.id)
    row.sealed = crypto.seal(number.encode(), context=context)
    return row


def identifier_to_index(row: PersonIdentifier) -> str:
    """What `index` of a stored row is the keyed hash of."""
    context = crypto.context_of("persons.PersonIdentifier.sealed", row.id)
    return number_text(row.kind, crypto.open_sealed(row.sealed, context=context).decode())


def seal_numbers(demographics_id: UUID, facts: RegistrationFacts) -> bytes:
    """Documents and phones as the registration has them, for `PersonDemographics.sealed`."""
    return crypto.seal(
        orjson.dumps({"documents": facts.documents, "phones": facts.phones}),
        context=crypto.context_of("persons.PersonDemographics.sealed", demographics_id),
    )
