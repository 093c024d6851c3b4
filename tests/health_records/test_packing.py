"""What is kept compressed and sealed comes back, short or long."""

import zlib

import pytest

from health_records import sealing
from kernel.homes import uuid7

COLUMN = "health_records.Message.raw"


@pytest.fixture
def bare(monkeypatch):
    """Sealing that leaves what it seals readable."""
    monkeypatch.setattr(sealing.crypto, "seal", lambda plain, *, context: plain)


@pytest.mark.parametrize("length", [0, 1, sealing.SHORT, sealing.SHORT + 1, 70_000])
def test_what_is_packed_is_what_zlib_reads(bare, length):
    content = bytes(number * 7 % 256 for number in range(length))

    assert zlib.decompress(sealing.seal_packed(COLUMN, uuid7(), content)) == content


@pytest.mark.parametrize(("length", "packed"), [(sealing.SHORT, 523), (sealing.SHORT + 1, 14)])
def test_only_what_is_long_is_compressed(bare, length, packed):
    assert len(sealing.seal_packed(COLUMN, uuid7(), b"a" * length)) == packed
