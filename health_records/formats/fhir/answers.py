"""What a hospital is told of a message that was taken in, as it prefers (`Prefer: return=…`)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpResponse

from health_records import selectors
from health_records.formats.fhir.door import Answer
from health_records.formats.fhir.issues import remark
from health_records.formats.fhir.negotiation import Return, say_version
from health_records.formats.fhir.parsing import dump
from health_records.formats.fhir.reading import resource_of
from health_records.formats.fhir.resource_types import KINDS
from health_records.incoming import Kind
from health_records.selectors import StoredVersion

DONE = ("已接收", "Taken in")
TAKEN_BACK = ("已标记为录入错误；历史版本保留", "Marked as entered in error; its versions are kept")
NOTHING = ("没有需要删除的资源", "There is nothing to delete")


def of_bundle(answer: Answer, wanted: Return | None, language: str) -> bytes:
    """The response Bundle, with the resources or outcomes that are preferred."""
    if answer.status != 200 or wanted not in {Return.REPRESENTATION, Return.OUTCOME}:
        return answer.body
    bundle: dict[str, Any] = orjson.loads(answer.body)
    entries = bundle.get("entry", ())
    if wanted is Return.OUTCOME:
        for entry in entries:
            entry["response"].setdefault("outcome", _remark(entry["response"], language))
        return dump(bundle)
    locations = [entry["response"].get("location", "") for entry in entries]
    for entry, stored in zip(entries, _versions(locations), strict=True):
        if stored is not None:
            entry["resource"] = orjson.Fragment(resource_of(stored))
    return dump(bundle)


def of_single(answer: Answer, wanted: Return | None, language: str) -> HttpResponse:
    """The answer to a resource that came alone; with the resource unless less is preferred."""
    told = orjson.loads(answer.body)["entry"][0]["response"]
    response = HttpResponse(status=int(told["status"][:3]))
    if location := told.get("location"):
        response["Location"] = f"{settings.NODE_URL}/fhir/R4/{location}"
    if tag := told.get("etag"):
        response["ETag"] = tag
    if wanted is Return.OUTCOME:
        response.content = dump(_remark(told, language))
        response.status_code = 200 if response.status_code == 204 else response.status_code
    elif location and wanted is not Return.MINIMAL:
        (stored,) = _versions([location])
        if stored is not None:
            response.content = resource_of(stored)
            say_version(response, stored.version, stored.recorded_at)
    return response


def _remark(response: dict[str, Any], language: str) -> dict[str, Any]:
    if not response["status"].startswith("204"):
        return remark(*DONE, language)
    return remark(*(TAKEN_BACK if "etag" in response else NOTHING), language)


def _versions(locations: Sequence[str]) -> list[StoredVersion | None]:
    """The resources at these places, each in the version that the place names, else as it is now."""
    wanted: dict[Kind, dict[UUID, int | None]] = defaultdict(dict)
    for location in filter(None, locations):
        type_, id_, *rest = location.split("/")
        wanted[KINDS.get(type_, Kind.ENTRY)][UUID(id_)] = int(rest[1]) if rest else None
    found = {
        str(id_): stored
        for kind, versions in wanted.items()
        for id_, stored in selectors.stored_versions(kind, versions.items()).items()
    }
    return [found.get(location.split("/")[1]) if location else None for location in locations]
