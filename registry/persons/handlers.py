"""Reactions of the master patient index."""

from collections.abc import Sequence

from django.conf import settings
from django.db import connection

from kernel.actor import Actor
from kernel.events.errors import NotYet
from kernel.events.models import Event
from kernel.replication.lag import incoming
from registry.persons import services


def link_registration(event: Event) -> None:
    """Link a registration that was recorded or changed in a city. Safe twice, in any order."""
    link_registrations([event])


def link_registrations(events: Sequence[Event]) -> None:
    """Link the registrations of several events, in their order."""
    services.link(
        [(event.node, event.subject_id) for event in events], by=Actor.of_node(settings.NODE_CODE)
    )


def end_dangling_links(event: Event) -> None:
    """After a copy was loaded again: let go of registrations that their city lost. Safe twice."""
    with connection.cursor() as cursor:
        if any(stream.copying_tables or not stream.running for stream in incoming(cursor)):
            raise NotYet
    services.end_dangling_links(by=Actor.of_node(settings.NODE_CODE))


link_registration.wants_history = True  # type: ignore[attr-defined]
link_registration.together = link_registrations  # type: ignore[attr-defined]
