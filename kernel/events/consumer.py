"""The consumer: runs the handlers of due deliveries, each once in effect.

A round claims some deliveries, which marks them done, and runs their handlers, in one transaction; what
fails is due again at its end. Each handler has its own savepoint, so a failing one undoes only itself. A
handler with `together`, a function that takes several events, gets all of its deliveries at once; when
that fails, halves of them, until what fails stands alone. Two consumers may run side by side.
"""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event as Flag
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from kernel.events import services
from kernel.events.errors import NotYet
from kernel.events.models import Event, EventDelivery
from kernel.events.states import WAITS, State, pause_after_failure, pause_while_waiting
from kernel.keys.errors import KeyUnknown
from kernel.postgres import prepared

log = logging.getLogger(__name__)

CLAIMED_AT_ONCE = 64  # what a handler takes together; of others about a quarter fits into one round
ROUND_SECONDS = 0.02  # nothing of a round is visible to others before its commit
BUSY_PAUSE = 0.01
LONGEST_PAUSE = 0.1
RECONNECT_PAUSES = (0.1, 0.25, 0.5, 1.0, 2.0)
ERROR_LENGTH = 500

PEEK = "SELECT FROM events_eventdelivery WHERE state = 'due' AND due_at <= statement_timestamp() LIMIT 1"
EVENT = [column.attname for column in Event._meta.concrete_fields]
# LIMIT 1 has each event looked up where it is: a join might read whole partitions.
CLAIM = f"""
WITH claimed AS (
  UPDATE events_eventdelivery SET state = 'done', done_at = clock_timestamp()
  WHERE id = ANY(ARRAY(
    SELECT id FROM events_eventdelivery
    WHERE state = 'due' AND due_at <= statement_timestamp()
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
  ))
  RETURNING id, event_id, node, handler, attempts, waits, due_at
)
SELECT claimed.id, claimed.event_id, claimed.handler, claimed.attempts, claimed.waits, event.*
FROM claimed LEFT JOIN LATERAL (
  SELECT {", ".join(EVENT)} FROM events_event
  WHERE node = claimed.node AND id = claimed.event_id LIMIT 1
) event ON true
ORDER BY claimed.due_at, claimed.event_id
"""  # noqa: S608


class Round(NamedTuple):
    """What a round did, and whether it left due deliveries behind."""

    handled: int
    more: bool


NOTHING = Round(0, more=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery held by this round; without its event while a reload copies that again."""

    id: UUID
    event_id: UUID
    handler: str
    attempts: int
    waits: int
    event: Event | None


def consume(stop: Flag, chores: Callable[[], None] = lambda: None) -> None:
    """Work until `stop` is set, doing chores in between; outlives restarts of the database."""
    pause, lost, more = BUSY_PAUSE, 0, False
    while not stop.is_set():
        try:
            if lost:
                services.sync_routes()
                log.info("the database is back, going on")
                lost = 0
            chores()
            done = run_round(stop) if more or _any_due() else NOTHING
        except (InterfaceError, OperationalError) as error:
            connection.close()
            again = RECONNECT_PAUSES[min(lost, len(RECONNECT_PAUSES) - 1)]
            if lost % 10 == 0:
                log.warning("the database is away (%s), asking again", _first_line(error))
            lost, more = lost + 1, False
            stop.wait(again)
            continue
        more = done.more
        if more:
            continue
        pause = BUSY_PAUSE if done.handled else min(pause * 1.5, LONGEST_PAUSE)
        stop.wait(pause)


def run_round(stop: Flag | None = None) -> Round:
    """Claim due deliveries and handle what fits into one round; the rest is let go again.

    A batch that is the whole round does without a savepoint: when it fails, the round is undone and made again.
    """
    try:
        return _round(stop, _run)
    except Exception as error:
        if _is_cut_off(error):
            raise
    return _round(stop, _handle)


def _round(stop: Flag | None, handle_only: Callable[[list[Claimed]], None]) -> Round:
    with transaction.atomic():
        claimed = _claim()
        left = deque(_batches(claimed))
        handle = handle_only if len(left) == 1 else _handle
        until = time.monotonic() + ROUND_SECONDS
        while left:
            handle(left.popleft())
            if time.monotonic() > until or (stop is not None and stop.is_set()):
                break
        unhandled = [delivery.id for batch in left for delivery in batch]
        if unhandled:
            _make_due(unhandled)
    handled = len(claimed) - len(unhandled)
    return Round(handled, more=bool(unhandled) or len(claimed) == CLAIMED_AT_ONCE)


def _any_due() -> bool:
    """One cheap look while idle: no transaction, no lock."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, PEEK, [])
        return bool(cursor.rowcount)


def _claim() -> list[Claimed]:
    with connection.cursor() as cursor:
        prepared.execute(cursor, CLAIM, [CLAIMED_AT_ONCE])
        return [
            Claimed(id_, event_id, handler, attempts, waits, _event_of(event))
            for id_, event_id, handler, attempts, waits, *event in cursor.fetchall()
        ]


def _event_of(values: list[Any]) -> Event | None:
    return Event.from_db(connection.alias, EVENT, values) if values[0] else None


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


def _handle(batch: list[Claimed]) -> None:
    """Run the handler in a savepoint; on failure set when it is tried again.

    What failed together is tried in halves, so that each failure is the delivery's own.
    """
    try:
        with transaction.atomic():
            _run(batch)
    except Exception as error:
        if _is_cut_off(error):
            raise
        _failed(batch, error)  # whatever a handler does, the others go on


def _is_cut_off(error: Exception) -> bool:
    """Whether the connection is gone, and with it the transaction."""
    if not isinstance(error, InterfaceError | OperationalError):
        return False
    return connection.connection is None or bool(connection.connection.closed)


def _run(batch: list[Claimed]) -> None:
    told = [one.event for one in batch if one.event is not None]
    if len(told) < len(batch):
        raise NotYet  # a reload is copying it again
    handler = import_string(batch[0].handler)
    if len(told) > 1:
        handler.together(told)
    else:
        handler(told[0])


def _failed(batch: list[Claimed], error: Exception) -> None:
    if len(batch) > 1:
        half = len(batch) // 2
        _handle(batch[:half])
        _handle(batch[half:])
    elif isinstance(error, NotYet | KeyUnknown):
        _wait(batch[0], error)
    else:
        _fail(batch[0], error)


def _wait(delivery: Claimed, error: Exception) -> None:
    if delivery.waits >= WAITS:
        _fail(delivery, error)
        return
    _make_due(
        [delivery.id],
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
        EventDelivery.objects.filter(id=delivery.id).update(
            state=State.PARKED, done_at=None, **told
        )
    else:
        _make_due([delivery.id], due_at=timezone.now() + timedelta(seconds=pause), **told)


def _make_due(ids: list[UUID], **values: Any) -> None:
    EventDelivery.objects.filter(id__in=ids).update(state=State.DUE, done_at=None, **values)


def described(error: BaseException) -> str:
    """Class and message of an error, digits hidden: messages of the database quote values."""
    text = "" if isinstance(error, DatabaseError) else _first_line(error)
    masked = "".join("#" if char.isdigit() else char for char in text)
    return f"{type(error).__name__}: {masked}".removesuffix(": ")[:ERROR_LENGTH]


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
