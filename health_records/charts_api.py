"""What a doctor does on the workbench: find a patient, open one, open one in an emergency."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from ninja import Field, Query, Router, Schema, Status
from pydantic import StringConstraints

from health_records import charts
from health_records.api import NodeName, TimelineEntry, TimelineFilter
from health_records.timeline_page import Asked
from kernel.http import NO_NUL, SignedInRequest
from registry.emergency_access.models import EmergencyAccess
from registry.emergency_access.rules import MOST_CHARACTERS
from registry.emergency_access.states import EmergencyReason

router = Router(tags=["workbench"])


class PatientsAsked(Schema):
    """What a patient is looked up by: the beginning of a name or patient number, or a whole number.

    It travels in the body, so that no log keeps it.
    """

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=NO_NUL)
    ]


class PatientFound(Schema):
    """A patient of the own hospital; name and document masked, sex as GB/T 2261.1."""

    id: UUID
    name: str
    sex: str
    birth_date: date | None
    local_id: str
    document: str


class PatientsFound(Schema):
    """The surest first; `elsewhere` bears the citizen number asked for at another hospital of the city."""

    items: list[PatientFound]
    more: bool
    elsewhere: UUID | None


class PatientOut(Schema):
    """Who a patient is; `link` is the state of the link to the master patient index, or `none`.

    `basis` is why the doctor may look: `treatment_relationship`, `consent` or `emergency_access`, the last
    `until` a time. `document_type` is a code of CV02.01.101.
    """

    registration: UUID
    person: UUID | None
    name: str
    sex: str
    birth_date: date | None
    local_id: str
    hospital: str
    is_own: bool
    document: str
    document_type: str
    link: str
    basis: str
    until: datetime | None


class RecordPage(Schema):
    """A page of the record, newest first; the allergies come with the first page.

    `missing` is empty when it is of all hospitals; `hub-away` or `not-known-yet` (the hub has not heard of
    the reason for which this doctor may look) when it is this city's part alone.
    """

    items: list[TimelineEntry]
    allergies: list[TimelineEntry]
    next: str | None
    unheard: list[NodeName]
    missing: str


class EmergencyIn(Schema):
    """Why a record is opened in an emergency: a reason from the list, and words."""

    reason: EmergencyReason
    words: str = Field(max_length=MOST_CHARACTERS, pattern=NO_NUL)


class EmergencyOut(Schema):
    """Until when the doctor sees the record."""

    id: UUID
    ends_at: datetime


@router.post("/patients/search", response=PatientsFound)
def search(request: SignedInRequest, payload: PatientsAsked) -> dict[str, object]:
    """Find patients registered at the own hospital."""
    return charts.search(payload.text, request.auth)


@router.get("/patients/{uuid:registration_id}", response=PatientOut)
def overview(request: SignedInRequest, registration_id: UUID) -> dict[str, object]:
    """Who a patient is; 403 `not-treating` says why a doctor may not look."""
    return charts.overview(registration_id, request.auth)


@router.get("/patients/{uuid:registration_id}/record", response=RecordPage)
def record(
    request: SignedInRequest, registration_id: UUID, wanted: Query[TimelineFilter]
) -> dict[str, object]:
    """The record of all hospitals and cities, or of this city while the hub is away."""
    asked = Asked(wanted.size, wanted.cursor, wanted.kind or "", wanted.organisation or "")
    return charts.record(registration_id, asked, request.auth)


@router.post(
    "/patients/{uuid:registration_id}/emergency-access", response={201: EmergencyOut}
)  # fmt: skip
def open_in_emergency(
    request: SignedInRequest, registration_id: UUID, payload: EmergencyIn
) -> Status[EmergencyAccess]:
    """Open the record of somebody whom the hospital does not treat; the person is told."""
    opened = charts.open_in_emergency(
        registration_id, reason=payload.reason, words=payload.words, by=request.auth
    )
    return Status(201, opened)
