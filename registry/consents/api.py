"""Whom I let see my record."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from kernel.access.services import authorise, authorise_write
from kernel.http import NO_NUL, SignedInRequest
from registry.consents import selectors, services
from registry.consents.models import Consent
from registry.consents.rules import holds
from registry.cursors import cursor_of, id_in, page_of
from registry.organisations.selectors import organisation_by_code, organisations_by_id
from registry.persons.selectors import facts_of_own, same_person, survivor_of

router = Router(tags=["consents"])

MOST_LISTED = 200


class ConsentIn(Schema):
    """An organisation, by registration number, and until when it may see the record."""

    organisation: str = Field(max_length=64, pattern=NO_NUL)
    ends_at: datetime


class ConsentOut(Schema):
    """A consent; `holds` says whether the organisation may see the record by it now."""

    id: UUID
    organisation: str
    organisation_name: str
    status: str
    holds: bool
    starts_at: datetime
    ends_at: datetime
    withdrawn_at: datetime | None


class ConsentPage(Schema):
    """A page, the latest first."""

    items: list[ConsentOut]
    next: str | None


class Page(Schema):
    """Where to go on reading, and how much at once."""

    cursor: str | None = None
    limit: int = 50


@router.get("/persons/{uuid:person_id}/consents", response=ConsentPage)
def consents(request: SignedInRequest, person_id: UUID, wanted: Query[Page]) -> dict[str, object]:
    """Every consent that the person gave, also what is over."""
    authorise(
        request.auth, "consent.read", facts=facts_of_own(request.auth, person_id), person_id=person_id,
        resource_type="Consent",
    )  # fmt: skip
    found = selectors.consents_of(same_person(person_id))
    if wanted.cursor:
        found = found.filter(id__lt=id_in(wanted.cursor))
    rows, more = page_of(found, wanted.limit, most=MOST_LISTED)
    return {"items": _told(rows), "next": cursor_of(rows[-1].id) if more else None}


@router.post("/persons/{uuid:person_id}/consents", response={201: ConsentOut})
def give(
    request: SignedInRequest, person_id: UUID, payload: ConsentIn
) -> Status[dict[str, object]]:
    """Let an organisation see the record until a day."""
    with transaction.atomic():
        authorise_write(
            request.auth, "consent.write", facts=facts_of_own(request.auth, person_id),
            person_id=person_id, resource_type="Consent",
        )  # fmt: skip
        made = services.give(
            person_id=survivor_of(person_id), same=same_person(person_id), by=request.auth.id,
            organisation=organisation_by_code(payload.organisation), ends_at=payload.ends_at,
        )  # fmt: skip
    return Status(201, _told([made])[0])


@router.post(
    "/persons/{uuid:person_id}/consents/{uuid:consent_id}/withdraw", response=ConsentOut
)  # fmt: skip
def withdraw(request: SignedInRequest, person_id: UUID, consent_id: UUID) -> dict[str, object]:
    """Take a consent back, at once."""
    with transaction.atomic():
        authorise_write(
            request.auth, "consent.write", facts=facts_of_own(request.auth, person_id),
            person_id=person_id, resource_type="Consent", resource_id=consent_id,
        )  # fmt: skip
        ended = services.withdraw(consent_id=consent_id, same=same_person(person_id))
    return _told([ended])[0]


def _told(rows: Iterable[Consent]) -> list[dict[str, object]]:
    listed = list(rows)
    organisations = organisations_by_id(one.organisation_id for one in listed)
    now = timezone.now()
    return [
        {
            "id": one.id,
            "organisation": organisations[one.organisation_id].code,
            "organisation_name": organisations[one.organisation_id].name,
            "status": one.status,
            "holds": holds(one.status, one.starts_at, one.ends_at, now),
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
            "withdrawn_at": one.withdrawn_at,
        }
        for one in listed
    ]
