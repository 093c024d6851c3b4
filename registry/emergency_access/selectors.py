"""Reading emergency accesses."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from kernel.actor import Actor
from registry.emergency_access.models import EmergencyAccess


def open_accesses(actor: Actor, registration_ids: Collection[UUID]) -> QuerySet[EmergencyAccess]:
    """Those by which somebody sees these registrations now, the one that lasts longest first."""
    now = timezone.now()
    return EmergencyAccess.objects.filter(
        account_id=actor.id,
        registration_id__in=registration_ids,
        starts_at__lte=now,
        ends_at__gt=now,
    ).order_by("-ends_at")


def emergency_access(access_id: UUID) -> EmergencyAccess | None:
    """One access by id, of whatever city."""
    return EmergencyAccess.objects.filter(pk=access_id).first()
