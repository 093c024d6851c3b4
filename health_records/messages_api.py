"""The repair shop: refused messages listed, shown, mended and replayed."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import get_language
from ninja import Query, Router, Schema
from pydantic import AfterValidator, AwareDatetime

from health_records.formats.fhir import repair
from health_records.formats.fhir.door import Answer
from health_records.formats.fhir.issues import MessageRefused, outcome
from health_records.formats.fhir.negotiation import FHIR_JSON, body_of
from health_records.messages import outcome_of, raw_of, refused_visible_to, request_of
from health_records.models import Message
from kernel.access.errors import NotVisible
from kernel.access.rules import ANYBODY_KNOWN, AT_HOME
from kernel.access.services import authorise
from kernel.actor import Actor, Role
from kernel.http import Code, SignedInRequest
from kernel.problems import InputInvalid
from registry.cursors import cursor_of, id_in, page_of
from registry.organisations.selectors import organisation_by_code

router = Router(tags=["messages"])

MOST_LISTED, MOST_REPLAYED = 200, 100


def _in_utc(moment: datetime) -> datetime:
    """PostgreSQL takes offsets below 16 hours only, Python below 24."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the calendar ends before") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Filter(Schema):
    """Which refused messages are meant; `type` is a resource type with something wrong in it."""

    hospital: Code | None = None
    rule: Code | None = None
    type: Code | None = None
    since: Moment | None = None
    until: Moment | None = None
    cursor: str | None = None
    limit: int = 50


class RefusedMessage(Schema):
    """A refused message, without a word of what it says."""

    id: UUID
    hospital: str
    message_id: str
    received_at: datetime
    status: int
    rules: list[str]
    types: list[str]


class RefusedPage(Schema):
    """A page, oldest first."""

    items: list[RefusedMessage]
    next: str | None


class Reason(Schema):
    """One thing wrong, and how to mend it."""

    path: str
    rule: str
    text: str


class Shown(RefusedMessage):
    """A refused message with its reasons; `request` where a resource came alone."""

    request: dict[str, str] | None
    reasons: list[Reason]


class Replayed(Schema):
    """What came of a message that was taken in again."""

    id: UUID
    state: str
    status: int
    reasons: list[Reason]


class Tally(Schema):
    """What came of those of one page; `next` where there are more."""

    replayed: int
    accepted: int
    refused: int
    next: str | None


@router.get("/messages", response=RefusedPage)
def refused_messages(request: SignedInRequest, wanted: Query[Filter]) -> dict[str, object]:
    """Refused messages, oldest first: a hospital's own, or all for the platform's operators."""
    page, place = _page(request.auth, wanted, MOST_LISTED)
    authorise(
        request.auth, "message.list", facts=_facts(request.auth) | ANYBODY_KNOWN,
        resource_type="Message", count=len(page),
    )  # fmt: skip
    return {"items": [_listed(one) for one in page], "next": place}


@router.get("/messages/{uuid:message_id}", response=Shown)
def show_message(request: SignedInRequest, message_id: UUID) -> dict[str, object]:
    """A refused message and its reasons."""
    message = _own(request.auth, message_id, "message.read")
    return _listed(message) | {
        "request": request_of(message),
        "reasons": _reasons(outcome_of(message)),
    }


@router.get("/messages/{uuid:message_id}/content")
def message_content(request: SignedInRequest, message_id: UUID) -> HttpResponse:
    """The bytes of a refused message as they came."""
    message = _own(request.auth, message_id, "message.read")
    response = HttpResponse(raw_of(message), content_type=FHIR_JSON)
    response["Content-Disposition"] = f'attachment; filename="{message.id}.json"'
    response["Cache-Control"] = "no-store"
    return response


@router.put("/messages/{uuid:message_id}/content", response=Replayed)
def mend_message(request: SignedInRequest, message_id: UUID) -> dict[str, object]:
    """Take a message in again with this body instead of its own."""
    message = _own(request.auth, message_id, "message.write")
    language = get_language() or "zh"
    try:
        body = body_of(request)
    except MessageRefused as refusal:
        raise _invalid(refusal, language) from refusal
    return _replayed(
        message, repair.replay(message, by=request.auth, language=language, mended=body)
    )


@router.post("/messages/{uuid:message_id}/replay", response=Replayed)
def replay_message(request: SignedInRequest, message_id: UUID) -> dict[str, object]:
    """Take a message in again as it is: what it lacked may have come."""
    message = _own(request.auth, message_id, "message.write")
    answer = repair.replay(message, by=request.auth, language=get_language() or "zh")
    return _replayed(message, answer)


@router.post("/messages/replay", response=Tally)
def replay_messages(request: SignedInRequest, wanted: Filter) -> dict[str, object]:
    """Take in again what the filter lets through, a page at a time, each message by itself."""
    page, place = _page(request.auth, wanted, MOST_REPLAYED)
    authorise(
        request.auth, "message.write", facts=_facts(request.auth), resource_type="Message",
        count=len(page),
    )  # fmt: skip
    tally = repair.replay_all(page, by=request.auth, language=get_language() or "zh")
    return asdict(tally) | {"next": place}


def _page(actor: Actor, wanted: Filter, most: int) -> tuple[list[Message], str | None]:
    found = _filtered(refused_visible_to(actor), wanted)
    ordered = found.select_related("organisation").order_by("id")
    page, more = page_of(ordered, wanted.limit, most=most)
    return page, cursor_of(page[-1].id) if more else None


def _filtered(messages: QuerySet[Message], wanted: Filter) -> QuerySet[Message]:
    if wanted.hospital is not None:
        messages = messages.filter(organisation_id=organisation_by_code(wanted.hospital).id)
    if wanted.rule is not None:
        messages = messages.filter(rules__contains=[wanted.rule])
    if wanted.type is not None:
        messages = messages.filter(types__contains=[wanted.type])
    if wanted.since is not None:
        messages = messages.filter(received_at__gte=wanted.since)
    if wanted.until is not None:
        messages = messages.filter(received_at__lt=wanted.until)
    if wanted.cursor is not None:
        messages = messages.filter(id__gt=id_in(wanted.cursor))
    return messages


def _own(actor: Actor, message_id: UUID, action: str) -> Message:
    """A refused message of the actor's hospital; NotVisible when it is not. Audited."""
    message = (
        Message.objects.select_related("organisation")
        .filter(pk__in=refused_visible_to(actor).values("pk"), pk=message_id)
        .first()
    )
    authorise(
        actor, action, facts=_facts(actor) if message else frozenset(), resource_type="Message",
        resource_id=message_id,
    )  # fmt: skip
    if message is None:
        raise NotVisible
    return message


def _facts(actor: Actor) -> frozenset[str]:
    """A hospital's system finds messages of its own hospital only."""
    return AT_HOME if actor.role is Role.HOSPITAL_SYSTEM and actor.organisation_id else frozenset()


def _listed(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "hospital": message.organisation.code,
        "message_id": message.message_id,
        "received_at": message.received_at,
        "status": message.answer_status,
        "rules": message.rules,
        "types": message.types,
    }


def _reasons(told: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "path": issue.get("expression", [""])[0],
            "rule": issue["details"].get("coding", [{"code": ""}])[0]["code"],
            "text": issue["details"]["text"],
        }
        for issue in told["issue"]
    ]


def _replayed(message: Message, answer: Answer) -> dict[str, object]:
    accepted = answer.status == 200
    return {
        "id": message.id,
        "state": "accepted" if accepted else "refused",
        "status": answer.status,
        "reasons": [] if accepted else _reasons(orjson.loads(answer.body)),
    }


def _invalid(refusal: MessageRefused, language: str) -> InputInvalid:
    invalid = InputInvalid(outcome(refusal.issues, language)["issue"][0]["details"]["text"])
    invalid.status = refusal.status
    return invalid
