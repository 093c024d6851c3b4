"""Reading records: the timeline, who looked, and documents."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import get_language
from ninja import Field, Query, Router, Schema

from health_records import documents
from health_records.access_log import accesses_to, in_words
from health_records.formats.fhir.brief import Brief, briefs_of
from health_records.timeline import KINDS, TimelineRow, timeline_of
from health_records.visibility import facts_about_person
from kernel.access.services import authorise
from kernel.http import SignedInRequest
from kernel.nodes.selectors import node_names
from kernel.replication.lag import unheard
from registry.cursors import cursor_of, id_in, moment_and_id_in, page_of
from registry.organisations.models import Organisation
from registry.organisations.selectors import organisation_by_code, organisations_by_id
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
    links = links_of_person(person_id)
    rows = timeline_of(
        links, limit=wanted.size + 1,
        before=moment_and_id_in(wanted.cursor) if wanted.cursor is not None else None,
        kinds=wanted.kind.split(",") if wanted.kind else None,
        organisation_id=organisation_by_code(wanted.organisation).id
        if wanted.organisation else None,
        coding=_coding(wanted.code) if wanted.code is not None else None,
    )  # fmt: skip
    rows, more = page_of(rows, wanted.limit, most=MOST_LISTED)
    places = organisations_by_id(row.organisation_id for row in rows)
    briefs = briefs_of((row.resource_type, row.id) for row in rows)
    place = cursor_of(rows[-1].occurred_at.isoformat(), rows[-1].id) if more else None
    nodes = node_names()
    silent = unheard({link.registration_node for link in links})
    return {
        "items": [_entry(row, places, nodes, briefs) for row in rows],
        "next": place,
        "unheard": [{"code": code, "name": nodes.get(code, code)} for code in silent],
    }


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


def _entry(
    row: TimelineRow,
    places: dict[UUID, Organisation],
    nodes: dict[str, str],
    briefs: dict[UUID, Brief],
) -> dict[str, object]:
    place = places.get(row.organisation_id)
    chinese, english = KINDS.get(row.resource_type, (row.resource_type, row.resource_type))
    value = row.value_text
    if row.value_number is not None:
        value = f"{row.value_text}{row.value_number:.10g} {row.value_unit}".strip()
    return {
        "id": row.id,
        "at": row.occurred_at,
        "kind": row.resource_type,
        "kind_name": chinese if (get_language() or "zh").startswith("zh") else english,
        "organisation": place.name if place else "",
        "organisation_code": place.code if place else "",
        "node": row.node,
        "node_name": nodes.get(row.node, row.node),
        "registration": row.registration_id,
        "visit": row.visit_id,
        "status": row.status,
        "code_system": row.code_system,
        "code": row.code,
        "display": row.display,
        "value": value,
        "brief": briefs.get(row.id),
        "resource": f"{settings.NODE_URL}/fhir/R4/{row.resource_type}/{row.id}",
    }


def _coding(token: str) -> tuple[str, str]:
    system, _, code = token.partition("|")
    return system, code


def _safe_type(text: str) -> str:
    """A media type that may stand in a header."""
    return text if text.isascii() and text.isprintable() else ""
