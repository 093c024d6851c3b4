"""Reading records: the timeline, who looked, and documents."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import get_language
from ninja import Field, Query, Router, Schema

from health_records import documents
from health_records.access_log import accesses_to, in_words
from health_records.timeline_page import Asked, page_of_record
from health_records.visibility import facts_about_person
from kernel.access.services import authorise
from kernel.http import SignedInRequest
from registry.cursors import cursor_of, id_in, page_of
from registry.persons.selectors import links_of_person, same_person

MOST_LISTED, MOST_PARTS = 200, 10_000

router = Router(tags=["records"])


class Page(Schema):
    """Where to go on reading, and how much at once."""

    cursor: str | None = None
    limit: int = 50

    @property
    def size(self) -> int:
        """The limit, within reason."""
        return max(1, min(self.limit, MOST_LISTED))


class Part(Schema):
    """Which attachment of which type of resource."""

    part: int = Field(0, ge=0, lt=MOST_PARTS)
    type: str = Field("DocumentReference", pattern="^[A-Za-z]{1,64}$")


class TimelineFilter(Page):
    """What may be asked of a timeline; `kind` is a FHIR type, several separated by commas.

    `code` is `system|code`: what is coded so at every hospital, such as all results of one test.
    """

    kind: str | None = None
    organisation: str | None = None
    code: str | None = Field(None, pattern=r"^[^|\x00]*\|[^|\x00]+$", max_length=512)


class EntryBrief(Schema):
    """What an entry tells beside its code and value; empty or null where its source states nothing.

    `interpretation` is a code of v3-ObservationInterpretation (H, L, N …), `setting` one of v3-ActCode
    (AMB, IMP, EMER …).
    """

    interpretation: str
    range_low: float | None
    range_high: float | None
    range_text: str
    setting: str
    department: str
    practitioner: str
    reason: str
    dosage: str


class TimelineEntry(Schema):
    """One thing that happened; `visit` is the Encounter it belongs to, or is."""

    id: UUID
    at: datetime
    kind: str
    kind_name: str
    organisation: str
    organisation_code: str
    node: str
    node_name: str
    registration: UUID
    visit: UUID | None
    status: str
    code_system: str
    code: str
    display: str
    value: str
    brief: EntryBrief | None
    resource: str


class NodeName(Schema):
    """A node and what it is called."""

    code: str
    name: str


class TimelinePage(Schema):
    """A page, newest first; what the `unheard` cities recorded lately may be missing from it."""

    items: list[TimelineEntry]
    next: str | None
    unheard: list[NodeName]


class AccessEntry(Schema):
    """One access, or one that was refused."""

    id: UUID
    at: datetime
    who: str
    role: str
    role_code: str
    organisation: str
    action: str
    action_code: str
    resource_type: str
    purpose: str
    purpose_code: str
    outcome: str
    outcome_code: str
    node: str


class AccessPage(Schema):
    """A page of accesses, newest first."""

    items: list[AccessEntry]
    next: str | None


@router.get("/persons/{uuid:person_id}/timeline", response=TimelinePage)
def timeline(
    request: SignedInRequest, person_id: UUID, wanted: Query[TimelineFilter]
) -> dict[str, object]:
    """The person's record over all hospitals this node knows of."""
    authorise(
        request.auth, "timeline.read", facts=facts_about_person(request.auth, person_id),
        person_id=person_id,
    )  # fmt: skip
    return page_of_record(
        links_of_person(person_id),
        Asked(
            wanted.size,
            wanted.cursor,
            wanted.kind or "",
            wanted.organisation or "",
            wanted.code or "",
        ),
    )


@router.get("/persons/{uuid:person_id}/access-log", response=AccessPage)
def access_log(request: SignedInRequest, person_id: UUID, wanted: Query[Page]) -> dict[str, object]:
    """Who looked at the person's record, or tried to."""
    authorise(
        request.auth, "access_log.read", facts=facts_about_person(request.auth, person_id),
        person_id=person_id,
    )  # fmt: skip
    rows = accesses_to(same_person(person_id), links_of_person(person_id))
    if wanted.cursor:
        rows = rows.filter(id__lt=id_in(wanted.cursor))
    listed, more = page_of(rows, wanted.limit, most=MOST_LISTED)
    return {
        "items": in_words(listed, get_language() or "zh"),
        "next": cursor_of(listed[-1].id) if more else None,
    }


@router.get("/documents/{uuid:document_id}/content")
def document_content(
    request: SignedInRequest,
    document_id: UUID,
    wanted: Query[Part],
) -> HttpResponse:
    """The content of a document or other attachment, fetched from its city when it is not here."""
    content = documents.content_for(
        resource_id=document_id, resource_type=wanted.type, part=wanted.part, by=request.auth
    )
    response = HttpResponse(
        content.data, content_type=_safe_type(content.type) or "application/octet-stream"
    )
    name = quote(f"{document_id}-{wanted.part}")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = "sandbox"
    return response


def _safe_type(text: str) -> str:
    """A media type that may stand in a header."""
    return text if text.isascii() and text.isprintable() else ""
