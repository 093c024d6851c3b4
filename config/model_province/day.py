"""How busy a province is, hour by hour of the day in China."""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from config.model_province.activity import BEIJING

VISITS = (3, 2, 2, 2, 2, 3, 6, 16, 30, 32, 28, 20, 10, 10, 22, 24, 20, 14, 8, 8, 7, 6, 5, 4)
"""Weights of the hours for visits to hospitals: a morning peak, a lower one after noon, a night that is
never quite empty."""

BOOKINGS = (4, 2, 2, 2, 2, 3, 8, 22, 26, 20, 16, 14, 16, 12, 10, 10, 10, 12, 14, 18, 24, 22, 14, 8)
"""The same for numbers booked and given back: when the day begins, at noon, and in the evening at home."""


def pace(weights: Sequence[int], at: datetime) -> float:
    """How much busier than on average it is at a time; over a whole day the mean is 1."""
    return weights[at.astimezone(BEIJING).hour] * len(weights) / sum(weights)


def pause(chance: Random, per_minute: float) -> float:
    """Seconds until the next of things that come independently, so many a minute."""
    return chance.expovariate(per_minute / 60)
