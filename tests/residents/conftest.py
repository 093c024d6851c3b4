"""A hub whose text messages stay in the mailbox, and what a resident does there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from registry.sms import mailbox

PHONE = "13912345678"


@dataclass
class Phone:
    """A resident's phone: asks, reads, signs in."""

    number: str = PHONE

    def ask(self, **headers: Any) -> Any:
        """Ask for a code."""
        return self._post("codes", {"phone": self.number}, **headers)

    def codes(self) -> list[str]:
        """The codes that it was sent, the latest first."""
        return [
            letter.text.parameters["code"]
            for letter in mailbox.letters()
            if letter.text.phone == self.number
        ]

    def sign_in(self, code: str) -> Any:
        """Sign in with a code."""
        return self._post("phone", {"phone": self.number, "code": code})

    def signed_in(self) -> Client:
        """Sign in with a fresh code; a client of that session."""
        assert self.ask().status_code == 202
        token = self.sign_in(self.codes()[0]).json()["access_token"]
        return Client(headers={"Authorization": f"Bearer {token}"})

    def _post(self, address: str, body: dict[str, str], **extra: Any) -> Any:
        return Client().post(
            f"/api/v1/sign-in/{address}", body, content_type="application/json", **extra
        )


@pytest.fixture
def phone(settings: Any) -> Callable[..., Phone]:
    """`phone()` is a phone that gets its messages from the mailbox."""
    settings.SMS_ADAPTER = mailbox.ADAPTER
    return Phone
