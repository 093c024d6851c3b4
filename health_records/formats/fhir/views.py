"""The FHIR addresses of a node. Plain Django views: this is the hot path."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt

from health_records import selectors
from health_records.errors import WrongCity
from health_records.formats.fhir import bundles, door
from health_records.formats.fhir.capability import capability_statement
from health_records.formats.fhir.issues import MessageRefused, outcome, outcome_of, refuse
from health_records.formats.fhir.parsing import dump, gunzip, parse
from health_records.formats.fhir.reading import resource_of
from health_records.formats.fhir.resource_types import KINDS, NOT_KEPT, RESOURCE_TYPES
from health_records.incoming import Kind
from health_records.visibility import facts_about_registration
from kernel.access.errors import NotVisible
from kernel.access.services import authorise
from kernel.actor import Actor, Role
from kernel.homes import uuid7
from kernel.problems import DomainError, StorageAway, Unauthenticated
from registry.accounts.selectors import actor_of_token
from registry.organisations.models import Organisation

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/fhir+json"
TAKEN = frozenset({"", MEDIA_TYPE, "application/json", "text/json"})
LONGEST_MESSAGE_ID = 200
LARGEST_VERSION = 2**31 - 1

View = Callable[..., HttpResponse]


def _fhir(*methods: str) -> Callable[[View], View]:
    """A view that needs a signed-in actor and answers every failure with an OperationOutcome."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answered(request: HttpRequest, **named: Any) -> HttpResponse:
            language = get_language() or "zh"
            try:
                if request.method not in methods:
                    raise refuse("method", value=str(request.method))
                actor = _actor(request)
                return view(request, actor=actor, **named)
            except MessageRefused as refusal:
                return fhir_response(dump(outcome(refusal.issues, language)), refusal.status)
            except (InterfaceError, OperationalError) as failure:
                log.warning("the database is away: %s", type(failure).__name__)
                away = StorageAway()
                return fhir_response(dump(outcome_of(away, language)), away.status)
            except DomainError as error:
                response = fhir_response(dump(outcome_of(error, language)), error.status)
                if error.status == Unauthenticated.status:
                    response["WWW-Authenticate"] = "Bearer"
                return response

        return answered

    return decorate


def _actor(request: HttpRequest) -> Actor:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    actor = actor_of_token(token.strip()) if scheme.lower() == "bearer" else None
    if actor is None:
        raise Unauthenticated
    request.actor = actor  # type: ignore[attr-defined]
    return actor


@_fhir("POST")
def base(request: HttpRequest, *, actor: Actor) -> HttpResponse:
    """Take a Bundle."""
    organisation = _hospital(actor)
    raw = _body(request)
    parsed = [parse(raw)]
    message_id = _message_id(request, parsed[0], raw)

    def make() -> tuple[str, list[bundles.Entry]]:
        return bundles.entries_of(parsed.pop() if parsed else parse(raw), organisation)

    answer = door.take(
        make, organisation=organisation, message_id=message_id, raw=raw,
        language=get_language() or "zh", by=actor,
    )  # fmt: skip
    return fhir_response(answer.body, answer.status)


@_fhir("POST")
def of_type(request: HttpRequest, *, actor: Actor, resource_type: str) -> HttpResponse:
    """Create one resource."""
    _require_type(resource_type)
    organisation = _hospital(actor)
    return _take_single(request, actor, organisation, resource_type, "")


@_fhir("GET", "PUT")
def one(request: HttpRequest, *, actor: Actor, resource_type: str, id: str) -> HttpResponse:
    """Read a resource, or bring it up to date."""
    _require_type(resource_type)
    if request.method == "GET":
        return _read(actor, resource_type, id, None)
    organisation = _hospital(actor)
    return _take_single(request, actor, organisation, resource_type, id)


@_fhir("GET")
def one_version(
    request: HttpRequest, *, actor: Actor, resource_type: str, id: str, version: str
) -> HttpResponse:
    """Read a resource as it was."""
    _require_type(resource_type)
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 11 else 0
    return _read(actor, resource_type, id, min(number, LARGEST_VERSION))


def metadata(request: HttpRequest) -> HttpResponse:
    """What this node can do."""
    return fhir_response(orjson.dumps(capability_statement()), 200)


def fhir_response(body: bytes, status: int) -> HttpResponse:
    """A FHIR answer."""
    return HttpResponse(body, status=status, content_type=f"{MEDIA_TYPE}; charset=utf-8")


def _read(actor: Actor, resource_type: str, id_: str, version: int | None) -> HttpResponse:
    resource_id = bundles.as_uuid(id_)
    stored = None
    if resource_id is not None:
        kind = KINDS.get(resource_type, Kind.ENTRY)
        stored = selectors.stored_version(kind, resource_type, resource_id, version)
    if stored is None:
        authorise(actor, "record.read", resource_type=resource_type, resource_id=resource_id)
        raise NotVisible
    authorise(
        actor, "record.read",
        facts=facts_about_registration(actor, stored.registration_id, stored.organisation_id),
        registration_id=stored.registration_id, resource_type=resource_type,
        resource_id=stored.id,
    )  # fmt: skip
    response = fhir_response(resource_of(stored), 200)
    response["ETag"] = f'W/"{stored.version}"'
    response["Last-Modified"] = stored.recorded_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return response


def _take_single(
    request: HttpRequest, actor: Actor, organisation: Organisation, resource_type: str, id_: str
) -> HttpResponse:
    raw = _body(request)
    method = str(request.method)
    given = request.headers.get("X-Message-Id")
    # A PUT may bring back an older state, so its bytes alone do not make it a repetition.
    fallback = f"put:{uuid7()}" if method == "PUT" else door.default_message_id(raw)
    message_id = _checked_message_id(given) if given is not None else fallback

    def make() -> tuple[str, list[bundles.Entry]]:
        entry = bundles.single_entry(
            parse(raw), method=method, resource_type=resource_type, id_=id_,
            organisation=organisation, if_none_exist=request.headers.get("If-None-Exist"),
        )  # fmt: skip
        return bundles.TRANSACTION, [entry]

    answer = door.take(
        make, organisation=organisation, message_id=message_id, raw=raw,
        language=get_language() or "zh", by=actor,
    )  # fmt: skip
    if answer.status != 200:
        return fhir_response(answer.body, answer.status)
    told = orjson.loads(answer.body)["entry"][0]["response"]
    type_, resource_id, *rest = told["location"].split("/")
    version = int(rest[1]) if rest else None
    stored = selectors.stored_version(
        KINDS.get(type_, Kind.ENTRY), type_, UUID(resource_id), version
    )
    if stored is None:
        raise NotVisible
    response = fhir_response(resource_of(stored), int(told["status"][:3]))
    response["Location"] = f"{settings.NODE_URL}/fhir/R4/{told['location']}"
    response["ETag"] = f'W/"{stored.version}"'
    return response


def _hospital(actor: Actor) -> Organisation:
    """The hospital whose system is pushing; refused to others, and at any but the hospital's node."""
    found = None
    if actor.role is Role.HOSPITAL_SYSTEM and actor.organisation_id is not None:
        found = Organisation.objects.filter(pk=actor.organisation_id).first()
    if found is None:
        authorise(actor, door.WRITE)
        raise NotVisible
    if found.node != settings.NODE_CODE:
        raise WrongCity(facts={"city": found.node})
    return found


def _require_type(resource_type: str) -> None:
    if resource_type not in RESOURCE_TYPES - NOT_KEPT:
        raise refuse("resource-type", value=resource_type)


def _body(request: HttpRequest) -> bytes:
    """The bytes of the message, unpacked, within the limit."""
    limit = settings.MAX_BODY_BYTES
    if (request.content_type or "") not in TAKEN:
        raise refuse("media-type", value=request.content_type or "")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise refuse("encoding", value=encoding)
    try:
        raw = request.body
    except RequestDataTooBig as error:
        raise refuse("too-large", value=str(limit)) from error
    except UnreadablePostError as error:
        raise refuse("json") from error
    if len(raw) > limit:
        raise refuse("too-large", value=str(limit))
    return gunzip(raw, limit) if encoding == "gzip" else raw


def _message_id(request: HttpRequest, bundle: Any, raw: bytes) -> str:
    """`Bundle.identifier`, else the header, else the digest of the bytes (architecture §5)."""
    identifier = bundle.get("identifier") if isinstance(bundle, dict) else None
    if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
        system = identifier.get("system")
        prefix = f"{system}|" if isinstance(system, str) else ""
        return _checked_message_id(prefix + identifier["value"])
    given = request.headers.get("X-Message-Id")
    return _checked_message_id(given) if given is not None else door.default_message_id(raw)


def _checked_message_id(text: str) -> str:
    if (
        not 0 < len(text) <= LONGEST_MESSAGE_ID
        or not text.isprintable()
        or bundles.names_a_person(text.rpartition("|")[2])
    ):
        raise refuse("message-id", "Bundle.identifier", text)
    return text
