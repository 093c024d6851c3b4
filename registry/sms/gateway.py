"""The adapter for production: a signed POST to the provider's gateway (README.md)."""

import hmac
from functools import cache

import orjson
import urllib3
from django.conf import settings
from django.utils import timezone
from urllib3.exceptions import HTTPError

from registry.sms.errors import NotTaken
from registry.sms.sealing import Text

TIMEOUT_SECONDS = 5.0


def deliver(text: Text) -> None:
    """Hand the message over; NotTaken unless the gateway answers 2xx in time."""
    body = orjson.dumps(
        {
            "id": str(text.id),
            "phone": text.phone,
            "template": text.template,
            "parameters": text.parameters,
        }
    )
    at = str(int(timezone.now().timestamp()))
    try:
        answer = _pool().request(
            "POST",
            settings.SMS_GATEWAY_URL,
            body=body,
            headers={
                "Content-Type": "application/json",
                "X-Timestamp": at,
                "X-Signature": f"sha256={signature_of(at, body)}",
            },
            timeout=urllib3.Timeout(total=TIMEOUT_SECONDS),
            redirect=False,
        )
    except HTTPError as error:
        raise NotTaken(type(error).__name__) from None
    if not 200 <= answer.status < 300:
        raise NotTaken(f"HTTP {answer.status}")


def signature_of(at: str, body: bytes) -> str:
    """HMAC-SHA256 over time and body, in hex."""
    secret = settings.SMS_GATEWAY_SECRET.encode()
    return hmac.digest(secret, f"{at}.".encode() + body, "sha256").hex()


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=4, retries=False)
