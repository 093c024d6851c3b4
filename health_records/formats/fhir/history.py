"""Versions as a Bundle of type history, newest first: of one resource, or of all of a type.

Of a type they are given to the hospital's system that pushed them and to nobody else: it alone has a right
to everything of a type, and to keep its own copy in step it asks with `_since`.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import QueryDict

from health_records import selectors
from health_records.finding.criteria import TooBroad
from health_records.finding.statements import SEARCH
from health_records.finding.versions import NEWEST, VersionPlace, versions_pushed
from health_records.formats.fhir.issues import refuse
from health_records.formats.fhir.parsing import dump
from health_records.formats.fhir.reading import resource_of
from health_records.formats.fhir.resource_types import KINDS
from health_records.formats.fhir.search.cursors import CURSOR
from health_records.formats.fhir.search.query import IGNORED
from health_records.formats.fhir.search.searchset import address
from health_records.formats.fhir.search.values import count_of, plain_moment_of
from health_records.incoming import Kind
from health_records.models import DocumentContent
from health_records.selectors import LATEST, StoredVersion
from health_records.visibility import facts_that_suffice
from kernel.access.errors import Refused
from kernel.access.rules import Fact
from kernel.access.services import Concern, authorise, authorise_search
from kernel.actor import Actor
from registry.cursors import CursorInvalid, cursor_of, place_of

USUAL_COUNT = 50
SAID_AGAIN = ("_count", "_since")
UNDERSTOOD = frozenset({*SAID_AGAIN, CURSOR, *IGNORED})


class Asked:
    """What a client may say about a history; MessageRefused for anything else, such as `_at`."""

    def __init__(self, query: QueryDict) -> None:
        if unknown := sorted(query.keys() - UNDERSTOOD):
            raise refuse("history-parameter", unknown[0], unknown[0])
        told = {name: str(query[name]) for name in SAID_AGAIN if name in query}
        self.count = count_of("_count", told["_count"]) if "_count" in told else USUAL_COUNT
        self.since = plain_moment_of("_since", told["_since"]).start if "_since" in told else None
        self.cursor = query.get(CURSOR)
        self.parameters = list(told.items())


def history_of(resource: StoredVersion, asked: Asked) -> bytes:
    """A page of the versions of a resource; who may read it was decided."""
    kind = KINDS.get(resource.resource_type, Kind.ENTRY)
    versions = selectors.history(
        kind, resource.resource_type, resource.id,
        limit=asked.count + 1, before=_version_before(asked.cursor), since=asked.since,
    )  # fmt: skip
    page = versions[: asked.count]
    follows = cursor_of(page[-1].version) if len(versions) > len(page) > 0 else None
    total = selectors.count_versions(resource.id, resource.node, asked.since)
    path = f"{resource.resource_type}/{resource.id}/_history"
    return _bundle(path, page, asked, follows, total=total)


def history_of_type(resource_type: str, asked: Asked, *, by: Actor) -> bytes:
    """A page of the versions of what the actor's hospital pushed of a type. Audited."""
    if Fact.SOURCE_HOSPITAL not in facts_that_suffice(by, SEARCH):
        with suppress(Refused):
            authorise(by, SEARCH, facts={Fact.AUTHENTICATED}, resource_type=resource_type)
        raise refuse("history-own", value=resource_type)
    try:
        versions = versions_pushed(
            KINDS.get(resource_type, Kind.ENTRY), resource_type, by=by, limit=asked.count + 1,
            since=asked.since, before=_place_before(asked.cursor),
        )  # fmt: skip
    except TooBroad as error:
        raise refuse("history-broad", value=resource_type) from error
    page = versions[: asked.count]
    facts = frozenset({Fact.AUTHENTICATED, Fact.SOURCE_HOSPITAL})
    counts = Counter(one.registration_id for one in page) or {None: 0}
    concerns = [Concern(id_, facts, count) for id_, count in counts.items()]
    authorise_search(by, SEARCH, concerns, resource_type=resource_type)
    last = page[-1] if len(versions) > len(page) > 0 else None
    follows = cursor_of(last.recorded_at.isoformat(), last.id, last.version) if last else None
    return _bundle(f"{resource_type}/_history", page, asked, follows)


def _bundle(
    path: str, page: Sequence[StoredVersion], asked: Asked, follows: str | None, **more: int
) -> bytes:
    links = [{"relation": "self", "url": address(path, asked.parameters)}]
    if follows is not None:
        url = address(path, [*asked.parameters, (CURSOR, follows)])
        links.append({"relation": "next", "url": url})
    contents = selectors.contents_of_several({(one.id, one.version) for one in page})
    entries = [_entry(one, contents.get((one.id, one.version), ())) for one in page]
    head = {"resourceType": "Bundle", "type": "history", **more}
    return dump(head | {"link": links, "entry": entries})


def _entry(stored: StoredVersion, contents: Sequence[DocumentContent]) -> dict[str, Any]:
    """A version and the request that would have made it."""
    one = f"{stored.resource_type}/{stored.id}"
    request = {"method": "PUT", "url": one}
    if stored.deleted:
        request["method"] = "DELETE"
    elif stored.version == 1:
        request = {"method": "POST", "url": stored.resource_type}
    status = {"DELETE": "204 No Content", "POST": "201 Created"}.get(request["method"], "200 OK")
    entry: dict[str, Any] = {
        "fullUrl": f"{settings.NODE_URL}/fhir/R4/{one}",
        "request": request,
        "response": {
            "status": status,
            "etag": f'W/"{stored.version}"',
            "lastModified": stored.recorded_at.isoformat(timespec="milliseconds"),
        },
    }
    if not stored.deleted:
        entry["resource"] = orjson.Fragment(resource_of(stored, contents))
    return entry


def _version_before(cursor: str | None) -> int:
    if cursor is None:
        return LATEST
    (version,) = place_of(cursor, 1)
    return _version(version)


def _place_before(cursor: str | None) -> VersionPlace:
    if cursor is None:
        return NEWEST
    at, id_, version = place_of(cursor, 3)
    try:
        return VersionPlace(datetime.fromisoformat(at), UUID(id_), _version(version))
    except (AttributeError, TypeError, ValueError) as error:
        raise CursorInvalid from error


def _version(number: object) -> int:
    if not isinstance(number, int) or not 0 < number <= LATEST:
        raise CursorInvalid
    return number
