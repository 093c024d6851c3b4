"""Two nodes in one process: this one, and a peer whose key the tests hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as node
from django.test import Client
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.commands import signing
from kernel.homes import uuid7
from kernel.keys import secrets
from kernel.nodes.models import Node
from tests.commands import wiring

PEER = "620800" if node.ROLE == "province" else "620000"
OPERATOR = Actor(id=uuid7(), role=Role.OPERATOR, node=PEER, purpose="HSYSADMIN")
OWN = replace(OPERATOR, node=node.NODE_CODE)


@dataclass
class Peer:
    """Another node, as the tests play it."""

    key: Ed25519PrivateKey
    client: Client

    def claims(self, name, body, /, key="key-1", by=OPERATOR, **changes):
        """What the peer signs."""
        now = int(timezone.now().timestamp())
        return {
            "iss": PEER,
            "aud": node.NODE_CODE,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid7()),
            "key": key,
            "name": name,
            "digest": signing.digest_of(name, body).hex(),
            "actor": by.as_claims(),
            "purpose": str(by.purpose),
        } | changes

    def send(self, name, body, /, *, sent=None, signer=None, **claims):
        """Post a command to this node; `sent` is what travels instead of what was signed."""
        content = orjson.dumps(body)
        token = jwt.encode(
            self.claims(name, content, **claims), signer or self.key, algorithm="EdDSA"
        )
        return self.post(name, content if sent is None else orjson.dumps(sent), token)

    def post(self, name, content, token):
        """Post with any signature."""
        return self.client.post(
            f"/node/v1/commands/{name}",
            content,
            content_type="application/json",
            headers={"X-Node-Signature": token},
        )


@pytest.fixture
def register(arrives) -> Callable[..., None]:
    """Write a node into the register, as the hub's copy arrives."""

    def write(code, url, public_key, exchange_key=""):
        with arrives():
            Node.objects.update_or_create(
                code=code,
                defaults={
                    "name": code,
                    "url": url,
                    "public_key": public_key,
                    "exchange_key": exchange_key,
                },
            )

    return write


@pytest.fixture
def peer(settings, client, register):
    """The peer, registered; this node's door open."""
    settings.WIRING = wiring.HERE
    settings.ROOT_URLCONF = wiring.HERE
    wiring.hooks.clear()
    key = Ed25519PrivateKey.generate()
    register(PEER, "http://127.0.0.1:1", pem(key))
    register(node.NODE_CODE, "http://127.0.0.1:1", secrets.public_key(), secrets.exchange_key())
    client.raise_request_exception = False
    return Peer(key, client)


def pem(key: Ed25519PrivateKey) -> str:
    """Public half in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
