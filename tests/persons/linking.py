"""Registrations as they reach the hub, and their links."""

from django.db import transaction

from kernel.events.models import Event
from registry.persons.handlers import link_registration
from registry.persons.models import IdentityLink
from tests.factories.registry import RegistrationFactory


def registered(facts, *, node="620100"):
    return RegistrationFactory(facts=facts, node=node)


def told_of(registration):
    return Event(name="registration.recorded", subject_id=registration.id, node=registration.node)


def linked(facts, *, node="620100"):
    registration = registered(facts, node=node)
    with transaction.atomic():
        link_registration(told_of(registration))
    return IdentityLink.objects.get(registration_id=registration.id, ended_at=None)
