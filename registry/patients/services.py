"""Writing registrations, in the city of their hospital."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from kernel.actor import Actor
from kernel.crypto import blind_index, blind_index_next, blind_indexes_of, blind_indexes_of_next
from kernel.events import services as events
from kernel.homes import uuid7
from registry.patients.models import PatientRegistration, RegistrationVersion
from registry.patients.rules import (
    RegistrationFacts,
    indexed_identity,
    indexed_phone,
    searched_numbers,
    with_name,
)
from registry.patients.sealing import seal_facts

RECORDED, CHANGED = "registration.recorded", "registration.changed"


def locked_registration(*, organisation_id: UUID, local_id: str) -> PatientRegistration | None:
    """The registration of that number, held until the end of the caller's transaction."""
    found = PatientRegistration.objects.select_for_update(of=("self",), no_key=True)
    return found.filter(organisation_id=organisation_id, local_id=local_id).first()


@transaction.atomic
def record_registration(
    *,
    organisation_id: UUID,
    local_id: str,
    facts: RegistrationFacts,
    digest: bytes,
    at: datetime,
    by: Actor,
    message_id: UUID | None = None,
    registration_id: UUID | None = None,
    source_key: str = "",
) -> PatientRegistration:
    """Record what a hospital says about a patient, as a new version.

    `digest` is of everything that was said, also of what has no column here; `source_key` is the id
    under which it was said.
    """
    old = locked_registration(organisation_id=organisation_id, local_id=local_id)
    row = old or PatientRegistration(
        id=registration_id or uuid7(),
        organisation_id=organisation_id,
        local_id=local_id,
        recorded_at=at,
        version=0,
    )
    row.name, row.sex, row.birth_date = facts.name, facts.sex, facts.birth_date
    row.sealed = seal_facts(row.id, facts)
    _index(row, facts)
    row.source_keys = with_name(row.source_keys, source_key)
    row.digest, row.version, row.changed_at, row.deleted = digest, row.version + 1, at, False
    row.save(force_insert=old is None)
    RegistrationVersion.objects.create(
        registration=row,
        version=row.version,
        name=row.name,
        sex=row.sex,
        birth_date=row.birth_date,
        sealed=row.sealed,
        message_id=message_id,
        recorded_at=at,
    )
    events.record(CHANGED if old else RECORDED, subject_id=row.id, by=by)
    return row


@transaction.atomic
def keep_name(*, registration_id: UUID, source_key: str) -> None:
    """Remember another id by which the hospital's messages call a registration; no new version."""
    row = PatientRegistration.objects.select_for_update(of=("self",), no_key=True)
    known = row.get(pk=registration_id)
    names = with_name(known.source_keys, source_key)
    if names != known.source_keys:
        known.source_keys = names
        known.save(update_fields=["source_keys"])


@transaction.atomic
def withdraw_registration(
    *, registration_id: UUID, digest: bytes, at: datetime, by: Actor
) -> PatientRegistration:
    """Mark a registration as recorded in error, as a new version; what it said stays.

    At the hub its link to a person ends.
    """
    row = PatientRegistration.objects.select_for_update(of=("self",)).get(pk=registration_id)
    row.digest, row.version, row.changed_at, row.deleted = digest, row.version + 1, at, True
    row.save(update_fields=["digest", "version", "changed_at", "deleted"])
    events.record(CHANGED, subject_id=row.id, by=by)
    return row


def _index(row: PatientRegistration, facts: RegistrationFacts) -> None:
    row.identity_index = row.identity_index_next = row.phone_index = row.phone_index_next = None
    if identity := indexed_identity(facts):
        row.identity_index = blind_index("identity", identity)
        row.identity_index_next = blind_index_next("identity", identity)
    if phone := indexed_phone(facts):
        row.phone_index = blind_index("phone", phone)
        row.phone_index_next = blind_index_next("phone", phone)
    numbers = searched_numbers(facts)
    row.number_indexes = blind_indexes_of("number", numbers)
    row.number_indexes_next = blind_indexes_of_next("number", numbers)
