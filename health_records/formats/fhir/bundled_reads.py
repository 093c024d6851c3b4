"""GET and HEAD entries of a batch or transaction: each is answered as the same request alone would be.

Of a transaction they come last (R4, 3.1.0.11.2), inside it, and one that fails undoes it; of a batch they
come when what it brings is stored. Their answers are never kept: a repeated message is read for anew.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import orjson
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.encoding import iri_to_uri
from django.utils.http import http_date, parse_http_date
from django.utils.translation import get_language

from health_records.formats.fhir.bundles import TRANSACTION, is_read, listed_in
from health_records.formats.fhir.issues import Issue, MessageRefused, outcome, refuse
from health_records.formats.fhir.parsing import dump
from health_records.formats.fhir.search.values import plain_moment_of
from health_records.formats.fhir.validation.resources import validate_entry, validate_envelope
from kernel.access import context
from kernel.access.errors import AccessNotDecided

BASE = "/fhir/R4/"
MOST_BYTES, LONGEST_SECONDS = 20 * 2**20, 30.0
"""Of all reads of one Bundle; the one that passes them is the last. A search alone takes 5 s at most."""

PASSED_ON = ("HTTP_AUTHORIZATION", "HTTP_PREFER")
NUL = "\0"
Json = dict[str, Any]


class ReadFailed(Exception):
    """A read of a transaction failed: nothing of the transaction happened."""

    def __init__(self, place: int, answer: Json) -> None:
        super().__init__(place)
        self.status = int(answer["response"]["status"][:3])
        self.outcome = orjson.loads(orjson.dumps(answer["response"]["outcome"]))
        for issue in self.outcome["issue"]:
            issue["expression"] = [f"{_path(place)}.url"]


@dataclass(frozen=True, slots=True)
class Reads:
    """The reading entries of a Bundle by their place."""

    type: str
    entries: Mapping[int, Json]
    are_all: bool


def reads_in(bundle: Any) -> Reads | None:
    """What a Bundle asks to be read; None where there is nothing of the kind."""
    listed = bundle.get("entry") if isinstance(bundle, dict) else None
    entries = {
        place: raw
        for place, raw in enumerate(listed if isinstance(listed, list) else ())
        if is_read(raw)
    }
    if not entries:
        return None
    type_, listed = listed_in(bundle)
    if len(entries) > settings.MAX_READS:
        raise refuse("read-many", "Bundle.entry", str(settings.MAX_READS))
    return Reads(type_, entries, len(entries) == len(listed))


def answer_alone(reads: Reads, bundle: Json, request: HttpRequest) -> bytes:
    """The response Bundle of one that only reads."""
    if issues := validate_envelope(bundle):
        raise MessageRefused(issues)
    is_transaction = reads.type == TRANSACTION
    with transaction.atomic() if is_transaction else nullcontext():
        told = answers_to(reads, request, whole=is_transaction)
    head = {"resourceType": "Bundle", "type": f"{reads.type}-response"}
    return orjson.dumps(head | {"entry": list(told.values())})


def answers_to(reads: Reads, request: HttpRequest, *, whole: bool) -> dict[int, Json]:
    """The answering entry for each; ReadFailed at the first that fails where `whole`."""
    told: dict[int, Json] = {}
    size, ends = 0, time.monotonic() + LONGEST_SECONDS
    for place, raw in reads.entries.items():
        is_enough = size > MOST_BYTES or time.monotonic() > ends
        response = _refused([Issue("read-enough")]) if is_enough else _answer(place, raw, request)
        size += len(response.content)
        told[place] = _entry(response)
        if raw["request"]["method"] == "HEAD":
            told[place].pop("resource", None)
        if whole and response.status_code >= 400:
            raise ReadFailed(place, told[place])
    context.note_decision()  # each took its own, or gives out nothing but its refusal
    return told


def woven(body: bytes, told: Mapping[int, Json]) -> bytes:
    """The response Bundle to what was written, with the answers to reads at their places."""
    bundle: Json = orjson.loads(body)
    written: Iterator[Json] = iter(bundle["entry"])
    places = range(len(bundle["entry"]) + len(told))
    bundle["entry"] = [told[place] if place in told else next(written) for place in places]
    return dump(bundle)


def _answer(place: int, raw: Json, outer: HttpRequest) -> HttpResponse:
    asked = context.current()
    decisions = asked.decisions if asked else 0
    try:
        if issues := validate_entry(raw, f"Bundle.entry[{place}]"):
            raise MessageRefused(issues)
        request = _request(place, raw["request"], outer)
        view = _view(place, request)
    except MessageRefused as refusal:
        return _refused(refusal.issues)
    response: HttpResponse = view.func(request, **view.kwargs)
    if response.status_code < 400 and asked and asked.decisions == decisions:
        raise AccessNotDecided
    return response


def _request(place: int, asked: Mapping[str, str], outer: HttpRequest) -> HttpRequest:
    """The request that the entry stands for."""
    url = asked["url"].removeprefix(f"{settings.NODE_URL}{BASE}").removeprefix("/")
    address, _, query = url.partition("?")
    if NUL in unquote(asked["url"]):
        raise refuse("read-url", f"{_path(place)}.url", address)
    environ: dict[str, Any] = {name: outer.META[name] for name in PASSED_ON if name in outer.META}
    environ |= {
        "REQUEST_METHOD": "GET",  # a HEAD too, for its refusal is told
        "PATH_INFO": BASE + unquote_to_bytes(address).decode("latin-1"),  # as PEP 3333 wants it
        "QUERY_STRING": iri_to_uri(query),
        "wsgi.input": BytesIO(),
    }
    if "ifNoneMatch" in asked:
        environ["HTTP_IF_NONE_MATCH"] = asked["ifNoneMatch"]
    if "ifModifiedSince" in asked:
        path = f"{_path(place)}.ifModifiedSince"
        since = plain_moment_of(path, asked["ifModifiedSince"]).start
        environ["HTTP_IF_MODIFIED_SINCE"] = http_date(since.timestamp())
    return WSGIRequest(environ)


def _view(place: int, request: HttpRequest) -> Any:
    """What answers the request: addresses of types and resources only."""
    try:
        found = resolve(request.path_info)
    except Resolver404:
        found = None
    if found is None or not found.kwargs:
        raise refuse("read-url", f"{_path(place)}.url", request.path_info.removeprefix(BASE))
    return found


def _path(place: int) -> str:
    return f"Bundle.entry[{place}].request"


def _refused(issues: list[Issue]) -> HttpResponse:
    status = MessageRefused(issues).status
    return HttpResponse(dump(outcome(issues, get_language() or "zh")), status=status)


def _entry(response: HttpResponse) -> Json:
    status = HTTPStatus(response.status_code)
    said: Json = {"status": f"{status.value} {status.phrase}"}
    if status >= 400:
        return {"response": said | {"outcome": orjson.Fragment(response.content)}}
    if tag := response.headers.get("ETag"):
        said["etag"] = tag
    if modified := response.headers.get("Last-Modified"):
        said["lastModified"] = _modified(response.content, modified)
    if not response.content:
        return {"response": said}
    return {"resource": orjson.Fragment(response.content), "response": said}


def _modified(resource: bytes, header: str) -> str:
    """As the resource itself says it, where it is given (R4, Bundle.entry.response.lastModified)."""
    if resource:
        return str(orjson.loads(resource)["meta"]["lastUpdated"])
    return datetime.fromtimestamp(parse_http_date(header), UTC).isoformat()
