"""Numbers, limits and the decision to bind, over plain values."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.residents.rules import Limit, is_within, may_bind, mobile_number_of, origin_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TWO_A_MINUTE = Limit(2, timedelta(minutes=1))
THREE_AN_HOUR = Limit(3, timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13900000001", "13900000001"),
        ("+86 139-0000-0001", "13900000001"),
        ("0086 13900000001", "13900000001"),
        ("１３９０００００００１", "13900000001"),
        ("12900000001", None),
        ("1390000000", None),
        ("139000000011", None),
        ("0931-8412345", None),
        ("", None),
    ],
)
def test_a_mobile_number_however_it_is_typed(text, number):
    assert mobile_number_of(text) == number


@pytest.mark.parametrize(
    ("seconds_ago", "within"),
    [
        ([], True),
        ([10], True),
        ([10, 59], False),
        ([10, 60], True),
        ([100, 200], True),
        ([100, 200, 3599], False),
        ([100, 200, 3600], True),
    ],
)
def test_every_limit_is_kept(seconds_ago, within):
    before = [NOW - timedelta(seconds=one) for one in seconds_ago]

    assert is_within([TWO_A_MINUTE, THREE_AN_HOUR], before, NOW) is within


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_a_network_of_one_customer_counts_as_one(address, origin):
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    ("stated", "holders", "accounts", "may"),
    [
        ("张三", "张三", 0, True),
        ("张三", "张三", 1, False),
        ("张三", "李四", 0, False),
        ("张三", None, 0, False),
        ("", "", 0, False),
    ],
)
def test_who_may_be_bound(stated, holders, accounts, may):
    assert may_bind(stated, holders, accounts, most=1) is may
