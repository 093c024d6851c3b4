"""What the client sends and wants back: format, how much, packed or not, changed or not.

Packing answers is safe here (BREACH): a request proves itself by a bearer token that no browser adds by
itself, so nobody can make a victim's client ask again and again; and the length is blurred besides, as
Django's own gzip middleware does it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.http import http_date, parse_http_date_safe
from django.utils.text import compress_string

from health_records.formats.fhir.issues import refuse
from health_records.formats.fhir.parsing import gunzip

FHIR_JSON, PLAIN_JSON = "application/fhir+json", "application/json"
FORMATS = {
    "json": FHIR_JSON,
    FHIR_JSON: FHIR_JSON,
    "application/json+fhir": FHIR_JSON,
    PLAIN_JSON: PLAIN_JSON,
    "text/json": PLAIN_JSON,
}
TAKEN = frozenset({"", FHIR_JSON, PLAIN_JSON, "text/json"})
ANYTHING = frozenset({"*/*", "application/*"})
WORTH_PACKING = 1400
"""Bytes: a smaller answer fits one packet as it is."""
LONGEST_BLUR = 100
TIMES_LET_SEND, CHUNK = 4, 1 << 16
"""So many times the limit a client may send before the connection is closed upon it."""


def body_of(request: HttpRequest) -> bytes:
    """The bytes of the message, unpacked, within the limit."""
    limit = settings.MAX_BODY_BYTES
    if (request.content_type or "") not in TAKEN:
        raise refuse("media-type", value=request.content_type or "")
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise refuse("encoding", value=encoding)
    try:
        raw = _read(request, limit)
    except (UnreadablePostError, OSError) as error:
        raise refuse("json") from error
    return gunzip(raw, limit) if encoding == "gzip" else raw


def _read(request: HttpRequest, limit: int) -> bytes:
    """The body as it came; Django by itself reads as many bytes as Content-Length says."""
    is_chunked = request.META.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    stream = request.META["wsgi.input"] if is_chunked else request
    with suppress(RequestDataTooBig):
        raw: bytes = stream.read(limit + 1) if is_chunked else request.body
        if len(raw) <= limit:
            return raw
    # In the midst of sending a client hears nothing, so it may send some more.
    left = TIMES_LET_SEND * limit
    while left > 0 and (part := stream.read(CHUNK)):
        left -= len(part)
    raise refuse("too-large", value=str(limit))


class Return(StrEnum):
    """How much of what was written the client wants back."""

    MINIMAL = "minimal"
    REPRESENTATION = "representation"
    OUTCOME = "OperationOutcome"


RETURNS = {str(one): one for one in Return}


def media_type(request: HttpRequest) -> str:
    """The media type of the answer; MessageRefused when we have none that the client takes.

    `_format` counts more than the header; of several in the header, our own type comes first.
    """
    if "format" in request.META.get("QUERY_STRING", "") and (asked := request.GET.get("_format")):
        # A plus that was not escaped reads as a blank.
        found = FORMATS.get(asked.partition(";")[0].strip().lower().replace(" ", "+"))
        if found is None:
            raise refuse("format", value=asked)
        return found
    return _accepted(request.META.get("HTTP_ACCEPT", "*/*"))


@lru_cache(maxsize=256)
def _accepted(header: str) -> str:
    taken = {name for name, quality in _ranges(header) if quality > 0}
    found = {FORMATS[name] for name in taken & FORMATS.keys()}
    if not header.strip() or taken & ANYTHING or FHIR_JSON in found:
        return FHIR_JSON
    if not found:
        raise refuse("format", value=header)
    return PLAIN_JSON


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """Names and qualities in a header such as Accept (RFC 9110)."""
    for part in header.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            yield name, float(quality)
        except ValueError:
            yield name, 0.0


def wanted_return(request: HttpRequest) -> Return | None:
    """What `Prefer: return=…` asks for; None when nothing that we know."""
    for part in request.META.get("HTTP_PREFER", "").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name == "return" and value in RETURNS:
            return RETURNS[value]
    return None


def is_unchanged(request: HttpRequest, tag: str, at: datetime) -> bool:
    """Whether the client has this version already (RFC 9110, 13.1); some leave out the quotes."""
    known = request.META.get("HTTP_IF_NONE_MATCH")
    if known is not None:
        tags = {one.strip().removeprefix("W/").strip('"') for one in known.split(",")}
        return bool(tags & {"*", tag.removeprefix("W/").strip('"')})
    given = request.META.get("HTTP_IF_MODIFIED_SINCE")
    since = parse_http_date_safe(given) if given else None
    return since is not None and int(at.timestamp()) <= since


def say_version(response: HttpResponse, version: int, at: datetime) -> HttpResponse:
    """The answer with version and time of the resource in its head."""
    response["ETag"] = f'W/"{version}"'
    response["Last-Modified"] = http_date(at.timestamp())
    return response


def as_wanted(request: HttpRequest, response: HttpResponse, type_: str) -> HttpResponse:
    """The answer as it leaves: its type, packed where that is asked for and worth it."""
    if response.content:
        response["Content-Type"] = f"{type_}; charset=utf-8"
    response["Vary"] = "Accept, Accept-Encoding"
    response.setdefault("Cache-Control", "private, no-cache")
    if len(response.content) >= WORTH_PACKING and _takes_gzip(request):
        response.content = compress_string(response.content, max_random_bytes=LONGEST_BLUR)
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    if request.method == "HEAD":
        response.content = b""
    return response


def _takes_gzip(request: HttpRequest) -> bool:
    header = request.META.get("HTTP_ACCEPT_ENCODING", "")
    return any(name in {"gzip", "*"} and quality > 0 for name, quality in _ranges(header))
