"""Register hospital systems and make accounts, as the standard input says."""

import json
import sys
import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel.actor import Role
from registry.accounts.services import create_account, register_hospital_client
from registry.organisations.selectors import organisation_by_code
from registry.patients.rules import CITIZEN
from registry.persons.selectors import holder_of
from registry.residents.services import give_phone

PERSON_KNOWN_WITHIN = 20.0
"""Seconds a resident's first record may need from a city to the master patient index."""


class Command(BaseCommand):
    """Safe to repeat: what is there is brought up to date.

    Standard input: `{"clients": [{"client_id", "hospital", "public_keys"}], "users": [{"login",
    "secret", "role", "name", "hospital", "identity_number", "phone"}]}`; the last three may be absent.
    Answers with the person of each login: `{"persons": {login: id}}`.
    """

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Register all, then answer."""
        if settings.ROLE != "province":
            raise CommandError("accounts and clients are written at the hub")
        wanted = json.load(sys.stdin)
        for client in wanted.get("clients", []):
            register_hospital_client(
                client_id=client["client_id"],
                organisation=organisation_by_code(client["hospital"]),
                public_keys=client["public_keys"],
            )
        persons = {user["login"]: _make_account(user) for user in wanted.get("users", [])}
        known = {login: str(person) for login, person in persons.items() if person is not None}
        self.stdout.write(json.dumps({"persons": known}))


def _make_account(user: dict[str, Any]) -> UUID | None:
    """The account, and the person whose it is."""
    hospital, number = user.get("hospital"), user.get("identity_number")
    person_id = _person_with(number) if number else None
    account = create_account(
        login=user["login"],
        password=user["secret"],
        role=Role(user["role"]),
        name=user.get("name", ""),
        organisation=organisation_by_code(hospital) if hospital else None,
        person_id=person_id,
    )
    if user.get("phone"):
        give_phone(account=account, phone=user["phone"])
    return person_id


def _person_with(identity_number: str) -> UUID:
    """The holder of a citizen number, once the master patient index knows it."""
    until = time.monotonic() + PERSON_KNOWN_WITHIN
    while (found := holder_of(CITIZEN, identity_number)) is None:
        if time.monotonic() > until:
            raise CommandError("no person holds this identity number")
        time.sleep(0.2)
    return found
