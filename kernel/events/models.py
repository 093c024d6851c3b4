"""Events, and which handlers have still to react to them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kernel.events.states import State
from kernel.homes import LocalModel, NodeModel


class Event(NodeModel):
    """Something changed: what, about which rows, by whom; never names, numbers or content."""

    name = models.TextField()
    subject_id = models.UUIDField()
    related = ArrayField(models.UUIDField(), default=list, db_default=[], blank=True)
    actor_id = models.UUIDField()
    recorded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class EventRoute(LocalModel):
    """A handler of this node, as `config/wiring.py` names it; read by the trigger on events."""

    name = models.TextField()
    handler = models.TextField()
    wants_history = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="event_route_once", fields=["name", "handler"])]

    def __str__(self) -> str:
        return f"{self.name} → {self.handler}"


class EventWatermark(LocalModel):
    """When a node was enrolled: its older events are history, done unless a handler wants them."""

    node = models.TextField(unique=True)
    before_id = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.node} before {self.before_id}"


class EventDelivery(LocalModel):
    """One event for one handler, written by the trigger on events."""

    event_id = models.UUIDField()
    node = models.TextField()
    handler = models.TextField()
    state = models.TextField(choices=State, default=State.DUE, db_default=State.DUE)
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    waits = models.PositiveSmallIntegerField(default=0, db_default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="event_delivery_once", fields=["event_id", "handler"]),
            models.CheckConstraint(
                name="event_delivery_state_known", condition=Q(state__in=State.values)
            ),
        ]
        indexes = [
            models.Index(
                name="event_delivery_due", fields=["due_at"], condition=Q(state=State.DUE)
            ),
            models.Index(
                name="event_delivery_parked", fields=["id"], condition=Q(state=State.PARKED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.handler}, {self.state}"
