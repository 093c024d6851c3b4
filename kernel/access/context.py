"""What a request is and which decisions were taken during it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Proof:
    """By what somebody was recognised from memory: SQL that must still be true, and its values.

    The statement that writes an audit row asks for it, so what was remembered lets nobody in whose token
    or account has gone since. `forget` drops what was remembered.
    """

    condition: str
    values: Mapping[str, Any]
    forget: Callable[[], None]

    def along_with(self, other: Proof) -> Proof:
        """Both must be true, and what does not hold is forgotten with the rest."""

        def forget() -> None:
            self.forget()
            other.forget()

        return Proof(
            f"{self.condition} AND {other.condition}", {**self.values, **other.values}, forget
        )


@dataclass
class RequestContext:
    """One request from outside; the route is known only once it is resolved.

    `unwritten` holds refusals whose row must outlive a rollback.
    """

    request_id: str = ""
    route: Callable[[], str] = str
    ip: str = ""
    decisions: int = 0
    unwritten: list[dict[str, Any]] = field(default_factory=list)
    proof: Proof | None = None


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


@contextmanager
def request(
    *, request_id: str = "", route: Callable[[], str] = str, ip: str = ""
) -> Iterator[RequestContext]:
    """Everything inside belongs to this request."""
    context = RequestContext(request_id=request_id, route=route, ip=ip)
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def current() -> RequestContext | None:
    """The request at hand; None in tasks, commands of the shell and handlers."""
    return _current.get()


def note_decision() -> None:
    """Say that access was decided during this request."""
    if (context := current()) is not None:
        context.decisions += 1
