"""Periods, since when is counted again, and how a city does."""

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.rules import (
    State,
    count_from,
    midnight,
    must_say,
    period_of,
    state_of,
)

NOW = datetime(2026, 11, 20, 2, 47, 31, 5, tzinfo=UTC)


def ago(**time):
    return NOW - timedelta(**time)


def test_a_period_is_ten_minutes():
    assert period_of(NOW) == datetime(2026, 11, 20, 2, 40, tzinfo=UTC)
    assert midnight(date(2026, 11, 20), "Asia/Shanghai") == datetime(2026, 11, 19, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "since"),
    [
        (None, datetime(2026, 11, 13, 2, 40, tzinfo=UTC)),
        (ago(seconds=1), datetime(2026, 11, 20, 2, 40, tzinfo=UTC)),
        (ago(hours=3), datetime(2026, 11, 19, 23, 40, tzinfo=UTC)),
        (ago(hours=-3), datetime(2026, 11, 20, 2, 40, tzinfo=UTC)),
        (ago(minutes=6), datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
    ],
    ids=["never", "just now", "stopped since", "a clock set back", "in the period before"],
)
def test_what_may_have_changed_is_counted_again(until, since):
    assert count_from(until, NOW) == since


@pytest.mark.parametrize(
    ("until", "changed", "says"),
    [
        (None, False, True),
        (ago(seconds=4), False, False),
        (ago(seconds=4), True, True),
        (ago(seconds=5), False, True),
        (ago(seconds=-60), False, True),
    ],
)
def test_a_count_is_told_when_it_changed_something_and_now_and_then(until, changed, says):
    assert must_say(until, NOW, changed=changed) is says


@pytest.mark.parametrize(
    ("running", "copying", "until", "state"),
    [
        (False, False, ago(seconds=1), State.UNREACHABLE),
        (True, True, ago(seconds=1), State.COPYING),
        (True, False, None, State.WAITING),
        (True, False, ago(seconds=15), State.CURRENT),
        (True, False, ago(seconds=16), State.LATE),
    ],
)
def test_how_a_city_does(running, copying, until, state):
    told = state_of(running=running, copying=copying, counted_until=until, now=NOW)

    assert told == state
