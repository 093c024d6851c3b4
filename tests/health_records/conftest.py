"""A hospital of this city, its system, and what is stored."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from health_records.models import (
    ClinicalEntry,
    Document,
    DocumentContent,
    Encounter,
    ResourceVersion,
    SourceParty,
)
from kernel.events.models import Event
from registry.patients.models import PatientRegistration
from tests.factories.fhir import as_bytes
from tests.factories.records import EntryFactory
from tests.factories.registry import OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital
from tests.health_records.searching import HOUR, START, kept

TABLES = (
    PatientRegistration, Encounter, ClinicalEntry, Document, DocumentContent, SourceParty,
    ResourceVersion, Event,
)  # fmt: skip


@pytest.fixture
def hospital(db: None) -> Any:
    """A hospital of this city."""
    return OrganisationFactory()


@pytest.fixture
def system(hospital: Any) -> Client:
    """Its system, signed in."""
    return as_hospital(hospital)


@pytest.fixture
def push(system: Client) -> Callable[..., Any]:
    """POST a message at the door; the response."""

    def post(message: Any, path: str = "/fhir/R4", **headers: Any) -> Any:
        raw = message if isinstance(message, bytes) else as_bytes(message)
        return system.post(path, raw, content_type="application/fhir+json", headers=headers)

    return post


@pytest.fixture
def stored() -> Callable[[], dict[str, int]]:
    """How many rows every table of records holds."""
    return lambda: {model.__name__: model._default_manager.count() for model in TABLES}


@pytest.fixture
def whose(hospital: Any) -> Any:
    """A patient of the hospital."""
    return RegistrationFactory(organisation=hospital)


@pytest.fixture
def record(whose: Any) -> Any:
    """Five results, an hour apart, of two kinds."""
    return [
        kept(
            EntryFactory(
                registration=whose, occurred_at=START + hour * HOUR, status_code="final",
                code="8310-5" if hour % 2 else "718-7", code_system="http://loinc.org",
            ),
            note=[{"text": str(hour)}],
        )
        for hour in range(5)
    ]  # fmt: skip
