"""Decisions of booking over plain values."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from appointment_pool.errors import NotOpenYet, ScheduleOver, ScheduleStopped
from appointment_pool.rules import Period, faults_of, may_cancel, refusal_to_book

DAY = date(2026, 11, 30)
STARTS, ENDS = datetime(2026, 11, 30, 0, tzinfo=UTC), datetime(2026, 11, 30, 1, tzinfo=UTC)


def refused(**changes):
    asked: dict[str, Any] = {
        "status": "open", "day": DAY, "ends_at": ENDS, "today": date(2026, 11, 23),
        "now": datetime(2026, 11, 23, 4, tzinfo=UTC), "days_ahead": 7,
    } | changes  # fmt: skip
    return refusal_to_book(**asked)


def test_the_first_day_of_booking_is_so_many_days_before():
    assert refused() is None
    early = refused(today=date(2026, 11, 22))
    assert type(early) is NotOpenYet
    assert early.facts == {"opens": "2026-11-23"}


def test_what_is_not_released_cannot_be_booked():
    assert type(refused(status="planned")) is NotOpenYet


def test_what_is_stopped_or_over_cannot_be_booked():
    assert type(refused(status="stopped", now=ENDS)) is ScheduleStopped
    assert type(refused(now=ENDS, today=DAY)) is ScheduleOver


def test_the_day_itself_can_be_booked_until_it_ends():
    assert refused(now=datetime(2026, 11, 30, 0, 59, tzinfo=UTC), today=DAY) is None


@pytest.mark.parametrize(
    ("booked_on", "today", "now", "days_before", "allowed"),
    [
        (date(2026, 11, 25), date(2026, 11, 29), datetime(2026, 11, 29, 15, 59, tzinfo=UTC), 1, True),
        (date(2026, 11, 25), DAY, datetime(2026, 11, 29, 16, tzinfo=UTC), 1, False),
        (date(2026, 11, 25), DAY, datetime(2026, 11, 29, 16, tzinfo=UTC), 0, True),
        (date(2026, 11, 25), date(2026, 11, 29), datetime(2026, 11, 29, 1, tzinfo=UTC), 2, False),
        (DAY, DAY, datetime(2026, 11, 29, 23, 59, tzinfo=UTC), 1, True),
        (DAY, DAY, STARTS, 0, False),
    ],
)  # fmt: skip
def test_until_when_a_number_is_given_back(booked_on, today, now, days_before, allowed):
    assert allowed is may_cancel(
        day=DAY, starts_at=STARTS, booked_on=booked_on, today=today, now=now,
        days_before=days_before,
    )  # fmt: skip


def test_periods_follow_each_other_and_are_not_too_long():
    periods = [
        Period(time(8), time(9), 1),
        Period(time(8, 59), time(9, 30), 1),
        Period(time(10), time(10), 1),
        Period(time(11), time(12, 1), 1),
    ]

    faults = faults_of(periods, longest_minutes=60)

    assert [(one.field, one.rule) for one in faults] == [
        ("periods.1", "period-overlap"), ("periods.2", "period-order"),
        ("periods.3", "period-length"),
    ]  # fmt: skip
    assert faults_of(periods[:1], longest_minutes=60) == []
