"""Opening a record in an emergency, at the doctor's city, and telling the person, at the hub."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kernel import crypto
from kernel.access.rules import Fact
from kernel.access.services import authorise_write
from kernel.actor import Actor, Purpose
from kernel.events import services as events
from kernel.events.errors import NotYet
from kernel.homes import uuid7
from kernel.postgres import locks
from registry.emergency_access import selectors
from registry.emergency_access.errors import WordsMissing
from registry.emergency_access.models import EmergencyAccess
from registry.emergency_access.rules import is_explained
from registry.emergency_access.states import EmergencyReason
from registry.organisations.selectors import organisation_names
from registry.persons.selectors import person_of_registration, same_person
from registry.residents.selectors import phones_of_persons
from registry.sms import services as sms

OPEN = "emergency_access.open"
OPENED = "emergency_access.opened"
TEMPLATE = "emergency-access"
TOLD_WITHIN = timedelta(days=3)
"""A notice that no gateway took in this time is let go; the access log keeps what happened."""


@transaction.atomic
def open_record(
    *, registration_id: UUID, organisation_id: UUID, reason: EmergencyReason, words: str, by: Actor
) -> EmergencyAccess:
    """Let a doctor see the record of this patient for a while; what is open already stays as it is.

    WordsMissing; Refused for whoever may never do this.
    """
    if not is_explained(words):
        raise WordsMissing
    locks.hold([f"emergency access {by.id} {registration_id}"])
    held = selectors.open_accesses(by, [registration_id]).first()
    id_ = held.id if held else uuid7()
    authorise_write(
        replace(by, purpose=Purpose.BREAK_GLASS), OPEN,
        facts={Fact.AUTHENTICATED, Fact.EMERGENCY_STATED}, registration_id=registration_id,
        resource_type="EmergencyAccess", resource_id=id_,
    )  # fmt: skip
    if held:
        return held
    now = timezone.now()
    return EmergencyAccess.objects.create(
        id=id_, organisation_id=organisation_id, account_id=by.id,
        registration_id=registration_id, reason=reason,
        sealed=crypto.seal(words.strip().encode(), context=_context(id_)),
        event_id=events.record(OPENED, subject_id=id_, related=[registration_id], by=by),
        starts_at=now, ends_at=now + timedelta(minutes=settings.EMERGENCY_ACCESS_MINUTES),
    )  # fmt: skip


def words_of(access: EmergencyAccess) -> str:
    """What the doctor said about the emergency."""
    return crypto.open_sealed(access.sealed, node=access.node, context=_context(access.id)).decode()


@transaction.atomic
def tell_person(access_id: UUID) -> int:
    """At the hub: write a text message to every phone of the person; how many.

    NotYet while the row, or the link of its registration, has not arrived.
    """
    access = selectors.emergency_access(access_id)
    person_id = person_of_registration(access.registration_id) if access else None
    if access is None or person_id is None:
        raise NotYet
    hospital = organisation_names([access.organisation_id]).get(access.organisation_id, "")
    at = timezone.localtime(access.starts_at).strftime("%Y-%m-%d %H:%M")
    phones = phones_of_persons(same_person(person_id)) if settings.SMS_ADAPTER else []
    for phone in phones:
        sms.send(
            phone=phone, template=TEMPLATE, parameters={"hospital": hospital, "time": at},
            expires_at=timezone.now() + TOLD_WITHIN,
        )  # fmt: skip
    return len(phones)


def _context(access_id: UUID) -> bytes:
    return crypto.context_of("emergency_access.EmergencyAccess.sealed", access_id)
