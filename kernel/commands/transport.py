"""The wire between nodes: one POST, and what its outcome means."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import orjson
import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from kernel.commands import signing
from kernel.commands.errors import CityUnreachable, UnknownCommand
from kernel.problems import TYPE_PREFIX, AddressUnknown

# Answers that settle nothing: the same command may succeed when clocks, keys or the node recover,
# or when the node has the release that knows it.
UNSETTLED = frozenset({401, 408, 421, 429})
NOT_YET_THERE = frozenset(
    f"{TYPE_PREFIX}{error.code}" for error in (AddressUnknown, UnknownCommand)
)
CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of a settled command."""

    status: int
    content: bytes


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=8, retries=False)


def post(url: str, *, name: str, body: bytes, signed: Callable[[], str], timeout: float) -> Answer:
    """Deliver a command, signed anew for each try; CityUnreachable unless the receiver settled it."""
    address = f"{url}/node/v1/commands/{name}"
    try:
        try:
            answer = _request(address, body, signed(), timeout)
        except ProtocolError:  # a kept connection that the peer closed meanwhile
            answer = _request(address, body, signed(), timeout)
    except HTTPError as error:
        raise CityUnreachable(facts={"cause": type(error).__name__}) from error
    if not _settles(answer):
        raise CityUnreachable(facts={"status": answer.status})
    return answer


def _settles(answer: Answer) -> bool:
    """Whether a node said this: a result or its refusal, not a page of something in between."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(said, dict) or answer.status == 200:
        return isinstance(said, dict)
    kind = str(said.get("type"))
    final = 400 <= answer.status < 500 and answer.status not in UNSETTLED
    return final and kind.startswith(TYPE_PREFIX) and kind not in NOT_YET_THERE


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
