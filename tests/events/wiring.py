"""A wiring for the tests of events: handlers that write, fail, wait."""

from typing import Any

from django.conf import settings
from django.db import connection

from kernel.events.errors import NotYet
from kernel.events.models import Event, EventWatermark
from kernel.keys.errors import KeyUnknown

HERE = "tests.events.wiring"
seen: list[tuple[str, Event]] = []
hooks: dict[str, Any] = {}

ON_BOTH = {
    "thing.changed": [f"{HERE}.note", f"{HERE}.leave_a_mark"],
    "thing.fails": [f"{HERE}.fail", f"{HERE}.note"],
    "thing.breaks": [f"{HERE}.break_the_transaction", f"{HERE}.note"],
    "thing.waits": [f"{HERE}.wait", f"{HERE}.note"],
    "thing.locked": [f"{HERE}.lack_a_key"],
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
