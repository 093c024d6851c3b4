"""Reading consents."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from registry.consents.models import Consent
from registry.consents.states import Status


def consents_of(person_ids: Collection[UUID]) -> QuerySet[Consent]:
    """All consents of somebody who is known under these ids, the latest first."""
    return Consent.objects.filter(person_id__in=person_ids).order_by("-id")


def live_consents(
    person_ids: Collection[UUID], organisation_id: UUID, at: datetime
) -> QuerySet[Consent]:
    """Those by which an organisation may see the record at a time."""
    return consents_of(person_ids).filter(
        organisation_id=organisation_id, status=Status.ACTIVE, starts_at__lte=at, ends_at__gt=at
    )
