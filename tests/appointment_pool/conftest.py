"""A hospital of this city with its system; somebody who books."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kernel.actor import Role
from tests.factories.registry import OrganisationFactory, PersonFactory
from tests.factories.signed_in import as_hospital, as_somebody


@pytest.fixture
def hospital(db: None) -> Any:
    """A hospital of this city."""
    return OrganisationFactory()


@pytest.fixture
def system(hospital: Any) -> Client:
    """Its system, signed in."""
    return as_hospital(hospital)


@pytest.fixture
def person(db: None) -> Any:
    """Somebody whom the index knows."""
    return PersonFactory()


@pytest.fixture
def resident(person: Any) -> Client:
    """The same, signed in."""
    return as_somebody(Role.RESIDENT, person_id=person.id)


@pytest.fixture
def book(resident: Client) -> Callable[..., Any]:
    """POST a booking; the response."""
    return lambda schedule, key="key-0001", client=resident, **more: booked(
        client, schedule, key, **more
    )


def booked(client: Client, schedule: Any, key: str = "key-0001", **more: Any) -> Any:
    """Book a number for whoever is signed in."""
    return client.post(
        "/api/v1/appointments", {"schedule": str(schedule.id), **more},
        content_type="application/json", headers={"Idempotency-Key": key},
    )  # fmt: skip


def cancelled(client: Client, appointment: Any) -> Any:
    """Give a number back."""
    return client.post(f"/api/v1/appointments/{appointment}/cancel")


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["type"].removeprefix("urn:problem:")
