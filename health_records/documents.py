"""Content of documents and other attachments: kept in the city, fetched by the hub when somebody reads it."""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from health_records import selectors
from health_records.errors import NoContent
from health_records.formats.fhir.resource_types import KINDS
from health_records.incoming import Kind
from health_records.sealing import open_packed
from health_records.selectors import StoredVersion
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


def content_for(*, resource_id: UUID, resource_type: str, part: int, by: Actor) -> Content:
    """The content of an attachment of a resource, from here or from its city."""
    stored, facts = _decided(resource_id, resource_type, by, frozenset())
    if stored.node == settings.NODE_CODE:
        return _kept_here(stored, part)
    answer = ask(
        FETCH, to=stored.node, by=by,
        body={
            "resource_id": str(resource_id), "resource_type": resource_type, "part": part,
            "facts": sorted(facts),
        },
    )  # fmt: skip
    return Content(str(answer["type"]), base64.b64decode(answer["data"]))


def fetch(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """At the city: the content for the hub's reader.

    The city decides for that reader itself; of relations to hospitals elsewhere only the hub knows, so
    its word is taken for those.
    """
    vouched = frozenset(body.get("facts", ())) & {
        Fact.OWN_RECORD,
        Fact.CONSENT,
        Fact.TREATMENT_RELATIONSHIP,
        Fact.EMERGENCY_ACCESS,
    }
    stored, _ = _decided(UUID(body["resource_id"]), str(body["resource_type"]), by, vouched)
    content = _kept_here(stored, int(body["part"]))
    return {"type": content.type, "data": base64.b64encode(content.data).decode()}


def _decided(
    resource_id: UUID, resource_type: str, by: Actor, vouched: frozenset[str]
) -> tuple[StoredVersion, frozenset[str]]:
    kind = KINDS.get(resource_type, Kind.ENTRY)
    stored = selectors.stored_version(kind, resource_type, resource_id)
    if stored is None:
        authorise(by, READ, resource_type=resource_type, resource_id=resource_id)
        raise NotVisible
    facts = vouched | facts_about_registration(by, stored.registration_id, stored.organisation_id)
    authorise(
        by, READ, facts=facts, registration_id=stored.registration_id,
        resource_type=resource_type, resource_id=resource_id,
    )  # fmt: skip
    return stored, facts


def _kept_here(stored: StoredVersion, part: int) -> Content:
    contents = {one.part: one for one in selectors.contents_of(stored.id, stored.version)}
    found = contents.get(part)
    if found is None:
        raise NoContent
    data = open_packed("health_records.DocumentContent.content", found.id, found.content)
    return Content(found.content_type, data if found.is_base64 else base64.b64decode(data))
