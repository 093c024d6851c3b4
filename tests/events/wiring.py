"""A wiring for the tests of events: handlers that write, fail, wait."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from kernel.events.errors import NotYet
from kernel.events.models import Event, EventWatermark
from kernel.keys.errors import KeyUnknown

HERE = "tests.events.wiring"
seen: list[tuple[str, Event]] = []
hooks: dict[str, Any] = {}
sets: list[list[UUID]] = []

ON_BOTH = {
    "thing.changed": [f"{HERE}.note", f"{HERE}.leave_a_mark"],
    "thing.fails": [f"{HERE}.fail", f"{HERE}.note"],
    "thing.breaks": [f"{HERE}.break_the_transaction", f"{HERE}.note"],
    "thing.waits": [f"{HERE}.wait", f"{HERE}.note"],
    "thing.locked": [f"{HERE}.lack_a_key"],
    "thing.collected": [f"{HERE}.collect", f"{HERE}.note"],
    "thing.past": [f"{HERE}.note", f"{HERE}.note_history"],
}
HANDLERS = {"province": ON_BOTH, "city": ON_BOTH}


def note(event: Event) -> None:
    """Remember the event."""
    seen.append(("note", event))


def note_history(event: Event) -> None:
    """Remember the event, also of the time before enrolment."""
    seen.append(("note_history", event))


note_history.wants_history = True  # type: ignore[attr-defined]


def leave_a_mark(event: Event) -> None:
    """Write a row, as a handler does."""
    EventWatermark.objects.create(node=f"mark {event.id}", before_id=event.id)
    if (hook := hooks.get("leave_a_mark")) is not None:
        hook(event)


def collect(event: Event) -> None:
    """Write a row, alone."""
    collect_all([event])


def collect_all(events: Sequence[Event]) -> None:
    """Write a row for each, as a handler does that takes several at once."""
    sets.append([event.id for event in events])
    for event in events:
        leave_a_mark(event)


collect.together = collect_all  # type: ignore[attr-defined]


def fail(event: Event) -> None:
    """Write a row and fail."""
    EventWatermark.objects.create(node=f"half {event.id}", before_id=event.id)
    raise ValueError(f"no good: 13800001111 of {settings.NODE_CODE}\nsecond line")


def break_the_transaction(event: Event) -> None:
    """Make the database refuse a statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'a patient'::int")


def wait(event: Event) -> None:
    """Miss a row."""
    raise NotYet


def lack_a_key(event: Event) -> None:
    """Meet a ciphertext whose key has not come yet."""
    raise KeyUnknown
