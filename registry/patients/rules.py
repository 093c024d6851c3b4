"""What a hospital says about a patient, and which documents identify one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from registry.identity_documents import citizen_number_of

MOST_NAMES = 100
"""Ids of a registration that are remembered: some systems make new ones for every message."""

CITIZEN, PASSPORT, HOME_RETURN, TAIWAN = "01", "03", "06", "07"
"""Identity document types of CV02.01.101 (身份证件类别代码) whose number identifies a person."""

FORMS: Mapping[str, re.Pattern[str]] = {
    PASSPORT: re.compile(r"[A-Z0-9]{5,17}"),
    HOME_RETURN: re.compile(r"[HM]\d{8,10}"),
    TAIWAN: re.compile(r"\d{8}|\d{10}"),
}


@dataclass(frozen=True, slots=True)
class RegistrationFacts:
    """A patient in the words of one hospital; numbers as they were sent.

    `documents` are (type, number); a type outside the table is kept and identifies nobody.
    `identifiers` are all (system, value), by which the patient may be searched.
    """

    name: str = ""
    sex: str = ""
    birth_date: date | None = None
    documents: tuple[tuple[str, str], ...] = ()
    phones: tuple[str, ...] = field(default=())
    identifiers: tuple[tuple[str, str], ...] = ()


def with_name(names: Sequence[str], name: str) -> list[str]:
    """The names with another one, without the oldest when there are too many."""
    if not name or name in names:
        return list(names)
    return [*names, name][-MOST_NAMES:]


def identifying_number(kind: str, number: str) -> str | None:
    """The number in its one form, or None when it does not identify anybody."""
    if kind == CITIZEN:
        return citizen_number_of(number)
    form = FORMS.get(kind)
    plain = "".join(number.split()).upper()
    return plain if form and form.fullmatch(plain) else None


def identity_of(facts: RegistrationFacts) -> tuple[str, str] | None:
    """The strongest valid document, as (type, number in its one form)."""
    valid = [
        (kind, plain)
        for kind, number in facts.documents
        if (plain := identifying_number(kind, number)) is not None
    ]
    return min(valid, default=None)


def identity_text(kind: str, number: str) -> str:
    """A valid document in one text, for a keyed hash."""
    return number if kind == CITIZEN else f"{kind}/{number}"


def normalise_phone(text: str) -> str:
    """The digits of a phone number, without the code of the country."""
    digits = "".join(character for character in text if character.isdigit())
    if digits.startswith("0086"):
        return digits[4:]
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def indexed_identity(facts: RegistrationFacts) -> str | None:
    """What the keyed hash of the strongest document is made of."""
    identity = identity_of(facts)
    return identity_text(*identity) if identity else None


def searched_numbers(facts: RegistrationFacts) -> list[str]:
    """The texts of which every identifier and phone leaves keyed hashes to be searched by."""
    texts: dict[str, None] = {}
    for system, value in facts.identifiers:
        texts |= dict.fromkeys((number_text(value, system), number_text(value)))
    texts |= {phone_text(phone): None for phone in facts.phones}
    return list(texts)


def number_text(value: str, system: str | None = None) -> str:
    """An identifier in one text for a keyed hash, whatever its system where none is given."""
    plain = citizen_number_of(value) or value
    return f"={plain}" if system is None else f"{system}|{plain}"


def phone_text(phone: str) -> str:
    """A phone number in one text for a keyed hash."""
    return f"phone={normalise_phone(phone)}"


def indexed_phone(facts: RegistrationFacts) -> str | None:
    """What the keyed hash of the first phone is made of."""
    return next(map(normalise_phone, facts.phones), "") or None
