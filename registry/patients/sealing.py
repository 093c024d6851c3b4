"""Documents and phones of a registration, sealed as `{pointer: value}`."""

from uuid import UUID

import orjson

from kernel import crypto
from registry.patients.models import PatientRegistration
from registry.patients.rules import (
    RegistrationFacts,
    indexed_identity,
    indexed_phone,
    searched_numbers,
)


def context_of(registration_id: UUID) -> bytes:
    """What the ciphertext is bound to, in the registration and in its versions."""
    return crypto.context_of("patients.PatientRegistration.sealed", registration_id)


def seal_facts(registration_id: UUID, facts: RegistrationFacts) -> bytes | None:
    """The sealed numbers of a registration; None when it has none."""
    values = {
        f"/documents/{kind}/{place}": number for place, (kind, number) in enumerate(facts.documents)
    }
    values |= {f"/phones/{place}": phone for place, phone in enumerate(facts.phones)}
    values |= {
        f"/identifiers/{place}/{part}": text
        for place, pair in enumerate(facts.identifiers)
        for part, text in zip(("system", "value"), pair, strict=True)
    }
    if not values:
        return None
    return crypto.seal(orjson.dumps(values), context=context_of(registration_id))


def facts_of(registration: PatientRegistration) -> RegistrationFacts:
    """What the hospital said, with the sealed numbers opened."""
    documents: list[tuple[str, str]] = []
    phones: list[str] = []
    identifiers: dict[str, dict[str, str]] = {}
    if registration.sealed is not None:
        opened = crypto.open_sealed(
            registration.sealed, node=registration.node, context=context_of(registration.id)
        )
        for pointer, value in orjson.loads(opened).items():
            _, group, *rest = pointer.split("/")
            if group == "documents":
                documents.append((rest[0], value))
            elif group == "identifiers":
                identifiers.setdefault(rest[0], {})[rest[1]] = value
            else:
                phones.append(value)
    return RegistrationFacts(
        registration.name,
        registration.sex,
        registration.birth_date,
        tuple(documents),
        tuple(phones),
        tuple((one["system"], one["value"]) for one in identifiers.values()),
    )


def identity_to_index(registration: PatientRegistration) -> str | None:
    """What `identity_index` is the keyed hash of."""
    return indexed_identity(facts_of(registration))


def numbers_to_index(registration: PatientRegistration) -> list[str]:
    """What `number_indexes` are the keyed hashes of."""
    return searched_numbers(facts_of(registration))


def phone_to_index(registration: PatientRegistration) -> str | None:
    """What `phone_index` is the keyed hash of."""
    return indexed_phone(facts_of(registration))
