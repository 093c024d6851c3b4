"""The versions of a resource as a Bundle of type history, newest first."""

from collections.abc import Sequence
from typing import Any

import orjson
from django.conf import settings
from django.http import QueryDict

from health_records.formats.fhir.parsing import dump
from health_records.formats.fhir.reading import resource_of
from health_records.formats.fhir.search.cursors import CURSOR
from health_records.formats.fhir.search.searchset import address
from health_records.formats.fhir.search.values import count_of, plain_moment_of
from health_records.selectors import LATEST, StoredVersion
from registry.cursors import CursorInvalid, cursor_of, place_of

USUAL_COUNT = 50


class Asked:
    """What a client may say about a history."""

    def __init__(self, query: QueryDict) -> None:
        told = {name: str(query[name]) for name in ("_count", "_since") if name in query}
        self.count = count_of("_count", told["_count"]) if "_count" in told else USUAL_COUNT
        self.since = plain_moment_of("_since", told["_since"]).start if "_since" in told else None
        self.before = _before(query.get(CURSOR))
        self.parameters = list(told.items())


def history_bundle(
    path: str, versions: Sequence[StoredVersion], *, total: int, asked: Asked
) -> bytes:
    """One page; `versions` may hold one more than the page, which tells that there is a next one."""
    page = versions[: asked.count]
    links = [{"relation": "self", "url": address(path, asked.parameters)}]
    if len(versions) > len(page) > 0:
        place = (CURSOR, cursor_of(page[-1].version))
        links.append({"relation": "next", "url": address(path, [*asked.parameters, place])})
    return dump(
        {
            "resourceType": "Bundle",
            "type": "history",
            "total": total,
            "link": links,
            "entry": [_entry(one) for one in page],
        }
    )


def _entry(stored: StoredVersion) -> dict[str, Any]:
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
        entry["resource"] = orjson.Fragment(resource_of(stored))
    return entry


def _before(cursor: str | None) -> int:
    if cursor is None:
        return LATEST
    (version,) = place_of(cursor, 1)
    if not isinstance(version, int) or not 0 < version <= LATEST:
        raise CursorInvalid
    return version
