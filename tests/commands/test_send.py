"""Sending: exactly once for the caller, whatever happens to the wire."""

import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import orjson
import pytest
from django.conf import settings as node
from django.db import transaction
from django.utils import timezone

from kernel.commands import services, transport
from kernel.commands.errors import CityUnreachable, CommandRefused, KeyReused, UnknownNode
from kernel.commands.models import CommandReceived, CommandSent
from kernel.commands.states import State, pause_after
from kernel.commands.tasks import forget_old, settle
from kernel.events.arrival import wait_for_event
from kernel.events.models import Event
from kernel.homes import uuid7
from kernel.keys import secrets
from kernel.nodes.models import Node
from kernel.problems import problem_body
from tests.commands.conftest import OPERATOR, PEER

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"name": "a resident 13800001111"}


class Scripted(ThreadingHTTPServer):
    """A peer that does what the test says, request by request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.received: list[tuple[str, dict[str, Any], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    """Takes the next line of the script."""

    protocol_version = "HTTP/1.1"
    server: Scripted

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        token = jwt.decode(self.headers["X-Node-Signature"], options={"verify_signature": False})
        self.server.received.append((self.path, token, body))
        self.server.script.pop(0)(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


def answer(status, body):
    def act(handler):
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return act


def lose(handler):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def city(register, settings, monkeypatch):
    transport._pool.cache_clear()
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    register(PEER, f"http://127.0.0.1:{server.server_address[1]}", secrets.public_key())
    yield server
    server.shutdown()
    thread.join()
    transport._pool().clear()
    server.server_close()


def send(**changes):
    asked: dict[str, Any] = {"name": "test.note", "to": PEER, "body": BODY, "by": OPERATOR}
    return services.send(**asked | changes)


the_command = CommandSent.objects.get


def test_the_answer_comes_back_and_is_kept_sealed(city):
    city.script = [answer(200, {"id": 7})]

    assert send(key="key-1") == {"id": 7}

    ((path, claims, body),) = city.received
    assert path == "/node/v1/commands/test.note"
    assert orjson.loads(body) == BODY
    assert (claims["iss"], claims["aud"], claims["key"], claims["name"]) == (
        node.NODE_CODE,
        PEER,
        "key-1",
        "test.note",
    )
    assert claims["actor"] == OPERATOR.as_claims()
    assert claims["exp"] - claims["iat"] == 60
    sent = the_command()
    assert (sent.state, sent.status, sent.attempts) == (State.ANSWERED, 200, 1)
    assert b"13800001111" not in bytes(sent.body)
    assert b"id" not in bytes(sent.answer or b"")[19:]


def test_a_second_call_with_the_key_asks_nobody(city):
    city.script = [answer(200, {"id": 7})]

    assert send(key="key-1") == send(key="key-1") == {"id": 7}
    assert len(city.received) == 1


def test_an_answer_waits_for_the_event_of_its_effect(city, arrives, monkeypatch):
    event_id, waited = uuid7(), []

    def spied(event, *, node):
        waited.append((event, node, wait_for_event(event, node=node)))

    monkeypatch.setattr(services, "wait_for_event", spied)
    city.script = [answer(200, {"event_id": str(event_id)})]
    with arrives():
        Event.objects.create(
            id=event_id, node=PEER, name="test.noted", subject_id=uuid7(), actor_id=uuid7()
        )

    assert send(key="key-1") == {"event_id": str(event_id)}
    with arrives():
        Event.objects.filter(id=event_id).delete()
    assert send(key="key-1") == {"event_id": str(event_id)}

    assert waited == [(event_id, PEER, True), (event_id, PEER, False)]


def test_a_key_is_for_one_thing(city):
    city.script = [answer(200, {})]
    send(key="key-1")

    with pytest.raises(KeyReused):
        send(key="key-1", body={"name": "other"})
    with pytest.raises(KeyReused):
        send(key="key-1", name="test.refuse")
    assert len(city.received) == 1


def test_the_receivers_refusal_is_raised_here_as_it_was_said(city):
    problem = {
        "type": "urn:problem:sold-out",
        "title": "号源已满",
        "title_en": "Sold out",
        "status": 409,
        "detail": "上午",
        "detail_en": "morning",
        "facts": {"left": 0},
        "errors": [{"field": "slot", "rule": "free", "text": "x"}],
    }
    city.script = [answer(409, problem)]

    for _ in range(2):
        with pytest.raises(CommandRefused) as refused:
            send(key="key-1")
        assert problem_body(refused.value, "zh") == {
            name: value for name, value in problem.items() if not name.endswith("_en")
        }
        assert problem_body(refused.value, "en")["title"] == "Sold out"
    assert the_command().state == State.ANSWERED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, {"type": "urn:problem:x"}) for status in (500, 502, 503, 401, 421, 429, 408)),
        *((status, b"<html>") for status in (200, 301, 403, 404)),
        (200, ["list"]),
        (200, b""),
        (301, {"type": "urn:problem:x"}),
        (403, {"message": "Forbidden"}),
        (404, {"type": "urn:problem:unknown-command"}),
        (404, {"type": "urn:problem:address-unknown"}),
    ],
)
def test_an_answer_that_settles_nothing_leaves_the_command_open(city, status, body):
    city.script = [answer(status, body)]
    before = timezone.now()

    with pytest.raises(CityUnreachable) as away:
        send()

    assert (away.value.status, away.value.code) == (503, "city-unreachable")
    sent = the_command()
    assert (sent.state, sent.last_error) == (State.OPEN, f"city-unreachable {status}")
    assert before < sent.next_at - timedelta(seconds=5) < timezone.now()


def test_a_peer_that_is_down_leaves_the_command_open_and_it_is_settled_later(city, register):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        register(PEER, f"http://127.0.0.1:{closed.getsockname()[1]}", secrets.public_key())
        with pytest.raises(CityUnreachable):
            send(key="key-1")
    assert services.settle() == 0
    CommandSent.objects.update(next_at=timezone.now())
    register(PEER, f"http://127.0.0.1:{city.server_address[1]}", secrets.public_key())
    city.script = [answer(200, {"id": 7})]

    settle()

    sent = the_command()
    assert (sent.state, sent.status, sent.attempts) == (State.ANSWERED, 200, 2)
    ((_, claims, body),) = city.received
    assert (claims["key"], orjson.loads(body)) == ("key-1", BODY)
    assert send(key="key-1") == {"id": 7}


def test_a_slow_peer_is_not_waited_for(city):
    release = threading.Event()
    city.script = [lambda handler: release.wait(10)]

    with pytest.raises(CityUnreachable):
        send(timeout=0.2)

    release.set()
    assert the_command().state == State.OPEN


def test_a_lost_answer_is_asked_for_again_with_the_same_key(city):
    city.script = [lose, answer(200, {"id": 7})]

    assert send(key="key-1") == {"id": 7}

    assert [claims["key"] for _, claims, _ in city.received] == ["key-1", "key-1"]


def test_answers_lost_twice_leave_it_to_the_settling(city):
    city.script = [lose, lose, answer(200, {"id": 7})]
    with pytest.raises(CityUnreachable):
        send(key="key-1")
    CommandSent.objects.update(next_at=timezone.now())

    assert services.settle() == 1

    jtis = {claims["jti"] for _, claims, _ in city.received}
    assert len(city.received) == 3
    assert len(jtis) == 3


def test_settling_backs_off_and_gives_up_after_a_day(city):
    city.script = [answer(503, b"")] * 3
    with pytest.raises(CityUnreachable):
        send()
    before = timezone.now()
    CommandSent.objects.update(next_at=before)
    assert services.settle() == 0
    sent = the_command()
    assert (sent.state, sent.attempts) == (State.OPEN, 2)
    assert before < sent.next_at - timedelta(seconds=15) < timezone.now()

    day = timedelta(hours=24, seconds=1)
    CommandSent.objects.update(next_at=timezone.now(), created_at=timezone.now() - day)
    assert services.settle() == 0
    assert the_command().state == State.PARKED
    assert services.settle() == 0

    city.script = [answer(200, {"id": 7})]
    assert send(key=sent.key) == {"id": 7}
    assert the_command().state == State.ANSWERED


def test_a_command_that_cannot_be_read_holds_up_no_other(city):
    city.script = [answer(503, b"")] * 2 + [answer(200, {})]
    for key in ("broken", "whole"):
        with pytest.raises(CityUnreachable):
            send(key=key)
    CommandSent.objects.filter(key="broken").update(body=b"not sealed")
    before = timezone.now()
    CommandSent.objects.update(next_at=before)

    assert services.settle() == 1

    broken, whole = CommandSent.objects.order_by("created_at")
    assert (whole.state, whole.status) == (State.ANSWERED, 200)
    assert (broken.state, broken.last_error) == (State.OPEN, "SealBroken")
    assert broken.next_at > before + timedelta(seconds=15)


def test_pauses_grow():
    assert [pause_after(n) for n in range(1, 8)] == [5, 15, 60, 300, 900, 900, 900]


def test_a_command_for_nobody_is_not_stored():
    with pytest.raises(UnknownNode):
        send(to="629900")
    with pytest.raises(UnknownNode):
        services.ask("test.read", to="629900", body={}, by=OPERATOR)

    assert not CommandSent.objects.exists()


def test_a_command_to_a_node_that_left_stays_open(city, arrives):
    city.script = [answer(503, b"")]
    with pytest.raises(CityUnreachable):
        send()
    CommandSent.objects.update(next_at=timezone.now())
    with arrives():
        Node.objects.filter(code=PEER).delete()

    assert services.settle() == 0
    assert the_command().last_error.strip() == "unknown-node"


def test_nothing_is_sent_inside_a_transaction(city):
    with pytest.raises(RuntimeError), transaction.atomic():
        send()
    with pytest.raises(RuntimeError), transaction.atomic():
        services.ask("test.read", to=PEER, body={}, by=OPERATOR)

    assert not city.received


def test_a_question_is_not_stored_and_not_repeated(city):
    city.script = [answer(200, {"content": "x"}), answer(503, b"")]

    assert services.ask("test.read", to=PEER, body={"length": 1}, by=OPERATOR) == {"content": "x"}
    with pytest.raises(CityUnreachable):
        services.ask("test.read", to=PEER, body={"length": 1}, by=OPERATOR)

    assert len({claims["key"] for _, claims, _ in city.received}) == 2
    assert not CommandSent.objects.exists()


def test_a_question_whose_answer_was_lost_is_asked_anew(city):
    city.script = [lose, answer(200, {"content": "x"})]

    assert services.ask("test.read", to=PEER, body={"length": 1}, by=OPERATOR) == {"content": "x"}

    assert len({claims["key"] for _, claims, _ in city.received}) == 2


def test_an_answer_that_is_no_json_is_no_answer(city):
    city.script = [answer(200, b"<html>")]

    with pytest.raises(CityUnreachable):
        services.ask("test.read", to=PEER, body={}, by=OPERATOR)


def test_settled_commands_are_forgotten_after_their_time(city):
    city.script = [answer(200, {}), answer(503, b"")]
    send()
    with pytest.raises(CityUnreachable):
        send()
    CommandReceived.objects.create(sender=PEER, key="k", name="n", digest=b"")
    old = timezone.now() - timedelta(days=8)
    CommandSent.objects.update(created_at=old)
    CommandReceived.objects.update(received_at=old)
    forget_old()
    assert the_command().state == State.OPEN
    assert not CommandReceived.objects.exists()
    CommandSent.objects.update(state=State.PARKED)
    forget_old()
    assert not CommandSent.objects.exists()
