"""Entries of a record, in any city."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction

from health_records.models import ClinicalEntry, Document, Encounter, FeedDay, ResourceVersion
from kernel.homes import uuid7
from tests.factories.arriving import ArrivingFactory


class _RecordFactory(ArrivingFactory):
    """What belongs to a registration lies in its node and came from its hospital."""

    class Meta:
        abstract = True

    registration: Any = None
    source_key = LazyFunction(lambda: str(uuid7()))
    version = 1
    digest = b"\0" * 16
    occurred_at = LazyFunction(timezone.now)
    recorded_at = LazyFunction(timezone.now)
    changed_at = LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        registration = kwargs["registration"]
        kwargs |= {"node": registration.node, "organisation_id": registration.organisation_id}
        return super()._create(model_class, *args, **kwargs)


class EncounterFactory(_RecordFactory):
    """A visit just now."""

    class Meta:
        model = Encounter

    resource_type = "Encounter"


class EntryFactory(_RecordFactory):
    """A result just now."""

    class Meta:
        model = ClinicalEntry

    resource_type = "Observation"


class DocumentFactory(_RecordFactory):
    """A document just now."""

    class Meta:
        model = Document

    resource_type = "DocumentReference"


class VersionFactory(ArrivingFactory):
    """The first version of a resource."""

    class Meta:
        model = ResourceVersion

    version = 1
    source = "{}"
    message_id = LazyFunction(uuid7)
    recorded_at = LazyFunction(timezone.now)


class FeedDayFactory(ArrivingFactory):
    """A day of a hospital's feed, counted in its city."""

    class Meta:
        model = FeedDay

    node = LazyAttribute(lambda day: day.organisation.node)
    day = LazyFunction(timezone.localdate)
    accepted = 1
    refused = resources_refused = delayed = within_a_day = wanted = present = 0
    resources_stored = 5
    patients = identified = reachable = 1


def visit_of(registration: Any, at: datetime | None = None) -> Any:
    """A visit, by default just now: it makes a treatment relationship."""
    return EncounterFactory(registration=registration, occurred_at=at or timezone.now())
