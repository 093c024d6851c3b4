"""Reading deliveries, for the operator and for /metrics."""

from django.db.models import Count, QuerySet

from kernel.events.models import EventDelivery
from kernel.events.states import State


def parked_deliveries() -> QuerySet[EventDelivery]:
    """Deliveries that wait for an operator, oldest first."""
    return EventDelivery.objects.filter(state=State.PARKED).order_by("id")


def parked_by_handler() -> dict[str, int]:
    """How many deliveries are parked, by handler."""
    counted = parked_deliveries().order_by().values_list("handler").annotate(Count("id"))
    return dict(counted)


def due_count() -> int:
    """How many deliveries have still to be handled."""
    return EventDelivery.objects.filter(state=State.DUE).count()
