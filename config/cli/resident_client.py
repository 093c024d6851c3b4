"""A resident at the hub's public door: signs in by phone, books, gives back."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import urllib3

from config.cli.failures import NoAnswer
from config.cli.hospital_client import Answer
from config.model_province.population import Resident

RENEW_AFTER = 300.0
"""Seconds after which a session is renewed when it is used."""


@dataclass
class ResidentClient:
    """One resident; without a token until a code was typed in."""

    url: str
    resident: Resident
    pool: urllib3.PoolManager
    token: str = ""
    renewed_at: float = field(default=0.0)
    is_bound: bool = False

    def ask_for_code(self) -> bool:
        """Have a code sent to the own phone; False when no more are sent from here for now."""
        return self._sent("POST", "/sign-in/codes", {"phone": self.resident.phone}).ok

    def sign_in(self, code: str) -> bool:
        """Sign in with the code; False when it is not, or no longer, the right one."""
        said = {"phone": self.resident.phone, "code": code}
        answer = self._sent("POST", "/sign-in/phone", said)
        if answer.ok:
            self.token, self.renewed_at = answer.body["access_token"], time.monotonic()
        return answer.ok

    def bind(self) -> bool:
        """Let the account stand for the person of the own name and number; whether it does."""
        if not self.is_bound:
            me = self.call("GET", "/me")
            self.is_bound = me.ok and me.body["person_id"] is not None
        if not self.is_bound and self.token:
            said = {"name": self.resident.name, "number": self.resident.identity_number}
            self.is_bound = self.call("POST", "/me/binding", said).ok
        return self.is_bound

    def book(self, schedule: str) -> Answer:
        """Take a number."""
        return self.call("POST", "/appointments", {"schedule": schedule}, key=uuid4().hex)

    def give_back(self, appointment: str) -> Answer:
        """Cancel an appointment."""
        return self.call("POST", f"/appointments/{appointment}/cancel")

    def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        """Call the platform's API signed in; the token is gone when it is no longer good."""
        if time.monotonic() - self.renewed_at > RENEW_AFTER:
            self.renewed_at = time.monotonic()
            self._signed_in("POST", "/session/renewal", None, "")
        return self._signed_in(method, path, body, key)

    def _signed_in(self, method: str, path: str, body: Any, key: str) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} | (
            {"Idempotency-Key": key} if key else {}
        )
        answer = self._sent(method, path, body, headers)
        if answer.status == 401:
            self.token = ""
        return answer

    def _sent(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        url = f"{self.url}/api/v1{path}"
        told = {"Content-Type": "application/json", **(headers or {})}
        content = None if body is None else orjson.dumps(body)
        try:
            response = self.pool.request(method, url, body=content, headers=told)
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"{url} 没有应答：{error}", f"{url} does not answer: {error}") from error
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, orjson.loads(response.data) if is_json else None)
