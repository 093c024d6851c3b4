"""Giving and withdrawing consents, at the hub."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kernel.access.errors import NotVisible
from kernel.postgres import locks
from kernel.transitions import require_transition
from registry.consents import selectors
from registry.consents.errors import GivenAlready, PeriodUnfit
from registry.consents.models import Consent
from registry.consents.rules import fits
from registry.consents.states import TRANSITIONS, Status
from registry.organisations.models import Organisation


@transaction.atomic
def give(
    *, person_id: UUID, same: Collection[UUID], organisation: Organisation, ends_at: datetime,
    by: UUID,
) -> Consent:  # fmt: skip
    """Let an organisation see the record from now on; `same` are all ids of the person.

    PeriodUnfit, or GivenAlready when a consent to the same organisation still holds.
    """
    now = timezone.now()
    if not fits(now, ends_at, longest=timedelta(days=settings.CONSENT_DAYS)):
        raise PeriodUnfit(facts={"longest_days": settings.CONSENT_DAYS})
    locks.hold([f"consent {person_id} {organisation.id}"])
    if selectors.live_consents(same, organisation.id, now).exists():
        raise GivenAlready
    return Consent.objects.create(
        person_id=person_id, organisation=organisation, starts_at=now, ends_at=ends_at, given_by=by,
        audience=[organisation.node],
    )  # fmt: skip


@transaction.atomic
def withdraw(*, consent_id: UUID, same: Collection[UUID]) -> Consent:
    """End a consent of this person at once; NotVisible when it is none of theirs."""
    consent = selectors.consents_of(same).select_for_update().filter(pk=consent_id).first()
    if consent is None:
        raise NotVisible
    require_transition(TRANSITIONS, current=consent.status, target=Status.INACTIVE)
    consent.status, consent.withdrawn_at = Status.INACTIVE, timezone.now()
    consent.save(update_fields=["status", "withdrawn_at"])
    return consent
