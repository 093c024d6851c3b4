"""The request as our views see it, and problems as responses."""

from typing import Annotated
from urllib.parse import urlsplit

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from pydantic import StringConstraints

from kernel.actor import Actor
from kernel.problems import MEDIA_TYPE, DomainError, FromAnotherSite, problem_body

Code = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
"""A code or number in a question, of whatever system."""

NO_NUL = r"^[^\x00]+$"
"""What a text in a question must match: PostgreSQL has no such character."""


class Request(HttpRequest):
    """Any request after `config.middleware.request_context`."""

    request_id: str
    client_ip: str
    actor: Actor | None


class SignedInRequest(Request):
    """A request whose sender is known."""

    auth: Actor


def refuse_other_sites(request: HttpRequest) -> None:
    """Raise FromAnotherSite when a browser sends this for a page that is not ours (CSRF).

    Browsers say so in `Sec-Fetch-Site`; older ones name the page's origin with every write.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = urlsplit(request.headers.get("Origin", "")).netloc
    if not (site == "same-origin" if site else origin == request.get_host()):
        raise FromAnotherSite


def problem_response(error: DomainError) -> HttpResponse:
    """The error as `application/problem+json` in the request's language."""
    body = problem_body(error, get_language() or "zh")
    return HttpResponse(
        orjson.dumps(body, default=str), status=error.status, content_type=MEDIA_TYPE
    )
