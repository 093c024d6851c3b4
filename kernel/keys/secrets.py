"""The two secrets a node has as files: its signing key and its master key.

The signing key (Ed25519) says who the node is. From the master key two others are derived: one wraps
the data keys, one (X25519) lets other nodes encrypt for this node (HPKE, RFC 9180).
"""

import base64
import binascii
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from kernel.keys.errors import SealBroken

NONCE_BYTES = 12
EXCHANGE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@cache
def signing_key() -> Ed25519PrivateKey:
    """The node's private key, from NODE_KEY_FILE."""
    key = load_pem_private_key(settings.NODE_KEY_FILE.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured("NODE_KEY_FILE must hold an Ed25519 private key in PEM")
    return key


def public_key() -> str:
    """The node's public key in PEM, as `Node.public_key` holds it."""
    return (
        signing_key()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def exchange_key() -> str:
    """The X25519 key for which others encrypt, base64, as `Node.exchange_key` holds it."""
    public = _exchange_private().public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def wrap(secret: bytes, *, name: str) -> bytes:
    """Encrypt a key under the master key, bound to its name."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _wrapping().encrypt(nonce, secret, name.encode())


def unwrap(wrapped: bytes, *, name: str) -> bytes:
    """The key that `wrap` encrypted; SealBroken under another master key or name."""
    try:
        return _wrapping().decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], name.encode())
    except InvalidTag as error:
        raise SealBroken({"zh": "主密钥不匹配", "en": "the master key does not fit"}) from error


def encrypt_for(exchange_key: str, secret: bytes, *, name: str) -> str:
    """Encrypt for the holder of an exchange key, base64."""
    public = X25519PublicKey.from_public_bytes(base64.b64decode(exchange_key))
    return base64.b64encode(EXCHANGE.encrypt(secret, public, name.encode())).decode()


def decrypt_own(sealed: str, *, name: str) -> bytes:
    """What another node encrypted for this one."""
    try:
        return EXCHANGE.decrypt(base64.b64decode(sealed), _exchange_private(), name.encode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise SealBroken from error


@cache
def _master() -> bytes:
    try:
        master = base64.b64decode(settings.MASTER_KEY_FILE.read_bytes(), validate=False)
    except binascii.Error as error:
        raise ImproperlyConfigured("MASTER_KEY_FILE must be base64") from error
    if len(master) != 32:
        raise ImproperlyConfigured("MASTER_KEY_FILE must hold 32 bytes, base64")
    return master


@cache
def _wrapping() -> AESGCM:
    return AESGCM(_derived(b"jianqiao: wrap keys"))


@cache
def _exchange_private() -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(_derived(b"jianqiao: key exchange"))


def _derived(info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(_master())
