"""The hub's process of streams: who may listen, from which page, and how many."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from analytics.api import STREAM
from analytics.selectors import marks
from analytics.streams import RETRY, Board
from config import live
from kernel.actor import Role
from kernel.audit.models import AuditRow
from registry.accounts.models import AccessToken
from registry.accounts.services import issue_token
from registry.accounts.sessions import COOKIE
from tests.factories.registry import AccountFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.node("hub")]
WAIT = 10


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """A board of this test's own; the thread that asks the database lets it go."""
    board = Board(marks=marks, told=live.told, rest=live.let_go, run=live.in_database)
    monkeypatch.setattr(live, "board", board)
    yield board
    live.database.submit(live.let_go).result()


@pytest.fixture
def token():
    """Of an analyst's session."""
    account = AccountFactory(role=Role.COMMISSION_ANALYST)
    return issue_token(ends=timezone.now() + timedelta(minutes=5), account_id=account.id)


def by_cookie(token):
    return {"cookie": f"{COOKIE}={token}"}


def asked(frames=0, path=STREAM, query="", method="GET", **headers):
    """The head of the answer as a dict with `status`, and its body, of a stream so many frames."""
    sent, enough = [], asyncio.Event()

    async def receive():
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if frames and len(sent) > frames:
            enough.set()

    scope = {
        "type": "http", "path": path, "method": method, "query_string": query.encode(),
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in ({"host": "127.0.0.1"} | headers).items()
        ],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip

    async def run():
        async with asyncio.timeout(WAIT):
            await live.application(scope, receive, send)

    asyncio.run(run())
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return head | {"status": sent[0]["status"]}, [one["body"] for one in sent[1:]]


def test_a_page_of_the_hub_is_told_the_figures(token, here):
    head, (retry, first) = asked(2, **by_cookie(token), origin=settings.NODE_URL)

    assert (head["status"], head["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (head["cache-control"], head["x-accel-buffering"]) == ("no-store", "no")
    assert head["access-control-allow-origin"] == settings.NODE_URL
    assert head["access-control-allow-credentials"] == "true"
    assert "content-length" not in head
    assert retry == RETRY
    id_, event, data, *_ = first.split(b"\n")
    assert (id_[:4], event) == (b"id: ", b"event: figures")
    told = orjson.loads(data.removeprefix(b"data: "))
    assert told["total"]["visits"] == 0
    assert not here.listeners
    allowed = AuditRow.objects.get(action="figures.read")
    assert (allowed.outcome, allowed.route) == ("allowed", f"GET {STREAM}")


@pytest.mark.parametrize("headers", [{}, {"cookie": f"{COOKIE}=nobody"}])
def test_a_stranger_hears_nothing(headers):
    head, (body,) = asked(**headers)

    assert (head["status"], orjson.loads(body)["type"]) == (401, "urn:problem:unauthenticated")


def test_other_people_and_other_pages_hear_nothing(token):
    resident = issue_token(
        ends=timezone.now() + timedelta(minutes=5), account_id=AccountFactory().id
    )
    refused, _ = asked(authorization=f"Bearer {resident}")
    elsewhere, _ = asked(1, **by_cookie(token), origin="http://elsewhere.example")

    assert refused["status"] == 403
    assert "access-control-allow-origin" not in elsewhere


def test_no_more_streams_than_the_node_keeps(token, here, settings):
    settings.STREAMS_MAX = 1
    here.listeners["somebody"] = 1

    head, (body,) = asked(**by_cookie(token))

    assert (head["status"], orjson.loads(body)["type"]) == (503, "urn:problem:too-many-streams")


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"path": "/api/v1/figures"}, 404), ({"method": "POST"}, 404),
        ({"query": "city=000000"}, 404), ({"host": "elsewhere.example"}, 400),
    ],
)  # fmt: skip
def test_nothing_else_is_answered(token, how, status):
    head, _ = asked(**(by_cookie(token) | how))

    assert head["status"] == status


def test_a_database_that_is_away(token, monkeypatch):
    def away(token):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(live, "actor_of_token", away)

    head, (body,) = asked(**by_cookie(token))

    assert (head["status"], orjson.loads(body)["type"]) == (503, "urn:problem:storage-away")


def test_it_says_that_it_lives():
    assert asked(path="/healthz")[1] == [b'{"status": "alive"}']


def test_a_session_that_is_over_is_noticed(token, rf):
    request = rf.get(STREAM, headers={"Authorization": f"Bearer {token}"})
    assert live.is_signed_in(request)

    AccessToken.objects.all().delete()

    assert not live.is_signed_in(request)
