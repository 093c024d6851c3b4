"""What is searched and what is found: plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from health_records.incoming import Kind


class Lead(StrEnum):
    """From which index a search starts."""

    RECORD = "record"
    IDS = "ids"
    FEW = "few"
    CODE = "code"
    DATE = "date"
    CHANGED = "changed"


class Order(StrEnum):
    """By what answers are sorted; the id decides between equals."""

    OCCURRED = "occurred_at"
    CHANGED = "changed_at"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL on a row `t`, with a `{}` for every value."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the last page ended."""

    at: Any
    id: UUID


@dataclass(slots=True)
class Criteria:
    """What is searched: one type of resource, under conditions that all hold.

    `few` are conditions with an index of their own that few rows meet; `branches` are alternatives of
    which each is read in the order of the leading index.
    """

    kind: Kind
    resource_type: str
    patients: frozenset[UUID] | None = None
    encounters: frozenset[UUID] | None = None
    ids: frozenset[UUID] | None = None
    conditions: list[Condition] = field(default_factory=list)
    few: list[Condition] = field(default_factory=list)
    branches: list[Condition] = field(default_factory=list)
    lead: Lead = Lead.CHANGED
    order: Order = Order.CHANGED
    descending: bool = False
    limit: int = 0
    after: Place | None = None
    references: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A resource in its current version; `references` are those that were asked to be followed."""

    resource_type: str
    registration_id: UUID | None
    fact: str
    id: UUID
    node: str
    organisation_id: UUID
    version: int
    place: Any
    row_id: UUID
    source: str
    sealed: bytes | None
    recorded_at: datetime
    references: Sequence[str]


class TooBroad(Exception):
    """The search took too long: it must be narrowed."""
