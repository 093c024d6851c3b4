"""A client whose requests carry a token of somebody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.test import Client
from django.utils import timezone

from kernel.actor import Role
from registry.accounts import second_factor
from registry.accounts.rules import code_at, step_at
from registry.accounts.services import issue_token
from tests.factories.registry import AccountFactory, HospitalClientFactory

SECRET = bytes(range(20))


def authenticator_of(account: Any) -> Callable[[], str]:
    """Set up an account's one-time codes; gives two, one after the other, good for half a minute at least."""
    second_factor.give(account, SECRET)
    now = step_at(timezone.now().timestamp())
    steps = iter((now, now + 1))
    return lambda: code_at(SECRET, next(steps))


def as_hospital(organisation: Any, **headers: Any) -> Client:
    """A hospital's system that signed in here."""
    system = HospitalClientFactory(organisation=organisation)
    return _client(issue_token(ends=_soon(), client_id=system.id), headers)


def as_somebody(
    role: Role,
    *,
    organisation: Any = None,
    person_id: UUID | None = None,
    **headers: Any,
) -> Client:
    """Somebody of that role who signed in here."""
    account = AccountFactory(role=role, organisation=organisation, person_id=person_id)
    return _client(issue_token(ends=_soon(), account_id=account.id), headers)


def _client(token: str, headers: dict[str, Any]) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"} | headers)


def _soon() -> Any:
    return timezone.now() + timedelta(minutes=5)
