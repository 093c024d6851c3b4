"""Reactions of the master patient index."""

from django.conf import settings

from kernel.actor import Actor
from kernel.events.errors import NotYet
from kernel.events.models import Event
from registry.patients.models import PatientRegistration
from registry.persons import services


def link_registration(event: Event) -> None:
    """Link a registration that was recorded or changed in a city. Safe twice, in any order."""
    registration = PatientRegistration.objects.filter(node=event.node, pk=event.subject_id).first()
    if registration is None:
        raise NotYet
    services.link(registration=registration, by=Actor.of_node(settings.NODE_CODE))


link_registration.wants_history = True  # type: ignore[attr-defined]
