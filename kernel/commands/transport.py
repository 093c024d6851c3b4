"""The wire between nodes: one POST, and what its outcome means."""

from dataclasses import dataclass
from functools import cache

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from kernel.commands import signing
from kernel.commands.errors import CityUnreachable

# Answers that settle nothing: the same command may succeed when clocks, keys or the node recover.
UNSETTLED = frozenset({401, 408, 421, 429})
CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of a settled command."""

    status: int
    content: bytes


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=8, retries=False)


def post(url: str, *, name: str, body: bytes, signature: str, timeout: float) -> Answer:
    """Deliver a signed command; CityUnreachable unless the receiver settled it."""
    address = f"{url}/node/v1/commands/{name}"
    try:
        try:
            answer = _request(address, body, signature, timeout)
        except ProtocolError:
            # A kept connection that the peer closed meanwhile; the key makes a second try safe.
            answer = _request(address, body, signature, timeout)
    except HTTPError as error:
        raise CityUnreachable(facts={"cause": type(error).__name__}) from error
    if answer.status >= 500 or answer.status in UNSETTLED:
        raise CityUnreachable(facts={"status": answer.status})
    return answer


def _request(address: str, body: bytes, signature: str, timeout: float) -> Answer:
    response = _pool().request(
        "POST",
        address,
        body=body,
        headers={"Content-Type": "application/json", signing.HEADER: signature},
        timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), total=timeout),
        redirect=False,
    )
    return Answer(response.status, response.data)
