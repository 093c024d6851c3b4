"""Reactions of the master patient index."""

from django.conf import settings

from kernel.actor import Actor
from kernel.events.models import Event
from registry.persons import services


def link_registration(event: Event) -> None:
    """Link a registration that was recorded or changed in a city. Safe twice, in any order."""
    services.link(
        node=event.node, registration_id=event.subject_id, by=Actor.of_node(settings.NODE_CODE)
    )


link_registration.wants_history = True  # type: ignore[attr-defined]
