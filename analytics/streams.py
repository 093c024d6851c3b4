"""Telling many at once what changed: one look at the database serves every stream of a node.

A stream tells a state, not a history: whoever comes, or comes back, gets what is true now, unless it is what
they were told last. While nobody listens, nobody looks.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, InterfaceError

S = TypeVar("S")

log = logging.getLogger(__name__)

LOOK_EVERY = 0.25
REFRESH_EVERY = 5.0
"""Seconds after which a state is told again though no figure changed: up to when it is true has."""
SHARE = 0.25
"""Of its time a process spends at most so much looking."""
STILL_HERE_EVERY = 15.0
ASK_WHO_EVERY = 30.0
RETRY = b"retry: 3000\n\n"
STILL_HERE = b": still here\n\n"
ENDED = b"event: ended\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Message:
    """A state as it is sent, and by which it is known again."""

    id: str
    frame: bytes


def message_of(body: bytes, *, known_by: bytes) -> Message:
    """A state as an event of the stream; the same `known_by` makes the same id."""
    id_ = sha256(known_by).hexdigest()[:16]
    return Message(id_, b"id: %s\nevent: figures\ndata: %s\n\n" % (id_.encode(), body))


@dataclass(slots=True)
class Board(Generic[S]):
    """What is told about each scope `S` that somebody listens to.

    `marks` changes when anything did, `told` makes the message of a scope, `rest` lets the database go;
    the three run where `run` runs them, one at a time.
    """

    marks: Callable[[], Any]
    told: Callable[[S], Message]
    rest: Callable[[], None]
    run: Callable[..., Awaitable[Any]]
    listeners: Counter[S] = field(default_factory=Counter)
    _messages: dict[S, Message] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _watch: asyncio.Task[None] | None = None

    async def frames(
        self, scope: S, last_id: str, still_allowed: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """The bytes of one stream, until its listener goes or is no longer allowed."""
        self.listeners[scope] += 1
        if self._watch is None:
            self._watch = asyncio.create_task(self._look())
        asked = asyncio.get_running_loop().time()
        try:
            yield RETRY
            while True:
                if asyncio.get_running_loop().time() - asked > ASK_WHO_EVERY:
                    asked = asyncio.get_running_loop().time()
                    if not await self.run(still_allowed):
                        yield ENDED
                        return
                message = await self._next(scope, last_id)
                last_id = message.id if message else last_id
                yield message.frame if message else STILL_HERE
        finally:
            self._leave(scope)

    async def _next(self, scope: S, last_id: str) -> Message | None:
        """What is told about a scope once it is another than the last; None after a while."""

        def is_new() -> bool:
            return scope in self._messages and self._messages[scope].id != last_id

        try:
            async with asyncio.timeout(STILL_HERE_EVERY), self._changed:
                await self._changed.wait_for(is_new)
                return self._messages[scope]
        except TimeoutError:
            return None

    def _leave(self, scope: S) -> None:
        self.listeners[scope] -= 1
        if not self.listeners[scope]:
            del self.listeners[scope]
            self._messages.pop(scope, None)
        if not self.listeners and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _look(self) -> None:
        clock = asyncio.get_running_loop().time
        seen: Any = None
        try:
            while True:
                began = clock()
                try:
                    seen = await self._tell_changes(seen)
                except (DatabaseError, InterfaceError) as error:
                    log.warning("streams: the database is away (%s)", type(error).__name__)
                    await self.run(self.rest)
                    seen = None
                await asyncio.sleep(max(LOOK_EVERY, (clock() - began) / SHARE))
        finally:
            await asyncio.shield(asyncio.ensure_future(self.run(self.rest)))

    async def _tell_changes(self, seen: Any) -> Any:
        now = (asyncio.get_running_loop().time() // REFRESH_EVERY, await self.run(self.marks))
        wanted = set(self.listeners)
        for scope in wanted if now != seen else wanted - self._messages.keys():
            message = await self.run(self.told, scope)
            if scope in self.listeners:
                self._messages[scope] = message
        async with self._changed:
            self._changed.notify_all()
        return now
