"""Reading messages that were refused."""

from typing import Any

import orjson
from django.db.models import QuerySet

from health_records.models import Message
from health_records.sealing import open_packed
from health_records.states import MessageState
from kernel.actor import Actor, Role


def refused_visible_to(actor: Actor) -> QuerySet[Message]:
    """Refused messages of the actor's hospital; of every hospital here for the platform's operators."""
    refused = Message.objects.filter(state=MessageState.REFUSED)
    if actor.role is Role.OPERATOR:
        return refused
    own = actor.organisation_id
    return refused.filter(organisation_id=own) if own else refused.none()


def raw_of(message: Message) -> bytes:
    """The bytes as they came."""
    return open_packed("health_records.Message.raw", message.id, message.raw)


def request_of(message: Message) -> dict[str, str] | None:
    """What was asked with a resource that came alone; None for a Bundle."""
    if message.request is None:
        return None
    packed = open_packed("health_records.Message.request", message.id, message.request)
    request: dict[str, str] = orjson.loads(packed)
    return request


def outcome_of(message: Message) -> dict[str, Any]:
    """The OperationOutcome that the hospital was answered."""
    answer = open_packed("health_records.Message.answer", message.id, message.answer)
    outcome: dict[str, Any] = orjson.loads(answer)
    return outcome
