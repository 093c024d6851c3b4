"""What a text message says, sealed and opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from kernel import crypto
from registry.sms.models import TextMessage


@dataclass(frozen=True, slots=True)
class Text:
    """A message as an adapter gets it; the parameters fill the template."""

    id: UUID
    phone: str = field(repr=False)
    template: str
    parameters: Mapping[str, str] = field(repr=False)


def seal_text(text: Text) -> bytes:
    """The message for `TextMessage.sealed`."""
    return crypto.seal(
        orjson.dumps([text.phone, text.template, text.parameters]), context=_context(text.id)
    )


def open_text(row: TextMessage) -> Text:
    """The message of a row."""
    return Text(row.id, *orjson.loads(crypto.open_sealed(row.sealed, context=_context(row.id))))


def _context(row_id: UUID) -> bytes:
    return crypto.context_of("sms.TextMessage.sealed", row_id)
