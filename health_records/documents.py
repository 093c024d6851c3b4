"""Content of documents: kept in the city, fetched by the hub when somebody reads it."""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from health_records import selectors
from health_records.errors import NoContent
from health_records.models import Document
from health_records.sealing import open_packed
from health_records.visibility import facts_about_registration
from kernel.access.errors import NotVisible
from kernel.access.rules import Fact
from kernel.access.services import authorise
from kernel.actor import Actor
from kernel.commands.services import ask

FETCH = "documents.fetch"
READ = "document.read"


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one attachment."""

    type: str
    data: bytes


def content_for(*, document_id: UUID, part: int, by: Actor) -> Content:
    """The content of a document's attachment, from here or from its city."""
    document, facts = _decided(document_id, by, frozenset())
    if document.node == settings.NODE_CODE:
        return _kept_here(document, part)
    answer = ask(
        FETCH, to=document.node, by=by,
        body={"document_id": str(document_id), "part": part, "facts": sorted(facts)},
    )  # fmt: skip
    return Content(str(answer["type"]), base64.b64decode(answer["data"]))


def fetch(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """At the city: the content for the hub's reader.

    The city decides for that reader itself; of relations to hospitals elsewhere only the hub knows, so
    its word is taken for those.
    """
    vouched = frozenset(body.get("facts", ())) & {Fact.OWN_RECORD, Fact.TREATMENT_RELATIONSHIP}
    document, _ = _decided(UUID(body["document_id"]), by, vouched)
    content = _kept_here(document, int(body["part"]))
    return {"type": content.type, "data": base64.b64encode(content.data).decode()}


def _decided(
    document_id: UUID, by: Actor, vouched: frozenset[str]
) -> tuple[Document, frozenset[str]]:
    document = selectors.document(document_id)
    if document is None:
        authorise(by, READ, resource_type="DocumentReference", resource_id=document_id)
        raise NotVisible
    facts = vouched | facts_about_registration(
        by, document.registration_id, document.organisation_id
    )
    authorise(
        by, READ, facts=facts, registration_id=document.registration_id,
        resource_type="DocumentReference", resource_id=document_id,
    )  # fmt: skip
    return document, facts


def _kept_here(document: Document, part: int) -> Content:
    contents = {one.part: one for one in selectors.contents_of(document.id, document.version)}
    found = contents.get(part)
    if found is None:
        raise NoContent
    column = "health_records.DocumentContent.content"
    return Content(found.content_type, open_packed(column, found.id, found.content))
