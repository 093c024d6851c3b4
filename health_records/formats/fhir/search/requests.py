"""What a request for a search says, in its address and its form."""

from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError

from health_records.formats.fhir.issues import refuse

FORMS = frozenset({"", "application/x-www-form-urlencoded"})
MOST_PARAMETERS = 200


def pairs_asked(request: HttpRequest) -> list[tuple[str, str]]:
    """Every parameter of the address, then of the form."""
    pairs = _pairs(request.META.get("QUERY_STRING", ""))
    if request.method != "POST":
        return pairs
    if (request.content_type or "") not in FORMS:
        raise refuse("form-type", value=request.content_type or "")
    try:
        return pairs + _pairs(request.body.decode())
    except (RequestDataTooBig, UnreadablePostError, UnicodeDecodeError) as error:
        raise refuse("search-form") from error


def is_strict(request: HttpRequest) -> bool:
    """Whether the client wants what is not supported to be refused."""
    wishes = request.META.get("HTTP_PREFER", "").lower().replace(" ", "")
    return "handling=strict" in wishes.replace(";", ",").split(",")


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError as error:
        raise refuse("search-form") from error
