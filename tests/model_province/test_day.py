"""How busy a day is, hour by hour."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import mean

import pytest

from config.model_province import day
from config.model_province.chance import chance_of

MIDNIGHT = datetime(2026, 11, 20, 16, tzinfo=UTC)  # in China the 21st begins


@pytest.mark.parametrize("weights", [day.VISITS, day.BOOKINGS])
def test_a_whole_day_is_average_and_no_hour_is_empty(weights):
    hours = [day.pace(weights, MIDNIGHT + timedelta(hours=hour)) for hour in range(24)]

    assert mean(hours) == pytest.approx(1)
    assert min(hours) > 0.1


def test_people_come_in_the_morning_by_the_clock_of_china():
    nine, three = (day.pace(day.VISITS, MIDNIGHT + timedelta(hours=hour)) for hour in (9, 3))

    assert nine > 10 * three


def test_pauses_follow_from_how_many_come_a_minute():
    chance = chance_of("pauses")

    pauses = list(islice(iter(lambda: day.pause(chance, 30), None), 4_000))

    assert mean(pauses) == pytest.approx(2, rel=0.05)
    assert min(pauses) > 0
