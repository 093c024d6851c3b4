"""Writing registrations, in the city of their hospital."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from kernel.actor import Actor
from kernel.crypto import blind_index, blind_index_next, blind_indexes_of, blind_indexes_of_next
from kernel.events import services as events
from kernel.homes import uuid7
from kernel.postgres import prepared
from kernel.postgres.inserting import insert_rows
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
STAYS = ("id", "organisation_id", "local_id", "recorded_at")
CHANGES = (
    "source_keys", "name", "sex", "birth_date", "sealed", "identity_index", "identity_index_next",
    "phone_index", "phone_index_next", "number_indexes", "number_indexes_next", "digest", "version",
    "changed_at", "deleted",
)  # fmt: skip
COLUMNS = [column.attname for column in PatientRegistration._meta.concrete_fields]
LOCKED = f"""
SELECT {", ".join(COLUMNS)} FROM patients_patientregistration
WHERE organisation_id = %s AND local_id = ANY(%s::text[])
ORDER BY local_id FOR NO KEY UPDATE
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Statement:
    """What a hospital says about the patient with this local number of its own.

    `facts` make a new version; `deleted` says that the registration was an error; with neither, only
    the id under which it was said, `source_key`, is remembered. `digest` is of everything that was
    said, also of what has no column here. A patient unknown so far has facts, and gets
    `registration_id`.
    """

    local_id: str
    facts: RegistrationFacts | None = None
    digest: bytes = b""
    source_key: str = ""
    deleted: bool = False
    registration_id: UUID = field(default_factory=uuid7)


@transaction.atomic(savepoint=False)
def record_registrations(
    statements: Sequence[Statement],
    *,
    organisation_id: UUID,
    at: datetime,
    by: Actor,
    message_id: UUID | None = None,
) -> list[PatientRegistration]:
    """Record what a hospital says about patients, each named once; their registrations, in that order.

    What one said stays when it is deleted; at the hub its link to a person ends.
    """
    known = _locked(organisation_id, [one.local_id for one in statements])
    rows, versions, news = [], [], []
    for one in statements:
        if one.facts is None:
            row = known[one.local_id]
        else:
            row = known.get(one.local_id) or PatientRegistration(
                id=one.registration_id, organisation_id=organisation_id, local_id=one.local_id,
                recorded_at=at, version=0,
            )  # fmt: skip
            _take_over(row, one.facts)
        rows.append(row)
        if not one.deleted:
            row.source_keys = with_name(row.source_keys, one.source_key)
        if one.facts is not None or one.deleted:
            row.digest, row.version, row.changed_at = one.digest, row.version + 1, at
            row.deleted = one.deleted
            news.append(events.NewEvent(CHANGED if one.local_id in known else RECORDED, row.id))
        if one.facts is not None:
            versions.append(_version(row, message_id))
    columns = (*STAYS, *CHANGES)
    insert_rows(
        PatientRegistration,
        [{name: getattr(row, name) for name in columns} for row in rows],
        known=CHANGES,
    )
    insert_rows(RegistrationVersion, versions)
    events.record_all(news, by=by)
    return rows


def _locked(organisation_id: UUID, local_ids: Iterable[str]) -> dict[str, PatientRegistration]:
    """Registrations by number, held until the end of the transaction; locked in order of number."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, LOCKED, [organisation_id, list(local_ids)])
        found = [
            PatientRegistration.from_db(connection.alias, COLUMNS, row) for row in cursor.fetchall()
        ]
    return {row.local_id: row for row in found}


def _take_over(row: PatientRegistration, facts: RegistrationFacts) -> None:
    row.name, row.sex, row.birth_date = facts.name, facts.sex, facts.birth_date
    row.sealed = seal_facts(row.id, facts)
    _index(row, facts)


def _version(row: PatientRegistration, message_id: UUID | None) -> dict[str, Any]:
    return {
        "id": uuid7(), "registration_id": row.id, "version": row.version, "name": row.name,
        "sex": row.sex, "birth_date": row.birth_date, "sealed": row.sealed,
        "message_id": message_id, "recorded_at": row.changed_at,
    }  # fmt: skip


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
