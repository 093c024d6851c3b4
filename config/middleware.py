"""What surrounds every request: who asks from where in which language, what every answer says in its head,
and the last check that access was decided.

Django's own SecurityMiddleware, LocaleMiddleware and CommonMiddleware would do the first three in an eighth
of a read's time; what of them applies here are a few lines.
"""

import logging
import re
from collections.abc import Callable
from urllib.parse import unquote

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.decorators import sync_only_middleware

from config import failures, pages
from kernel.access import context
from kernel.access.errors import AccessNotDecided
from kernel.access.services import require_proof, write_refusals
from kernel.homes import uuid7
from kernel.postgres.failures import is_away
from kernel.problems import (
    AddressInvalid,
    CopyUnderWay,
    InternalError,
    StorageAway,
    Unauthenticated,
)
from kernel.replication.lag import is_copying
from registry.sms import mailbox

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What may be answered without an access decision: nothing here speaks of a person, save of the
# one who asks.
PUBLIC = frozenset(
    {
        "/api/v1/docs",
        "/api/v1/openapi.json",
        "/api/v1/session",
        "/api/v1/session/phone",
        "/api/v1/session/renewal",
        "/api/v1/sign-in",
        "/api/v1/sign-in/codes",
        "/api/v1/sign-in/phone",
        "/api/v1/sign-in/second-factor",
        "/api/v1/sign-out",
        "/fhir/R4/metadata",
        "/healthz",
        "/metrics",
        "/oauth/token",
        "/readyz",
    }
)
PUBLIC_PREFIXES = ("/static/",)

NUL = "\0"  # PostgreSQL has no such character
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
REFUSED = frozenset({401, 403})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What a browser may not do with any answer."""


@sync_only_middleware
def request_context(get_response: GetResponse) -> GetResponse:
    """Give the request an id, its sender's address, a language, and a place for decisions."""

    def surrounded(request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid7().hex
        ip = request.META.get("REMOTE_ADDR", "")
        request.request_id, request.client_ip, request.actor = request_id, ip, None  # type: ignore[attr-defined]
        language = translation.get_language_from_request(request)
        translation.activate(language)
        with context.request(request_id=request_id, ip=ip, route=lambda: _route(request)):
            if NUL in request.path_info or NUL in unquote(request.META.get("QUERY_STRING", "")):
                response: HttpResponseBase = failures.answer(request, AddressInvalid())
            else:
                response = get_response(request)
        for name, value in HEADERS.items():
            response[name] = value
        response["X-Request-Id"] = request_id
        response["Content-Language"] = language
        varies = f"{response['Vary']}, " if response.has_header("Vary") else ""
        response["Vary"] = f"{varies}Accept-Language"
        if not response.streaming and not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response

    return surrounded


@sync_only_middleware
def decided_access(get_response: GetResponse) -> GetResponse:
    """Withhold an answer for which nobody asked whether it may be given.

    It looks before the first byte of a streamed answer leaves, too. Refusals raised inside a
    transaction get their audit rows here, after its rollback and before the answer.
    """

    def checked(request: HttpRequest) -> HttpResponseBase:
        request.get_host()  # DisallowedHost, which Django answers, for a name that is not ours
        response = get_response(request)
        asked = context.current()
        if asked is None:
            raise RuntimeError("request_context must come before decided_access")
        try:
            write_refusals(asked.unwritten)
            if asked.proof and not asked.decisions and 400 <= response.status_code < 500:
                require_proof(asked.proof)
        except Unauthenticated as error:
            response = _instead(response, failures.answer(request, error))
        except DatabaseError:
            log.exception("a refusal could not be audited")
            return _instead(response, failures.answer(request, InternalError()))
        if response.status_code in REFUSED and _knows_nobody():
            return _instead(response, failures.answer(request, CopyUnderWay()))
        if response.status_code < 400 and not asked.decisions and not is_public(request.path_info):
            log.error("access was not decided: %s", _route(request))
            return _instead(response, failures.answer(request, AccessNotDecided()))
        return response

    checked.process_exception = storage_away  # type: ignore[attr-defined]
    return checked


def storage_away(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    """A database that does not answer is a 503 that may be repeated, not a broken program."""
    if not is_away(exception):
        return None
    log.warning("the database is away: %s", type(exception).__name__)
    return failures.answer(request, StorageAway())


def is_public(path: str) -> bool:
    """Whether a path is answered without an access decision."""
    return (
        path in PUBLIC
        or path in pages.ADDRESSES
        or path.startswith(PUBLIC_PREFIXES)
        or (path == mailbox.ADDRESS and mailbox.is_open())
    )


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return f"{request.method} /{match.route}" if match else f"{request.method} ?"


def _knows_nobody() -> bool:
    """Whether accounts, clients and consents are being copied from the hub."""
    if settings.ROLE != "city":
        return False
    with connection.cursor() as cursor:
        return is_copying(cursor)


def _instead(withheld: HttpResponseBase, problem: HttpResponseBase) -> HttpResponseBase:
    # Its own close() would say that the request is over and let go of the database.
    problem._resource_closers.extend(withheld._resource_closers)  # type: ignore[attr-defined]
    return problem
