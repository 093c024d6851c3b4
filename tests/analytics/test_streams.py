"""Telling many at once what changed, over one look at the database."""

import asyncio

import pytest
from django.db import OperationalError

from analytics import streams
from analytics.streams import Board, message_of

WAIT = 10


class Source:
    """A database that counts how often it is asked, and may be away."""

    def __init__(self):
        self.state, self.looks, self.rests, self.away = 0, 0, 0, False

    def marks(self):
        self.looks += 1
        if self.away:
            raise OperationalError("away")
        return self.state

    def told(self, scope):
        body = f'{{"{scope}": {self.state}}}'.encode()
        return message_of(body, known_by=body)

    def rest(self):
        self.rests += 1


async def at_once(ask, *words):
    return ask(*words)


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(streams, "LOOK_EVERY", 0.01)


@pytest.fixture
def source():
    return Source()


def board_of(source):
    return Board(marks=source.marks, told=source.told, rest=source.rest, run=at_once)


async def heard(stream):
    async with asyncio.timeout(WAIT):
        return await anext(stream)


def test_every_listener_hears_what_is_and_then_what_changes(source):
    async def listen():
        board = board_of(source)
        first, second = (board.frames("all", "", lambda: True) for _ in range(2))
        assert [await heard(first), await heard(second)] == [streams.RETRY, streams.RETRY]
        told = [await heard(first), await heard(second)]
        assert told[0] == told[1]
        assert told[0].endswith(b'event: figures\ndata: {"all": 0}\n\n')
        source.state = 1
        assert (await heard(second)).endswith(b'data: {"all": 1}\n\n')
        assert board.listeners.total() == 2
        await first.aclose()
        await second.aclose()
        await asyncio.sleep(0.05)
        looks = source.looks
        await asyncio.sleep(0.05)
        assert (source.looks, board.listeners.total()) == (looks, 0)
        assert source.rests == 1

    asyncio.run(listen())


def test_who_comes_back_is_not_told_again_what_they_know(source):
    async def listen():
        board = board_of(source)
        stream = board.frames("all", source.told("all").id, lambda: True)
        await heard(stream)
        waiting = asyncio.ensure_future(anext(stream))
        async with asyncio.timeout(WAIT):
            while source.looks < 5:
                await asyncio.sleep(0.01)
        assert not waiting.done()
        source.state = 7
        async with asyncio.timeout(WAIT):
            assert b'{"all": 7}' in await waiting
        await stream.aclose()

    asyncio.run(listen())


def test_a_silent_stream_says_that_it_is_there(source, monkeypatch):
    monkeypatch.setattr(streams, "STILL_HERE_EVERY", 0.05)

    async def listen():
        stream = board_of(source).frames("all", source.told("all").id, lambda: True)
        assert [await heard(stream), await heard(stream)] == [streams.RETRY, streams.STILL_HERE]
        await stream.aclose()

    asyncio.run(listen())


def test_a_stream_ends_with_its_session(source, monkeypatch):
    monkeypatch.setattr(streams, "ASK_WHO_EVERY", 0.0)

    async def listen():
        board = board_of(source)
        stream = board.frames("all", "", lambda: False)
        assert [await heard(stream), await heard(stream)] == [streams.RETRY, streams.ENDED]
        with pytest.raises(StopAsyncIteration):
            await heard(stream)
        assert not board.listeners

    asyncio.run(listen())


def test_streams_outlive_a_database_that_is_away(source):
    async def listen():
        board = board_of(source)
        stream = board.frames("all", "", lambda: True)
        await heard(stream)
        await heard(stream)
        source.away = True
        async with asyncio.timeout(WAIT):
            while not source.rests:
                await asyncio.sleep(0.01)
        source.away, source.state = False, 2
        assert b'{"all": 2}' in await heard(stream)
        await stream.aclose()

    asyncio.run(listen())


def test_a_state_is_told_again_now_and_then(source, monkeypatch):
    monkeypatch.setattr(streams, "REFRESH_EVERY", 0.02)
    asked = []
    source.told = lambda scope: (
        asked.append(scope) or message_of(b"{}", known_by=b"%d" % len(asked))
    )

    async def listen():
        stream = board_of(source).frames("all", "", lambda: True)
        for _ in range(4):
            await heard(stream)
        await stream.aclose()

    asyncio.run(listen())
    assert len(asked) >= 3
