"""Figures as a city counted them, and as they reach the hub."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction

from analytics.models import Activity, ClinicDay, Counted
from analytics.rules import period_of
from kernel.actor import Actor
from tests.factories.arriving import ArrivingFactory
from tests.factories.registry import CITY_HERE


def minutes_ago(minutes: float) -> Any:
    """A moment so long ago."""
    return timezone.now() - timedelta(minutes=minutes)


class ActivityFactory(ArrivingFactory):
    """What happened at a hospital in these ten minutes."""

    class Meta:
        model = Activity

    node = LazyAttribute(lambda made: made.organisation.node)
    begins_at = LazyFunction(lambda: period_of(timezone.now()))


class ClinicDayFactory(ArrivingFactory):
    """Numbers of a hospital's day."""

    class Meta:
        model = ClinicDay

    node = LazyAttribute(lambda made: made.organisation.node)
    day = LazyFunction(timezone.localdate)
    taken = 0
    free = 0


class CountedFactory(ArrivingFactory):
    """A city that counted just now."""

    class Meta:
        model = Counted

    id = LazyAttribute(lambda made: Actor.of_node(made.node).id)
    node = CITY_HERE
    until = LazyFunction(timezone.now)
    changed_at = LazyFunction(timezone.now)
