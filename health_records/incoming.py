"""A message taken apart: what every format turns its input into before it is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from registry.patients.rules import RegistrationFacts


class Kind(StrEnum):
    """Which table holds a resource."""

    REGISTRATION = "registration"
    ENCOUNTER = "encounter"
    DOCUMENT = "document"
    PARTY = "party"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Known:
    """A resource the hospital pushed before; `names` are ids under which a patient was."""

    id: UUID
    version: int
    digest: bytes
    deleted: bool = False
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """Data cut out of a resource."""

    pointer: str
    content_type: str
    content: bytes
    is_base64: bool


@dataclass(slots=True)
class Incoming:
    """One resource ready to be stored; `columns` fit the table of its kind.

    `source_key` is what makes it the same resource again; of a patient, who is known by `local_id`, the id
    by which the message calls it, if any.

    A `deleted` one says that the source took it back; it has no content and keeps its columns but few.
    """

    kind: Kind
    resource_type: str
    id: UUID
    source_key: str
    known: Known | None
    source: bytes
    digest: bytes
    sealed: dict[str, Any]
    attachments: list[Attachment]
    identifiers: list[str] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    local_id: str = ""
    facts: RegistrationFacts | None = None
    version: int = 0
    changed: bool = False
    deleted: bool = False


def registrations_of(resources: Iterable[Incoming]) -> list[UUID]:
    """Whose records these resources are, each registration once, in order of id."""
    found: set[str] = set()
    for one in resources:
        if one.kind is Kind.REGISTRATION:
            found.add(str(one.id))
        elif whose := one.columns.get("registration_id"):
            found.add(whose)
    return sorted(map(UUID, found))


@dataclass(frozen=True, slots=True)
class Received:
    """A message, whatever its format; `request` is what was asked with a resource that came alone."""

    id: UUID
    organisation_id: UUID
    message_id: str
    raw: bytes
    at: datetime
    request: bytes = b""

    @property
    def sha256(self) -> bytes:
        """Digest of the bytes as they came; of a resource alone, of what was asked with it, too."""
        return sha256(self.request + self.raw).digest()
