"""A command that arrives: whose it is, and that it happens once."""

import threading
from dataclasses import replace

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings as node
from django.db import connection
from django.test import Client
from django.utils import timezone

from kernel.access import context
from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from kernel.commands import reception, signing
from kernel.commands.models import CommandReceived
from kernel.events.models import EventWatermark
from kernel.nodes.models import Node
from kernel.nodes.states import Status
from tests.commands import wiring
from tests.commands.conftest import OPERATOR, PEER, Peer, pem
from tests.conftest import until_blocked

BODY = {"name": "a resident 13800001111"}

pytestmark = pytest.mark.django_db(transaction=True)


def effects():
    return EventWatermark.objects.count()


def nothing_happened():
    return not (effects() or CommandReceived.objects.exists() or AuditRow.objects.exists())


def test_a_command_is_carried_out_for_the_actor_who_asked(peer):
    response = peer.send("test.note", BODY)

    assert response.status_code == 200
    mark = EventWatermark.objects.get()
    assert response.json() == {
        "id": str(mark.id),
        "by": str(OPERATOR.id),
        "purpose": "HSYSADMIN",
    }
    audited = AuditRow.objects.get()
    assert (audited.actor_id, audited.actor_node, audited.purpose, audited.outcome) == (
        OPERATOR.id,
        PEER,
        "HSYSADMIN",
        "allowed",
    )
    assert audited.route == "POST /node/v1/commands/<str:name>"
    received = CommandReceived.objects.get()
    assert (received.sender, received.key, received.name, received.status) == (
        PEER,
        "key-1",
        "test.note",
        200,
    )
    assert str(mark.id).encode() not in bytes(received.answer or b"")


def test_a_repeat_gets_the_first_answer_and_does_nothing(peer):
    first = peer.send("test.note", BODY)
    again = peer.send("test.note", BODY)

    assert (again.status_code, again.content) == (200, first.content)
    assert (effects(), AuditRow.objects.count()) == (1, 1)


def test_the_same_key_for_something_else_is_refused(peer):
    peer.send("test.note", BODY)

    other_body = peer.send("test.note", {"name": "other"})
    other_name = peer.send("test.refuse", BODY)

    assert (other_body.status_code, other_name.status_code) == (409, 409)
    assert other_body.json()["type"] == "urn:problem:idempotency-key-reused"
    assert effects() == 1


def test_keys_of_different_senders_are_different(peer, register):
    other = Ed25519PrivateKey.generate()
    register("620900", "http://127.0.0.1:1", pem(other))

    peer.send("test.note", {"name": "1"})
    there = replace(OPERATOR, node="620900")
    peer.send("test.note", {"name": "2"}, iss="620900", signer=other, by=there)

    assert effects() == 2


def test_a_refusal_is_an_answer_and_repeated_as_one(peer):
    first = peer.send("test.refuse", BODY)
    again = peer.send("test.refuse", BODY)

    assert first.status_code == 409
    assert first.json() == {
        "type": "urn:problem:sold-out",
        "title": "号源已满",
        "title_en": "Sold out",
        "status": 409,
        "detail": "上午",
        "detail_en": "morning",
        "facts": {"left": 0},
    }
    assert first["Content-Type"] == "application/problem+json"
    assert (again.status_code, again.content) == (409, first.content)
    assert effects() == 0
    assert CommandReceived.objects.get().status == 409


def test_an_actor_who_may_not_is_refused_and_audited(peer):
    response = peer.send("test.forbidden", BODY)

    assert response.status_code == 403
    assert AuditRow.objects.get().outcome == "refused"
    assert peer.send("test.forbidden", BODY).status_code == 403
    assert AuditRow.objects.count() == 1


def test_a_refusal_and_its_audit_row_are_committed_together(peer):
    """A web process that is killed after the command's commit never comes to the middleware."""
    body = orjson.dumps(BODY)
    token = jwt.encode(peer.claims("test.forbidden", body), peer.key, algorithm="EdDSA")

    with context.request():
        verified = signing.verify(token, name="test.forbidden", body=body)
        assert reception.receive("test.forbidden", body=body, verified=verified).status == 403

    assert AuditRow.objects.get().outcome == "refused"


@pytest.mark.parametrize("name", ["test.break", "test.unavailable", "test.busy"])
def test_what_is_no_decision_leaves_nothing_so_that_the_sender_tries_again(peer, name):
    response = peer.send(name, BODY)

    assert response.status_code in {500, 503, 429}
    assert effects() == 0
    assert not CommandReceived.objects.exists()


def test_a_service_that_never_asks_is_not_answered(peer):
    response = peer.send("test.unasked", BODY)

    assert response.status_code == 500
    assert response.json()["type"] == "urn:problem:access-not-decided"
    assert nothing_happened()


def test_simultaneous_repeats_happen_once(peer):
    inside, go_on = threading.Event(), threading.Event()

    def pause():
        inside.set()
        go_on.wait(120)

    wiring.hooks["note"] = pause
    answers = []

    def send():
        answers.append(Peer(peer.key, Client()).send("test.note", BODY))
        connection.close()

    first = threading.Thread(target=send)
    first.start()
    assert inside.wait(120)
    wiring.hooks.clear()
    second = threading.Thread(target=send)
    second.start()
    until_blocked(second)
    assert second.is_alive()
    go_on.set()
    first.join()
    second.join()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert effects() == 1


def test_a_tampered_body_is_refused(peer):
    response = peer.send("test.note", BODY, sent={"name": "somebody else"})

    assert response.status_code == 401
    assert response.json()["detail"] == "内容与签名不符"
    assert nothing_happened()


def test_a_signature_for_one_command_is_none_for_another(peer):
    response = peer.send("test.note", BODY, name="test.refuse")

    assert response.status_code == 401
    assert nothing_happened()


@pytest.mark.parametrize("shift", [-61, 90, -3600])
def test_an_expired_or_early_signature_is_refused(peer, shift):
    now = int(timezone.now().timestamp())

    response = peer.send("test.note", BODY, iat=now + shift, exp=now + shift + 60)

    assert response.status_code == 401
    assert nothing_happened()


@pytest.mark.parametrize("shift", [-55, 55])
def test_clocks_may_differ_by_a_minute(peer, shift):
    now = int(timezone.now().timestamp())

    assert peer.send("test.note", BODY, iat=now + shift, exp=now + shift + 60).status_code == 200


def test_no_sender_gives_itself_more_time(peer):
    now = int(timezone.now().timestamp())

    assert peer.send("test.note", BODY, iat=now - 120, exp=now + 3600).status_code == 401


def test_a_command_for_another_node_is_misdirected(peer):
    response = peer.send("test.note", BODY, aud="629900")

    assert response.status_code == 421
    assert response.json()["facts"] == {"node": node.NODE_CODE}
    assert nothing_happened()


def test_an_unknown_sender_is_refused(peer):
    assert peer.send("test.note", BODY, iss="629900").status_code == 401
    assert nothing_happened()


def test_a_retired_sender_is_refused(peer, arrives):
    with arrives():
        Node.objects.filter(code=PEER).update(status=Status.RETIRED)

    assert peer.send("test.note", BODY).status_code == 401


def test_somebody_elses_key_is_refused(peer):
    assert peer.send("test.note", BODY, signer=Ed25519PrivateKey.generate()).status_code == 401
    assert nothing_happened()


@pytest.mark.parametrize(
    "claims",
    [
        {"actor": {}},
        {"purpose": "TREAT"},
        {"iat": "soon"},
        {"key": None},
        {"actor": Actor.of_node("629900").as_claims(), "purpose": "HSYSADMIN"},
        {"actor": replace(OPERATOR, node="629900").as_claims()},
    ],
)
def test_claims_that_do_not_hold_together_are_refused(peer, claims):
    assert peer.send("test.note", BODY, **claims).status_code == 401
    assert nothing_happened()


@pytest.mark.parametrize("token", ["", "rubbish", "a.b.c"])
def test_a_command_without_a_signature_is_refused(peer, token):
    assert peer.post("test.note", b"{}", token).status_code == 401
    assert nothing_happened()


def test_an_unknown_command_and_a_body_that_is_no_object(peer):
    assert peer.send("test.unheard", BODY).status_code == 404
    assert peer.send("test.note", ["list"]).status_code == 422
    assert nothing_happened()


def test_a_body_too_large_is_refused(peer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    assert peer.send("test.note", BODY).status_code == 413


def test_only_post(peer, client):
    assert client.get("/node/v1/commands/test.note").status_code == 405


@pytest.mark.parametrize("who", [OPERATOR, replace(OPERATOR, role=Role.RESIDENT, purpose="PATRQT")])
def test_no_city_reads_at_another_node(peer, register, who):
    city, signer = "620900", Ed25519PrivateKey.generate()
    register(city, "http://127.0.0.1:1", pem(signer))
    sent = {"iss": city, "signer": signer}

    own = peer.send("test.read", {"length": 3}, by=replace(who, node=city), **sent)
    pretended = peer.send("test.read", {"length": 3}, by=replace(who, node=node.HUB_CODE), **sent)

    assert own.json()["type"] == "urn:problem:not-the-hub"
    assert pretended.json()["type"] == "urn:problem:signature-refused"
    assert nothing_happened()


@pytest.mark.node("city")
def test_a_query_is_answered_once(peer):
    first = peer.send("test.read", {"length": 3})
    copied = peer.send("test.read", {"length": 3})

    assert (first.status_code, first.json()) == (200, {"content": "xxx"})
    assert copied.status_code == 409
    assert copied.json()["type"] == "urn:problem:query-repeated"
    assert CommandReceived.objects.get().answer is None
    assert AuditRow.objects.count() == 1


@pytest.mark.node("city")
def test_a_query_refused_leaves_its_audit_row(peer):
    response = peer.send("test.read-nothing", {})

    assert response.status_code == 403
    assert AuditRow.objects.get().outcome == "refused"


def test_a_city_asks_the_hub_what_cities_may_ask_and_nobody_asks_a_city_that(peer):
    response = peer.send("test.ask-hub", {"length": 3})

    if node.ROLE == "province":
        assert (response.status_code, response.json()) == (200, {"content": "xxx"})
        assert peer.send("test.ask-hub", {"length": 3}).status_code == 409
    else:
        assert response.json()["type"] == "urn:problem:unknown-command"
        assert nothing_happened()
