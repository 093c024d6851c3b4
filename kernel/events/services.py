"""Recording events, and the routes by which they reach their handlers."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from kernel.actor import Actor
from kernel.events.errors import NoSuchDelivery
from kernel.events.models import Event, EventDelivery, EventRoute, EventWatermark
from kernel.events.states import State
from kernel.homes import uuid7
from kernel.postgres.inserting import insert_rows

FORGOTTEN_AT_ONCE = 5_000


class NewEvent(NamedTuple):
    """An event to be recorded: what changed, about which rows."""

    name: str
    subject_id: UUID
    related: Sequence[UUID] = ()
    audience: Sequence[str] = ()


def record(
    name: str,
    *,
    subject_id: UUID,
    by: Actor,
    related: Sequence[UUID] = (),
    audience: Sequence[str] = (),
) -> UUID:
    """Write an event in the caller's transaction; its id."""
    (event_id,) = record_all([NewEvent(name, subject_id, related, audience)], by=by)
    return event_id


def record_all(news: Iterable[NewEvent], *, by: Actor) -> list[UUID]:
    """Write events in the caller's transaction; their ids, which ascend in the order given."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an event belongs to the change it tells of")
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(), "name": one.name, "subject_id": one.subject_id,
            "related": list(one.related), "audience": list(one.audience), "actor_id": by.id,
        }
        for one in news
    ]  # fmt: skip
    insert_rows(Event, rows)
    return [row["id"] for row in rows]


def wired_handlers() -> dict[str, list[str]]:
    """Handlers of this node's role by event name, from the wiring."""
    handlers: dict[str, dict[str, list[str]]] = import_string(f"{settings.WIRING}.HANDLERS")
    return handlers[settings.ROLE]


@transaction.atomic
def sync_routes() -> None:
    """Make the routes that the trigger reads what the wiring says."""
    wanted = {
        (name, handler): bool(getattr(import_string(handler), "wants_history", False))
        for name, handlers in wired_handlers().items()
        for handler in handlers
    }
    found = {(route.name, route.handler): route for route in EventRoute.objects.all()}
    gone = [route.id for route_key, route in found.items() if route_key not in wanted]
    EventRoute.objects.filter(id__in=gone).delete()
    for (name, handler), wants_history in wanted.items():
        route = found.get((name, handler))
        if route is None:
            EventRoute.objects.bulk_create(
                [EventRoute(name=name, handler=handler, wants_history=wants_history)],
                ignore_conflicts=True,
            )
        elif route.wants_history != wants_history:
            EventRoute.objects.filter(id=route.id).update(wants_history=wants_history)


def mark_history(*, node: str, before_id: UUID) -> None:
    """At a node's first enrolment: its events before this id are history. Safe to repeat."""
    EventWatermark.objects.bulk_create(
        [EventWatermark(node=node, before_id=before_id)], ignore_conflicts=True
    )


def replay(*, delivery_id: UUID) -> None:
    """Make a parked delivery due again, with all its tries."""
    if not _made_due(EventDelivery.objects.filter(id=delivery_id)):
        raise NoSuchDelivery


def replay_all(*, handler: str | None = None) -> int:
    """Make every parked delivery due again, or those of one handler; how many."""
    parked = EventDelivery.objects.all()
    return _made_due(parked if handler is None else parked.filter(handler=handler))


def forget_old() -> int:
    """Delete done deliveries a day after their events were let go; how many."""
    limit = timezone.now() - timedelta(days=settings.EVENTS_KEEP_DAYS + 1)
    old = EventDelivery.objects.filter(state=State.DONE, event_id__lt=_uuid_at(limit.timestamp()))
    gone = 0
    while ids := list(old.values_list("id", flat=True)[:FORGOTTEN_AT_ONCE]):
        gone += EventDelivery.objects.filter(id__in=ids).delete()[0]
    return gone


def _made_due(deliveries: Any) -> int:
    changed: int = deliveries.filter(state=State.PARKED).update(
        state=State.DUE, attempts=0, waits=0, due_at=timezone.now(), last_error=""
    )
    return changed


def _uuid_at(seconds: float) -> UUID:
    return UUID(int=int(seconds * 1000) << 80)
