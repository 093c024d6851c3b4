"""Messages that were refused go through the door once more, as they are or mended, under their own id."""

from collections.abc import Iterable
from dataclasses import dataclass

from health_records.formats.fhir import door
from health_records.formats.fhir.door import Answer
from health_records.messages import raw_of, request_of
from health_records.models import Message
from kernel.access.rules import AT_HOME
from kernel.access.services import authorise
from kernel.actor import Actor


@dataclass(slots=True)
class Tally:
    """What came of messages that were replayed."""

    replayed: int = 0
    accepted: int = 0
    refused: int = 0


def replay(message: Message, *, by: Actor, language: str, mended: bytes | None = None) -> Answer:
    """Take a refused message in again, with a mended body if there is one; the door's answer.

    Refused again, it stays in the list, with the new body and the new reasons. The caller has asked
    for access to the message.
    """
    return door.take(
        raw_of(message) if mended is None else mended, organisation=message.organisation,
        message_id=message.message_id, request=request_of(message), language=language, by=by,
    )  # fmt: skip


def replay_all(messages: Iterable[Message], *, by: Actor, language: str) -> Tally:
    """Each of the messages by itself, audited by itself and in its own transaction."""
    tally = Tally()
    for message in messages:
        authorise(
            by, "message.write", facts=AT_HOME, resource_type="Message", resource_id=message.id
        )
        answer = replay(message, by=by, language=language)
        tally.replayed += 1
        tally.accepted += answer.status == 200
        tally.refused += answer.status != 200
    return tally
