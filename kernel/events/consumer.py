"""The consumer: runs the handlers of due deliveries, each once in effect.

A round claims some deliveries, runs their handlers and marks them, in one transaction; each handler
has its own savepoint, so a failing one undoes only itself. A handler with `together`, a function that
takes several events, gets all of its deliveries at once; when that fails, halves of them, until what
fails stands alone. Two consumers may run side by side.
"""

import logging
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event as Flag
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from kernel.events import services
from kernel.events.errors import NotYet
from kernel.events.models import Event, EventDelivery
from kernel.events.states import WAITS, State, pause_after_failure, pause_while_waiting
from kernel.keys.errors import KeyUnknown

log = logging.getLogger(__name__)

CLAIMED_AT_ONCE = 64  # what a handler takes together; of others about a quarter fits into one round
ROUND_SECONDS = 0.02  # nothing of a round is visible to others before its commit
BUSY_PAUSE = 0.01
LONGEST_PAUSE = 0.1
RECONNECT_PAUSES = (0.1, 0.25, 0.5, 1.0, 2.0)
ERROR_LENGTH = 500

PEEK = "SELECT FROM events_eventdelivery WHERE state = 'due' AND due_at <= statement_timestamp() LIMIT 1"
CLAIM = """
SELECT id, event_id, node, handler, attempts, waits FROM events_eventdelivery
WHERE state = 'due' AND due_at <= statement_timestamp()
ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
DONE = (
    "UPDATE events_eventdelivery SET state = 'done', done_at = clock_timestamp() WHERE id = ANY(%s)"
)


class Round(NamedTuple):
    """What a round did, and whether it left due deliveries behind."""

    handled: int
    more: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery held by this round."""

    id: UUID
    event_id: UUID
    node: str
    handler: str
    attempts: int
    waits: int


def consume(stop: Flag, chores: Callable[[], None] = lambda: None) -> None:
    """Work until `stop` is set, doing chores in between; outlives restarts of the database."""
    pause, lost = BUSY_PAUSE, 0
    while not stop.is_set():
        try:
            if lost:
                services.sync_routes()
                log.info("the database is back, going on")
                lost = 0
            chores()
            if pause > BUSY_PAUSE and not _any_due():
                done = Round(0, more=False)
            else:
                done = run_round(stop)
        except (InterfaceError, OperationalError) as error:
            connection.close()
            again = RECONNECT_PAUSES[min(lost, len(RECONNECT_PAUSES) - 1)]
            if lost % 10 == 0:
                log.warning("the database is away (%s), asking again", _first_line(error))
            lost += 1
            stop.wait(again)
            continue
        if done.more:
            continue
        pause = BUSY_PAUSE if done.handled else min(pause * 1.5, LONGEST_PAUSE)
        stop.wait(pause)


def run_round(stop: Flag | None = None) -> Round:
    """Claim due deliveries and handle what fits into one round; the rest is let go again."""
    with transaction.atomic():
        claimed = _claim()
        if not claimed:
            return Round(0, more=False)
        events = _events_of(claimed)
        until = time.monotonic() + ROUND_SECONDS
        tried, done = 0, list[UUID]()
        for batch in _batches(claimed):
            tried += len(batch)
            done += _handled(batch, events)
            if time.monotonic() > until or (stop is not None and stop.is_set()):
                break
        if done:
            with connection.cursor() as cursor:
                cursor.execute(DONE, [done])
    return Round(tried, more=tried < len(claimed) or len(claimed) == CLAIMED_AT_ONCE)


def _any_due() -> bool:
    """One cheap look while idle: no transaction, no lock."""
    with connection.cursor() as cursor:
        cursor.execute(PEEK)
        return bool(cursor.rowcount)


def _claim() -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [CLAIMED_AT_ONCE])
        return [Claimed(*row) for row in cursor.fetchall()]


def _events_of(claimed: list[Claimed]) -> dict[UUID, Event]:
    """The claimed events, read node by node so that the hub touches only their partitions."""
    ids: dict[str, list[UUID]] = defaultdict(list)
    for delivery in claimed:
        ids[delivery.node].append(delivery.event_id)
    return {
        event.id: event
        for node, wanted in ids.items()
        for event in Event.objects.filter(node=node, id__in=wanted)
    }


def _batches(claimed: list[Claimed]) -> list[list[Claimed]]:
    """Deliveries in their order, but with the first one of a handler that takes several all of its."""
    batches: list[list[Claimed]] = []
    together: dict[str, list[Claimed]] = {}
    for delivery in claimed:
        if delivery.handler in together:
            together[delivery.handler].append(delivery)
            continue
        batches.append([delivery])
        if _takes_several(delivery.handler):
            together[delivery.handler] = batches[-1]
    return batches


def _takes_several(path: str) -> bool:
    try:
        return hasattr(import_string(path), "together")
    except ImportError:
        return False  # its deliveries fail, each for itself


def _handled(batch: list[Claimed], events: dict[UUID, Event]) -> list[UUID]:
    """Run the handler in a savepoint; ids of what is done. On failure set when it is tried again.

    What failed together is tried in halves, so that each failure is the delivery's own.
    """
    try:
        with transaction.atomic():
            _run(batch, events)
    except (InterfaceError, OperationalError) as error:
        if connection.connection is None or connection.connection.closed:
            raise
        return _failed(batch, events, error)
    except Exception as error:  # noqa: BLE001 — whatever a handler does, the others go on
        return _failed(batch, events, error)
    return [delivery.id for delivery in batch]


def _run(batch: list[Claimed], events: dict[UUID, Event]) -> None:
    told = [events[one.event_id] for one in batch if one.event_id in events]
    if len(told) < len(batch):
        raise NotYet  # a reload is copying it again
    handler = import_string(batch[0].handler)
    if len(told) > 1:
        handler.together(told)
    else:
        handler(told[0])


def _failed(batch: list[Claimed], events: dict[UUID, Event], error: Exception) -> list[UUID]:
    if len(batch) > 1:
        half = len(batch) // 2
        return _handled(batch[:half], events) + _handled(batch[half:], events)
    if isinstance(error, NotYet | KeyUnknown):
        _wait(batch[0], error)
    else:
        _fail(batch[0], error)
    return []


def _wait(delivery: Claimed, error: Exception) -> None:
    if delivery.waits >= WAITS:
        _fail(delivery, error)
        return
    _set(
        delivery,
        waits=delivery.waits + 1,
        due_at=timezone.now() + timedelta(seconds=pause_while_waiting(delivery.waits)),
    )


def _fail(delivery: Claimed, error: BaseException) -> None:
    attempts = delivery.attempts + 1
    pause = pause_after_failure(attempts)
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.warning(
        "handler %s failed on event %s (try %d): %s\n%s",
        delivery.handler,
        delivery.event_id,
        attempts,
        described(error),
        trace,
    )
    told = {"attempts": attempts, "waits": 0, "last_error": described(error)}
    if pause is None:
        _set(delivery, state=State.PARKED, **told)
    else:
        _set(delivery, due_at=timezone.now() + timedelta(seconds=pause), **told)


def _set(delivery: Claimed, **values: object) -> None:
    EventDelivery.objects.filter(id=delivery.id).update(**values)


def described(error: BaseException) -> str:
    """Class and message of an error, digits hidden: messages of the database quote values."""
    text = "" if isinstance(error, DatabaseError) else _first_line(error)
    masked = "".join("#" if char.isdigit() else char for char in text)
    return f"{type(error).__name__}: {masked}".removesuffix(": ")[:ERROR_LENGTH]


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
