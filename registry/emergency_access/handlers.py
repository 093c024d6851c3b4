"""Reactions to records that were opened in an emergency."""

from kernel.events.models import Event
from registry.emergency_access import services


def tell_person(event: Event) -> None:
    """Tell the person by text message. A delivery runs once in effect, so nobody is told twice."""
    services.tell_person(event.subject_id)
