"""The FHIR addresses of a node. Plain Django views: this is the hot path."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt

from health_records import selectors
from health_records.errors import WrongCity
from health_records.formats.fhir import answers, bundled_reads, bundles, door
from health_records.formats.fhir.capability import capability_statement
from health_records.formats.fhir.conditions import NOT_CONDITIONS
from health_records.formats.fhir.history import Asked, history_of, history_of_type
from health_records.formats.fhir.issues import MessageRefused, outcome, outcome_of, refuse
from health_records.formats.fhir.negotiation import (
    FHIR_JSON,
    as_wanted,
    body_of,
    is_unchanged,
    media_type,
    say_version,
    wanted_return,
)
from health_records.formats.fhir.parsing import dump, parse
from health_records.formats.fhir.reading import resource_of
from health_records.formats.fhir.resource_types import KINDS, NOT_KEPT, RESOURCE_TYPES
from health_records.formats.fhir.search.answers import search
from health_records.formats.fhir.search.everything import everything
from health_records.formats.fhir.search.requests import is_strict, pairs_asked
from health_records.formats.fhir.subsets import subset_asked
from health_records.incoming import Kind
from health_records.visibility import facts_about_registration
from kernel.access.errors import NotVisible
from kernel.access.services import authorise
from kernel.actor import Actor, Role
from kernel.homes import uuid7
from kernel.problems import DomainError, Unauthenticated
from registry.accounts.selectors import actor_of_token
from registry.organisations.models import Organisation
from registry.organisations.selectors import organisation

READ = "record.read"
LONGEST_MESSAGE_ID = 200
CONDITIONS = {"ifNoneExist": "HTTP_IF_NONE_EXIST", "ifMatch": "HTTP_IF_MATCH"}

View = Callable[..., HttpResponse]


def _answered(*methods: str) -> Callable[[View], View]:
    """A view whose every answer, refusals too, is FHIR JSON as the client wants it."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answered(request: HttpRequest, **named: Any) -> HttpResponse:
            type_ = FHIR_JSON
            try:
                type_ = media_type(request)
                if request.method not in methods:
                    rule = "patch" if request.method == "PATCH" else "method"
                    raise refuse(rule, value=str(request.method))
                response = view(request, **named)
            except (MessageRefused, DomainError) as error:
                response = _refusal(error, get_language() or "zh")
            if response.status_code == 405:
                response["Allow"] = ", ".join(methods)
            return as_wanted(request, response, type_)

        return answered

    return decorate


def _fhir(*methods: str) -> Callable[[View], View]:
    """The same for a signed-in actor."""

    def decorate(view: View) -> View:
        @_answered(*methods)
        @wraps(view)
        def signed_in(request: HttpRequest, **named: Any) -> HttpResponse:
            return view(request, actor=_actor(request), **named)

        return signed_in

    return decorate


def _refusal(error: MessageRefused | DomainError, language: str) -> HttpResponse:
    if isinstance(error, MessageRefused):
        return fhir_response(dump(outcome(error.issues, language)), error.status)
    response = fhir_response(dump(outcome_of(error, language)), error.status)
    if error.status == Unauthenticated.status:
        response["WWW-Authenticate"] = "Bearer"
    return response


def _actor(request: HttpRequest) -> Actor:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    actor = actor_of_token(token.strip()) if scheme.lower() == "bearer" else None
    if actor is None:
        raise Unauthenticated
    request.actor = actor  # type: ignore[attr-defined]
    return actor


@_fhir("POST")
def base(request: HttpRequest, *, actor: Actor) -> HttpResponse:
    """Take a Bundle; one that only reads is answered to everybody, at every node."""
    raw = body_of(request)
    parsed: Any = None
    with suppress(MessageRefused):  # refused at the door, where the message is kept
        parsed = parse(raw)
    try:
        reads = bundled_reads.reads_in(parsed)
        if reads is not None and reads.are_all:
            return fhir_response(bundled_reads.answer_alone(reads, parsed, request), 200)
        return _take_bundle(request, actor, raw, parsed, reads)
    except bundled_reads.ReadFailed as failed:
        return fhir_response(dump(failed.outcome), failed.status)


def _take_bundle(
    request: HttpRequest, actor: Actor, raw: bytes, parsed: Any, reads: bundled_reads.Reads | None
) -> HttpResponse:
    hospital = _hospital(actor)
    message_id = _message_id(request, parsed, raw)
    language = get_language() or "zh"
    told: dict[int, Any] = {}

    def read_last() -> None:
        if reads is not None and reads.type == bundles.TRANSACTION:
            told.update(bundled_reads.answers_to(reads, request, whole=True))

    answer = door.take(
        raw, organisation=hospital, message_id=message_id, language=language, by=actor,
        parsed=parsed, at_last=read_last,
    )  # fmt: skip
    body = answers.of_bundle(answer, wanted_return(request), language)
    if reads is not None and answer.status == 200:
        told = told or bundled_reads.answers_to(reads, request, whole=False)
        body = bundled_reads.woven(body, told)
    return fhir_response(body, answer.status)


@_fhir("GET", "HEAD", "POST", "PUT", "DELETE")
def of_type(request: HttpRequest, *, actor: Actor, resource_type: str) -> HttpResponse:
    """Search a type; create one resource, or update or delete the one that meets a condition."""
    if request.method in {"GET", "HEAD"}:
        return _search(request, actor, resource_type)
    return _take_single(request, actor, resource_type, "")


@_fhir("GET", "HEAD", "PUT", "DELETE")
def one(request: HttpRequest, *, actor: Actor, resource_type: str, id: str) -> HttpResponse:
    """Read a resource, bring it up to date, or take it back."""
    if request.method in {"PUT", "DELETE"}:
        return _take_single(request, actor, resource_type, id)
    _require_type(resource_type)
    return _read(request, actor, resource_type, id, None)


@_fhir("GET", "HEAD")
def everything_of(request: HttpRequest, *, actor: Actor, id: str) -> HttpResponse:
    """The whole record of a patient."""
    body = everything(
        id, pairs_asked(request), strict=is_strict(request), language=get_language() or "zh",
        by=actor,
    )  # fmt: skip
    return fhir_response(body, 200)


@_fhir("POST")
def search_by_form(request: HttpRequest, *, actor: Actor, resource_type: str) -> HttpResponse:
    """Search a type by a form."""
    return _search(request, actor, resource_type)


@_fhir("GET", "HEAD")
def one_version(
    request: HttpRequest, *, actor: Actor, resource_type: str, id: str, version: str
) -> HttpResponse:
    """Read a resource as it was."""
    _require_type(resource_type)
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 11 else 0
    return _read(request, actor, resource_type, id, min(number, selectors.LATEST))


@_fhir("GET", "HEAD")
def history(request: HttpRequest, *, actor: Actor, resource_type: str, id: str) -> HttpResponse:
    """The versions of a resource, newest first."""
    _require_type(resource_type)
    asked = Asked(request.GET)
    current = _readable(actor, resource_type, id, None)
    return fhir_response(history_of(current, asked), 200)


@_fhir("GET", "HEAD")
def type_history(request: HttpRequest, *, actor: Actor, resource_type: str) -> HttpResponse:
    """The versions of what a hospital pushed of a type, newest first."""
    _require_type(resource_type)
    body = history_of_type(resource_type, Asked(request.GET), by=actor)
    return fhir_response(body, 200)


@_fhir("GET", "HEAD")
def whole_history(request: HttpRequest, *, actor: Actor) -> HttpResponse:
    """The history of everything, which is not told."""
    raise refuse("history-whole")


@_answered("GET", "HEAD")
def metadata(request: HttpRequest) -> HttpResponse:
    """What this node can do."""
    return fhir_response(orjson.dumps(capability_statement()), 200)


def fhir_response(body: bytes, status: int) -> HttpResponse:
    """A FHIR answer."""
    return HttpResponse(body, status=status, content_type=f"{FHIR_JSON}; charset=utf-8")


def _search(request: HttpRequest, actor: Actor, resource_type: str) -> HttpResponse:
    _require_type(resource_type)
    body = search(
        resource_type, pairs_asked(request), strict=is_strict(request),
        language=get_language() or "zh", by=actor,
    )  # fmt: skip
    return fhir_response(body, 200)


def _read(
    request: HttpRequest, actor: Actor, resource_type: str, id_: str, version: int | None
) -> HttpResponse:
    subset = subset_asked(request.GET, resource_type) if request.META.get("QUERY_STRING") else None
    stored = _readable(actor, resource_type, id_, version)
    if stored.deleted:
        raise refuse("deleted", value=f"{resource_type}/{stored.id}/_history/{stored.version}")
    response = HttpResponse(status=304)
    if not is_unchanged(request, f'W/"{stored.version}"', stored.recorded_at):
        whole = resource_of(stored)
        response = fhir_response(subset(whole) if subset else whole, 200)
    return say_version(response, stored.version, stored.recorded_at)


def _readable(
    actor: Actor, resource_type: str, id_: str, version: int | None
) -> selectors.StoredVersion:
    """A resource that the actor may read; NotVisible or Refused otherwise. Audited."""
    kind = KINDS.get(resource_type, Kind.ENTRY)
    resource_id = bundles.as_uuid(id_)
    stored, allowed = None, False
    if resource_id is not None:
        stored, allowed = selectors.allowed_version(
            actor, READ, kind, resource_type, resource_id, version
        )
    if stored is None and (ours := _called_so(actor, kind, resource_type, id_)):
        stored, allowed = selectors.allowed_version(actor, READ, kind, resource_type, ours, version)
    if stored is None:
        authorise(actor, READ, resource_type=resource_type, resource_id=resource_id)
        raise NotVisible
    if not allowed:
        authorise(
            actor, READ,
            facts=facts_about_registration(actor, stored.registration_id, stored.organisation_id),
            registration_id=stored.registration_id, resource_type=resource_type,
            resource_id=stored.id,
        )  # fmt: skip
    return stored


def _called_so(actor: Actor, kind: Kind, resource_type: str, name: str) -> UUID | None:
    """Our id of what the actor's own hospital calls so; a PUT may have made it under that name."""
    if actor.organisation_id is None or actor.role is not Role.HOSPITAL_SYSTEM:
        return None
    if not bundles.ID.fullmatch(name):
        return None
    wanted = (resource_type, name)
    found = selectors.named(actor.organisation_id, {kind: [wanted]}).get(wanted, ())
    return found[0][0] if len(found) == 1 else None


def _take_single(request: HttpRequest, actor: Actor, resource_type: str, id_: str) -> HttpResponse:
    _require_type(resource_type)
    hospital = _hospital(actor)
    method = str(request.method)
    raw = b"" if method == bundles.DELETE else body_of(request)
    said = _as_entry_request(request, method, resource_type, id_)
    given = request.META.get("HTTP_X_MESSAGE_ID")
    if given is not None:
        message_id = _checked_message_id(given)
    elif method == "POST":
        message_id = door.default_message_id(said.get("ifNoneExist", "").encode() + raw)
    else:  # a PUT may bring back an older state, so its bytes alone do not make it a repetition
        message_id = f"{method.lower()}:{uuid7()}"
    language = get_language() or "zh"
    answer = door.take(
        raw, organisation=hospital, message_id=message_id, language=language, by=actor,
        request=said,
    )  # fmt: skip
    if answer.status != 200:
        return fhir_response(answer.body, answer.status)
    return answers.of_single(answer, wanted_return(request), language)


def _as_entry_request(
    request: HttpRequest, method: str, resource_type: str, id_: str
) -> dict[str, str]:
    """The request as Bundle.entry.request would say it."""
    query = "&".join(
        part
        for part in request.META.get("QUERY_STRING", "").split("&")
        if part.partition("=")[0] not in NOT_CONDITIONS
    )
    asked: dict[str, str] = {}
    url = f"{resource_type}/{id_}" if id_ else resource_type
    if query and not id_ and method != "POST":
        url += f"?{query}"
    if query and method == "POST":  # not in the standard, but sent (fhirpy)
        asked["ifNoneExist"] = query
    asked |= {name: request.META[key] for name, key in CONDITIONS.items() if key in request.META}
    return {"method": method, "url": url} | asked


def _hospital(actor: Actor) -> Organisation:
    """The hospital whose system is pushing; refused to others, and at any but the hospital's node."""
    found = None
    if actor.role is Role.HOSPITAL_SYSTEM and actor.organisation_id is not None:
        found = organisation(actor.organisation_id)
    if found is None:
        authorise(actor, door.WRITE)
        raise NotVisible
    if found.node != settings.NODE_CODE:
        raise WrongCity(facts={"city": found.node})
    return found


def _require_type(resource_type: str) -> None:
    if resource_type in NOT_KEPT:
        raise refuse("resource-kept", value=resource_type)
    if resource_type not in RESOURCE_TYPES:
        raise refuse("type-unknown", value=resource_type)


def _message_id(request: HttpRequest, bundle: Any, raw: bytes) -> str:
    """`Bundle.identifier`, else the header, else the digest of the bytes (architecture §5)."""
    identifier = bundle.get("identifier") if isinstance(bundle, dict) else None
    if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
        system = identifier.get("system")
        prefix = f"{system}|" if isinstance(system, str) else ""
        return _checked_message_id(prefix + identifier["value"])
    given = request.META.get("HTTP_X_MESSAGE_ID")
    return _checked_message_id(given) if given is not None else door.default_message_id(raw)


def _checked_message_id(text: str) -> str:
    if (
        not 0 < len(text) <= LONGEST_MESSAGE_ID
        or not text.isprintable()
        or bundles.names_a_person(text.rpartition("|")[2])
    ):
        raise refuse("message-id", "Bundle.identifier", text)
    return text
