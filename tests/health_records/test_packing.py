from uuid import uuid4

import pytest

from health_records.sealing import SHORT, open_packed, seal_packed
from kernel.keys.errors import SealBroken

pytestmark = pytest.mark.django_db

COLUMN = "health_records.Message.raw"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"x",
        b"x\x9c not packed though it begins so",
        b"a" * (SHORT - 1),
        b"a" * SHORT,
        bytes(range(256)) * 400,
    ],
)
def test_what_was_sealed_comes_out_again(content):
    row = uuid4()

    sealed = seal_packed(COLUMN, row, content)

    assert open_packed(COLUMN, row, sealed) == content
    with pytest.raises(SealBroken):
        open_packed(COLUMN, uuid4(), sealed)


def test_what_is_long_is_packed_first():
    assert len(seal_packed(COLUMN, uuid4(), b"a" * 10 * SHORT)) < SHORT
