"""Field encryption, blind indexes, masks."""

import pytest
from django.conf import settings as node
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel import crypto
from kernel.keys import ring, secrets
from kernel.keys.errors import KeysMissing, KeyUnknown, SealBroken
from kernel.keys.models import DataKey
from kernel.keys.states import Status

pytestmark = pytest.mark.django_db

NODE = node.NODE_CODE
IN_ONE_DATABASE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)


@pytest.fixture(params=["AES-256-GCM", "SM4-GCM"])
def cipher(request, settings):
    settings.FIELD_CIPHER = request.param
    return request.param


@IN_ONE_DATABASE
@given(plaintext=st.binary(max_size=300), context=st.binary(max_size=40))
def test_what_was_sealed_opens_in_its_context(cipher, plaintext, context):
    token = crypto.seal(plaintext, context=context)

    assert crypto.open_sealed(token, context=context) == plaintext
    assert len(token) == len(plaintext) + 35


@IN_ONE_DATABASE
@given(place=st.integers(min_value=0, max_value=48), bit=st.integers(min_value=0, max_value=7))
def test_a_changed_bit_anywhere_is_noticed(cipher, place, bit):
    token = bytearray(crypto.seal(b"620102199001011", context=b"here"))
    token[place] ^= 1 << bit

    with pytest.raises((SealBroken, KeyUnknown)):
        crypto.open_sealed(bytes(token), context=b"here")


def test_a_value_moved_to_another_place_does_not_open(cipher):
    token = crypto.seal(b"13800001111", context=b"row 1")

    with pytest.raises(SealBroken):
        crypto.open_sealed(token, context=b"row 2")


def test_a_value_of_another_node_is_not_taken_for_ours():
    token = crypto.seal(b"x", context=b"")

    assert crypto.open_sealed(token, node=NODE, context=b"") == b"x"
    with pytest.raises(SealBroken):
        crypto.open_sealed(token, node="629900", context=b"")


def test_the_header_names_the_key_so_that_sql_can_find_it(cipher):
    token = crypto.seal(b"x", context=b"")

    assert token[:7] == crypto.header(NODE, 1)
    assert crypto.sealed_by(token) == (NODE, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT substring(%s FROM 1 FOR 7) = %s", [token, token[:7]])
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("rubbish", [b"", b"short", bytes(60), b"\x01\x09" + bytes(60)])
def test_rubbish_is_no_sealed_value(rubbish):
    with pytest.raises(SealBroken):
        crypto.open_sealed(rubbish, context=b"")


def test_a_key_that_is_not_held_here_is_named():
    token = crypto.header("629900", 9) + bytes(40)

    with pytest.raises(KeyUnknown) as unknown:
        crypto.open_sealed(token, context=b"")

    assert unknown.value.facts == {"node": "629900", "key": 9}


def test_the_key_in_the_database_is_wrapped():
    key = DataKey.objects.get(purpose="data", status=Status.ACTIVE)
    _, secret = ring.active_data_key()

    assert len(secret) == 32
    assert secret not in bytes(key.wrapped)
    with pytest.raises(SealBroken):
        secrets.unwrap(bytes(key.wrapped), name="620100:data:99")


def test_without_keys_nothing_is_sealed():
    DataKey.objects.all().delete()
    ring.forget()

    with pytest.raises(KeysMissing):
        crypto.seal(b"x", context=b"")
    with pytest.raises(KeysMissing):
        crypto.blind_index("phone", "13800001111")


def test_equal_values_have_equal_indexes_whatever_their_spelling():
    expected = crypto.blind_index("identity", "62010219900101123X")

    assert len(expected) == 32
    assert crypto.blind_index("identity", " 62010219900101123x ") == expected
    assert crypto.blind_index("identity", "６２０１０２１９９００１０１１２３Ｘ") == expected
    assert crypto.blind_index("phone", "62010219900101123X") != expected
    assert crypto.blind_indexes("identity", "62010219900101123X") == [expected]
    assert crypto.blind_index_next("identity", "62010219900101123X") is None


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (crypto.mask_name, "张三丰", "张**"),
        (crypto.mask_name, "", ""),
        (crypto.mask_identity, "62010219900101123X", "620*************3X"),
        (crypto.mask_identity, "12345", "*****"),
        (crypto.mask_phone, "13812345678", "138******78"),
    ],
)
def test_a_mask_shows_as_little_as_recognising_needs(mask, text, shown):
    assert mask(text) == shown
