"""The authenticator of the demo's staff: each code serves one sign-in."""

import time
from typing import Any

from benchmarks.throwaway_province import until
from registry.accounts.rules import code_at, secret_of_words, step_at

_given: dict[tuple[str, str], set[int]] = {}


def one_time_code(user: dict[str, Any]) -> str | None:
    """A code of a row of endpoints.json that was not given before; None for who needs none.

    Two at any moment are sure to be good when they arrive; whoever wants a third waits for the clock.
    """
    if "totp_secret" not in user:
        return None
    given = _given.setdefault((user["login"], user["url"]), set())

    def free() -> list[int]:
        now = step_at(time.time())
        return [step for step in (now, now + 1) if step not in given]

    step = until(free)[-1]
    given.add(step)
    return code_at(secret_of_words(user["totp_secret"]), step)
