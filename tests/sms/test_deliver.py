"""Text messages leave after the commit, through the adapter of the node, until they are taken."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone

from kernel.keys import rotation
from registry.sms import gateway, mailbox, services, tasks
from registry.sms.models import TextMessage
from registry.sms.rules import pause_after
from tests.architecture.repository import ROOT

pytestmark = pytest.mark.django_db

PHONE, CODE = "13912345678", "042137"


class Gateway(ThreadingHTTPServer):
    """A provider's gateway that answers as the test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    """Takes the next status, 202 when none is left."""

    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 202)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def provider(settings: Any) -> Iterator[Gateway]:
    """A gateway that the node is configured for."""
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.SMS_ADAPTER = "registry.sms.gateway.deliver"
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_port}/messages"
    settings.SMS_GATEWAY_SECRET = "between us"  # noqa: S105
    yield server
    gateway._pool().clear()
    server.shutdown()
    thread.join()
    server.server_close()


def send(**span):
    return services.send(
        phone=PHONE, template="sign-in-code", parameters={"code": CODE, "minutes": "5"},
        expires_at=timezone.now() + timedelta(**span or {"minutes": 5}),
    )  # fmt: skip


def later(monkeypatch, **span):
    at = timezone.now() + timedelta(**span)
    monkeypatch.setattr(timezone, "now", lambda: at)
    return at


def test_the_gateway_gets_the_message_signed(provider, monkeypatch):
    row, now = send(), later(monkeypatch, seconds=1)

    assert services.deliver_due() == 1

    ((headers, body),) = provider.received
    assert orjson.loads(body) == {
        "id": str(row.id), "phone": PHONE, "template": "sign-in-code",
        "parameters": {"code": CODE, "minutes": "5"},
    }  # fmt: skip
    at = headers["X-Timestamp"]
    assert at == str(int(now.timestamp()))
    assert headers["X-Signature"] == f"sha256={gateway.signature_of(at, body)}"
    assert gateway.signature_of("1", b"x") == (
        "55571f523ed0f18cabafae33a0e05db14fdfa54405575290ea772100d00b213f"
    )
    assert services.deliver_due() == 0
    assert len(provider.received) == 1
    row.refresh_from_db()
    assert row.sent_at is not None


@pytest.mark.parametrize("status", [302, 400, 500])
def test_what_is_not_taken_is_tried_again_and_neither_phone_nor_code_is_logged(
    provider, monkeypatch, caplog, status
):
    caplog.set_level("DEBUG")
    provider.statuses = [status]
    send()

    assert services.deliver_due() == 0
    assert services.deliver_due() == 0  # not before its pause
    assert len(provider.received) == 1
    later(monkeypatch, seconds=10)
    assert services.deliver_due() == 1

    first, second = (orjson.loads(body) for _, body in provider.received)
    assert first == second  # one id: the gateway may drop a repeat
    assert f"attempt 1: HTTP {status}" in caplog.text
    assert PHONE not in caplog.text
    assert CODE not in caplog.text


def test_a_gateway_that_is_away_is_tried_again(provider, settings, monkeypatch, caplog):
    away, settings.SMS_GATEWAY_URL = settings.SMS_GATEWAY_URL, "http://127.0.0.1:1/"
    send()
    assert services.deliver_due() == 0
    settings.SMS_GATEWAY_URL = away
    later(monkeypatch, seconds=10)

    assert services.deliver_due() == 1
    assert "attempt 1: NewConnectionError" in caplog.text


def test_one_that_is_not_taken_does_not_hold_up_the_next(provider):
    provider.statuses = [500]
    send()
    send()

    assert services.deliver_due() == 1
    assert TextMessage.objects.filter(sent_at=None).count() == 1


def test_an_expired_message_is_not_handed_over_and_goes(provider):
    send(seconds=-1)
    live = send()

    assert services.deliver_due() == 1
    tasks.forget_expired()
    assert TextMessage.objects.get() == live


def test_what_is_rolled_back_never_leaves(provider):
    with transaction.atomic():
        send()
        transaction.set_rollback(True)

    assert services.deliver_due() == 0
    assert provider.received == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_hand_over_each_message_once(provider):
    for _ in range(6):
        send()

    def work(_):
        try:
            return services.deliver_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as workers:
        assert sum(workers.map(work, range(3))) == 6
    assert len({orjson.loads(body)["id"] for _, body in provider.received}) == 6
    assert len(provider.received) == 6


def test_pauses_grow_to_a_minute():
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 4, 5, 30)] == [10, 20, 40, 60, 60, 60]


def test_the_worker_is_asked_only_when_something_is_due(settings, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda expires: asked.append(expires))
    settings.SMS_ADAPTER = mailbox.ADAPTER
    tasks.deliver_when_due()
    assert asked == []

    send()
    tasks.deliver_when_due()
    assert asked == [5]

    tasks.deliver()
    tasks.deliver_when_due()
    assert asked == [5]


def test_a_node_without_an_adapter_looks_for_nothing(settings, django_assert_num_queries):
    settings.SMS_ADAPTER = ""

    with django_assert_num_queries(0):
        tasks.deliver_when_due()


def test_a_message_is_sealed_and_stays_so_when_keys_change():
    row = send()
    before = bytes(row.sealed)
    assert PHONE.encode() not in before
    assert PHONE not in repr(mailbox.letters())

    rotation.rotate(grace=0)

    assert bytes(TextMessage.objects.get().sealed) != before
    (letter,) = mailbox.letters()
    assert (letter.text.phone, letter.text.parameters["code"]) == (PHONE, CODE)


def test_a_node_with_the_gateway_adapter_does_not_start_without_its_address(monkeypatch):
    monkeypatch.setenv("SMS_ADAPTER", "registry.sms.gateway.deliver")

    started = subprocess.run(
        [sys.executable, "-c", "import config.settings"], cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert started.returncode == 1
    assert started.stderr.startswith("SMS_GATEWAY_URL: is not set")
