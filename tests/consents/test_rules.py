"""When a consent may be given, and when it holds."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.consents.rules import fits, holds

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("ends_at", "fit"),
    [(NOW, False), (NOW - DAY, False), (NOW + DAY, True), (NOW + 30 * DAY, True),
     (NOW + 31 * DAY, False)],
)  # fmt: skip
def test_a_period_ends_later_but_not_too_late(ends_at, fit):
    assert fits(NOW, ends_at, longest=30 * DAY) is fit


@pytest.mark.parametrize(
    ("status", "now", "held"),
    [("active", NOW, True), ("active", NOW + DAY, False), ("active", NOW - DAY, False),
     ("inactive", NOW, False)],
)  # fmt: skip
def test_it_holds_within_its_period(status, now, held):
    assert holds(status, NOW, NOW + DAY, now) is held
