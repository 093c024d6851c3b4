"""Signatures between nodes: a JWS (Ed25519) over who, to whom, when, what, and for whom.

The body itself stays plain JSON; the signature carries its SHA-256.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.utils import timezone

from kernel.actor import Actor
from kernel.commands.errors import SignatureRefused, WrongNode
from kernel.homes import uuid7
from kernel.keys.secrets import signing_key
from kernel.nodes.selectors import node_by_code

HEADER = "X-Node-Signature"
ALGORITHM = "EdDSA"
WINDOW_SECONDS = 60
CLAIMS = ["iss", "aud", "iat", "exp", "jti", "key", "name", "digest", "actor", "purpose"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good signature vouches for."""

    sender: str
    key: str
    by: Actor


def digest_of(name: str, body: bytes) -> bytes:
    """What identifies a command's content."""
    return hashlib.sha256(name.encode() + b"\0" + body).digest()


def sign(*, name: str, body: bytes, to: str, key: str, by: Actor) -> str:
    """The signature that goes with a command now."""
    now = int(timezone.now().timestamp())
    claims = {
        "iss": settings.NODE_CODE,
        "aud": to,
        "iat": now,
        "exp": now + WINDOW_SECONDS,
        "jti": str(uuid7()),
        "key": key,
        "name": name,
        "digest": digest_of(name, body).hex(),
        "actor": by.as_claims(),
        "purpose": by.purpose,
    }
    return jwt.encode(claims, signing_key(), algorithm=ALGORITHM)


def verify(token: str, *, name: str, body: bytes) -> Verified:
    """Who sent this command for whom; SignatureRefused or WrongNode otherwise."""
    claims = _signed_claims(token)
    _require_now(claims)
    if claims["aud"] != settings.NODE_CODE:
        raise WrongNode(facts={"node": settings.NODE_CODE})
    if claims["name"] != name or claims["digest"] != digest_of(name, body).hex():
        raise SignatureRefused({"zh": "内容与签名不符", "en": "the content is not what was signed"})
    try:
        by = Actor.from_claims(claims["actor"])
    except ValueError as error:
        raise SignatureRefused from error
    if by.purpose != claims["purpose"] or by.node != claims["iss"]:
        raise SignatureRefused  # a node speaks for itself and for those who signed in there
    return Verified(sender=claims["iss"], key=str(claims["key"]), by=by)


def _signed_claims(token: str) -> Mapping[str, Any]:
    try:
        unverified = jwt.decode(token, options={"verify_signature": False})
        node = node_by_code(str(unverified.get("iss", "")))
        if node is None:
            raise SignatureRefused({"zh": "未知节点", "en": "the sender is unknown"})
        return jwt.decode(
            token,
            _public_key(node.public_key),
            algorithms=[ALGORITHM],
            options={
                "require": CLAIMS,
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError as error:
        raise SignatureRefused from error


def _require_now(claims: Mapping[str, Any]) -> None:
    """Both clocks may differ by WINDOW_SECONDS, no more."""
    now = timezone.now().timestamp()
    try:
        early, late = float(claims["iat"]) - WINDOW_SECONDS, float(claims["exp"])
    except (TypeError, ValueError) as error:
        raise SignatureRefused from error
    late = min(late, early + 2 * WINDOW_SECONDS)
    if not early <= now <= late:
        raise SignatureRefused(
            {"zh": "签名已过期或时钟不一致", "en": "expired, or the clocks differ"}
        )


@lru_cache(maxsize=64)
def _public_key(pem: str) -> Ed25519PublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureRefused
    return key
