"""Field encryption, blind indexes and masks.

A sealed value is `version 1 | cipher 1 | node 3 | key 2 | nonce 12 | ciphertext | tag 16`. The first
seven bytes name the key, so SQL can find the rows a key still holds. The header and the caller's
context are authenticated: a value moved to another row or column does not open.
"""

import hashlib
import hmac
import os
import struct
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from kernel.keys import ring
from kernel.keys.errors import SealBroken
from kernel.keys.states import Status

VERSION = 1
AES, SM4 = 1, 2
CIPHERS = {"AES-256-GCM": AES, "SM4-GCM": SM4}
HEADER = struct.Struct(">BB3sH")
NONCE_BYTES = 12
TAG_BYTES = 16
SMALLEST = HEADER.size + NONCE_BYTES + TAG_BYTES


def seal(plaintext: bytes, *, context: bytes) -> bytes:
    """Encrypt under this node's active data key, bound to `context`."""
    number, secret = ring.active_data_key()
    head = header(settings.NODE_CODE, number)
    nonce = os.urandom(NONCE_BYTES)
    aad = head + context
    if head[1] == SM4:
        encryptor = Cipher(algorithms.SM4(_sm4_key(secret)), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(aad)
        sealed = encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag
    else:
        sealed = _aes(secret).encrypt(nonce, plaintext, aad)
    return head + nonce + sealed


def open_sealed(token: bytes | memoryview, *, node: str | None = None, context: bytes) -> bytes:
    """Decrypt what `seal` made; with `node`, only what that node sealed.

    Raises SealBroken when anything was changed, KeyUnknown when the key is not held here.
    """
    token = bytes(token)
    found, number = sealed_by(token)
    if node is not None and found != node:
        raise SealBroken
    secret = ring.data_key(found, number)
    head, rest = token[: HEADER.size], token[HEADER.size :]
    nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    aad = head + context
    try:
        if head[1] == AES:
            return _aes(secret).decrypt(nonce, sealed, aad)
        body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        decryptor = Cipher(algorithms.SM4(_sm4_key(secret)), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(aad)
        return decryptor.update(body) + decryptor.finalize()
    except InvalidTag as error:
        raise SealBroken from error


def context_of(column: str, row_id: UUID) -> bytes:
    """The usual context: `app.Model.column` and the row's id."""
    return f"{column}:{row_id}".encode()


def header(node: str, number: int, cipher: str | None = None) -> bytes:
    """The first bytes of every value that a node seals with a key."""
    kind = CIPHERS[cipher or settings.FIELD_CIPHER]
    return HEADER.pack(VERSION, kind, int(node).to_bytes(3, "big"), number)


def sealed_by(token: bytes) -> tuple[str, int]:
    """Node and key number that a sealed value names."""
    if len(token) < SMALLEST:
        raise SealBroken
    version, cipher, node, number = HEADER.unpack_from(token)
    if version != VERSION or cipher not in CIPHERS.values():
        raise SealBroken
    return f"{int.from_bytes(node, 'big'):06d}", number


def blind_index(kind: str, value: str) -> bytes:
    """Keyed hash of a value for equality in SQL, under the active index key."""
    return _keyed_hash(ring.index_keys()[Status.ACTIVE], kind, value)


def blind_index_next(kind: str, value: str) -> bytes | None:
    """The hash for the second column while the index key is being changed, else None.

    It is under the key that is to stay, also after that key has become the active one: so of two rows
    for one value at least one column is equal at any time, and unique rules on both columns hold.
    """
    keys = ring.index_keys()
    if Status.NEW in keys:
        return _keyed_hash(keys[Status.NEW], kind, value)
    if Status.RETIRED in keys:
        return _keyed_hash(keys[Status.ACTIVE], kind, value)
    return None


def blind_indexes_of(kind: str, values: Sequence[str]) -> list[bytes] | None:
    """`blind_index` of each value, for a column of several; None where there is none."""
    return [blind_index(kind, value) for value in values] or None


def blind_indexes_of_next(kind: str, values: Sequence[str]) -> list[bytes] | None:
    """`blind_index_next` of each value."""
    hashes = [blind_index_next(kind, value) for value in values]
    return [one for one in hashes if one is not None] or None


def blind_indexes(kind: str, value: str) -> list[bytes]:
    """Every hash under which a row may be found now; look for them in both columns."""
    return [_keyed_hash(key, kind, value) for key in ring.index_keys().values()]


def comparable(value: str) -> str:
    """The form of a value in which keyed hashes are equal: one width and case, no blanks."""
    return "".join(unicodedata.normalize("NFKC", value).upper().split())


def mask_name(name: str) -> str:
    """A name with all but its first character hidden: 张三丰 → 张**."""
    return name[:1] + "*" * (len(name) - 1)


def mask_identity(number: str) -> str:
    """An identity number with only its first three and last two characters."""
    return _masked(number, 3, 2)


def mask_phone(number: str) -> str:
    """A phone number with only its first three and last two digits."""
    return _masked(number, 3, 2)


def _masked(text: str, before: int, after: int) -> str:
    if len(text) <= before + after + 1:
        return "*" * len(text)
    return text[:before] + "*" * (len(text) - before - after) + text[-after:]


def _keyed_hash(key: bytes, kind: str, value: str) -> bytes:
    return hmac.digest(key, f"{kind}\0{comparable(value)}".encode(), hashlib.sha256)


@lru_cache(maxsize=256)
def _aes(secret: bytes) -> AESGCM:
    return AESGCM(secret)


@lru_cache(maxsize=256)
def _sm4_key(secret: bytes) -> bytes:
    """SM4 has 128-bit keys; a data key of 256 bits serves both ciphers, each with its own part."""
    return HKDF(hashes.SHA256(), 16, salt=None, info=b"jianqiao: SM4").derive(secret)
