"""Keys of a node; the hub's copies of the cities' data keys."""

import base64
import io
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.conf import settings as node
from django.core.management import call_command

from kernel import crypto
from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from kernel.commands.errors import CityUnreachable
from kernel.homes import uuid7
from kernel.keys import ring, rotation, secrets, services
from kernel.keys.errors import KeyUnknown, RotationHalted, SealBroken
from kernel.keys.models import DataKey, KeyPurpose
from kernel.keys.states import Status
from kernel.keys.tasks import destroy_given_up, share
from kernel.nodes.models import Node
from tests.commands.conftest import PEER
from tests.conftest import arriving
from tests.keys import wiring

pytestmark = pytest.mark.django_db

AS_NODE = Actor.of_node(PEER)


def keys():
    return sorted(DataKey.objects.values_list("node", "purpose", "number", "status"))


def for_hub(number, secret):
    name = f"{PEER}:data:{number}"
    sealed = secrets.encrypt_for(secrets.exchange_key(), secret, name=name)
    return {"number": number, "sealed": sealed}


def test_a_node_makes_its_first_keys_once():
    DataKey.objects.all().delete()
    out = io.StringIO()

    call_command("make_keys", stdout=out)
    call_command("make_keys", stdout=io.StringIO())

    assert keys() == [
        (node.NODE_CODE, "data", 1, "active"),
        (node.NODE_CODE, "index", 1, "active"),
    ]
    assert json.loads(out.getvalue()) == {
        "node": node.NODE_CODE,
        "public_key": secrets.public_key(),
        "exchange_key": services.exchange_public_key(),
    }
    assert len(base64.b64decode(secrets.exchange_key())) == 32


def test_what_is_encrypted_for_a_node_opens_there_only():
    other = X25519PrivateKey.generate().public_key().public_bytes_raw()

    own = secrets.encrypt_for(secrets.exchange_key(), b"a key", name="620100:data:1")
    foreign = secrets.encrypt_for(base64.b64encode(other).decode(), b"a key", name="620100:data:1")

    assert secrets.decrypt_own(own, name="620100:data:1") == b"a key"
    for sealed, name in [(own, "620200:data:1"), (foreign, "620100:data:1"), ("???", "x")]:
        with pytest.raises(SealBroken):
            secrets.decrypt_own(sealed, name=name)


@pytest.mark.node("hub")
def test_the_hub_holds_the_keys_a_city_shares(peer, settings):
    settings.WIRING = wiring.HERE
    secret = bytes(range(32))

    response = peer.send("keys.share", {"keys": [for_hub(1, secret)]}, by=AS_NODE)

    assert (response.status_code, response.json()) == (200, {"held": [1]})
    assert (PEER, "data", 1, "held") in keys()
    assert ring.data_key(PEER, 1) == secret
    assert AuditRow.objects.get().action == "keys.share"
    settings.NODE_CODE = PEER
    token = seal_with(secret, b"13800001111")
    settings.NODE_CODE = "620000"
    assert crypto.open_sealed(token, node=PEER, context=b"row") == b"13800001111"


def seal_with(secret, plaintext):
    """What the peer seals under a key."""
    head = crypto.header(PEER, 1)
    return head + bytes(12) + crypto._aes(secret).encrypt(bytes(12), plaintext, head + b"row")


@pytest.mark.node("hub")
def test_a_key_given_up_is_wiped_once_no_row_names_it(peer, settings, samples):
    secret = bytes(range(32))
    peer.send("keys.share", {"keys": [for_hub(1, secret)]}, by=AS_NODE, key="1")
    row = wiring.Sample(sealed=seal_with(secret, b"x"))
    row.save(force_insert=True)

    peer.send("keys.share", {"keys": [for_hub(2, bytes(32))]}, by=AS_NODE, key="2")
    destroy_given_up()

    assert [key for key in keys() if key[0] == PEER] == [
        (PEER, "data", 1, "retired"),
        (PEER, "data", 2, "held"),
    ]
    assert crypto.open_sealed(bytes(row.sealed or b""), context=b"row") == b"x"

    row.delete()
    destroy_given_up()
    gone = DataKey.objects.get(node=PEER, number=1)
    assert (gone.status, bytes(gone.wrapped)) == (Status.DESTROYED, b"")
    with pytest.raises(KeyUnknown):
        ring.data_key(PEER, 1)


@pytest.mark.node("hub")
def test_a_city_made_anew_shares_other_keys_under_the_same_numbers(peer, settings):
    settings.WIRING = wiring.HERE
    peer.send("keys.share", {"keys": [for_hub(1, bytes(32))]}, by=AS_NODE, key="1")
    DataKey.objects.filter(node=PEER).update(status=Status.DESTROYED, wrapped=b"")

    peer.send("keys.share", {"keys": [for_hub(1, bytes(range(32)))]}, by=AS_NODE, key="2")

    assert ring.data_key(PEER, 1) == bytes(range(32))


@pytest.mark.node("hub")
@pytest.mark.parametrize(
    "by",
    [
        Actor(id=uuid7(), role=Role.OPERATOR, node=PEER, purpose="HSYSADMIN"),
        Actor(id=uuid7(), role=Role.HOSPITAL_SYSTEM, node=PEER),
    ],
)
def test_only_a_node_shares_keys(peer, settings, by):
    settings.WIRING = wiring.HERE

    response = peer.send("keys.share", {"keys": [for_hub(1, bytes(32))]}, by=by)

    assert response.status_code == 403
    assert not DataKey.objects.filter(node=PEER).exists()


@pytest.mark.node("city")
def test_a_city_takes_no_keys(peer, settings):
    settings.WIRING = wiring.HERE

    response = peer.send("keys.share", {"keys": [for_hub(1, bytes(32))]}, by=AS_NODE)

    assert response.status_code == 403
    assert not DataKey.objects.filter(node=PEER).exists()


@pytest.mark.node("hub")
def test_the_hub_shares_with_nobody():
    assert services.is_shared()
    assert services.share_with_hub()


@pytest.mark.node("city")
def test_a_city_not_enrolled_yet_waits():
    assert not services.is_shared()
    assert not services.share_with_hub()


@pytest.mark.node("city")
def test_a_city_shares_its_data_keys_and_only_those(peer, monkeypatch):
    give_the_hub_an_exchange_key()
    sent = []
    monkeypatch.setattr(services, "send", lambda *args, **kwargs: sent.append((args, kwargs)))

    share()
    share()

    ((args, kwargs),) = sent
    assert (args, kwargs["to"], kwargs["by"]) == (
        ("keys.share",),
        "620000",
        Actor.of_node(node.NODE_CODE),
    )
    (shared,) = kwargs["body"]["keys"]
    _, secret = ring.active_data_key()
    assert shared["number"] == 1
    assert secrets.decrypt_own(shared["sealed"], name=f"{node.NODE_CODE}:data:1") == secret
    assert services.is_shared()


def give_the_hub_an_exchange_key():
    """One whose other half this test has: our own."""
    with arriving():
        Node.objects.filter(code="620000").update(exchange_key=secrets.exchange_key())


@pytest.mark.node("city")
def test_a_hub_that_is_down_blocks_nothing(peer, monkeypatch):
    give_the_hub_an_exchange_key()

    def down(*args, **kwargs):
        raise CityUnreachable

    monkeypatch.setattr(services, "send", down)

    share()

    assert not services.is_shared()
    assert crypto.open_sealed(crypto.seal(b"x", context=b""), context=b"") == b"x"
    with pytest.raises(RotationHalted):
        rotation.rotate(grace=0)
    assert DataKey.objects.get(purpose=KeyPurpose.DATA, status=Status.ACTIVE).number == 1
