"""Decisions about figures over plain values: periods, days to compare with, how a city does."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=10)
LONGEST_TRANSACTION = timedelta(minutes=2)
"""What commits later than this after it began is counted by the recount of each hour."""
BACKWARDS = timedelta(days=7)
"""How far the first count of a city reaches back, and how old a visit may be whose day is counted again."""
BEAT = timedelta(seconds=5)
"""How often a city says that it counts, also when nothing changes."""
LATE = timedelta(seconds=15)


class State(StrEnum):
    """How a city's figures do at the hub."""

    CURRENT = "current"
    LATE = "late"
    UNREACHABLE = "unreachable"
    COPYING = "copying"
    WAITING = "waiting"


class Against(StrEnum):
    """Days that today is compared with."""

    YESTERDAY = "yesterday"
    LAST_WEEK = "last_week"


DAYS_BACK = {Against.YESTERDAY: timedelta(days=1), Against.LAST_WEEK: timedelta(days=7)}


def period_of(moment: datetime) -> datetime:
    """When the ten minutes of a moment begin."""
    return moment.replace(minute=moment.minute // 10 * 10, second=0, microsecond=0)


def count_from(counted_until: datetime | None, now: datetime) -> datetime:
    """Since when a city counts again: what was begun but not committed at its last count is not lost."""
    if counted_until is None:
        return period_of(now - BACKWARDS)
    return period_of(min(counted_until, now) - LONGEST_TRANSACTION)


def must_say(counted_until: datetime | None, now: datetime, *, changed: bool) -> bool:
    """Whether a count is to be told: when it changed something, and now and then to say that it works."""
    return changed or counted_until is None or not timedelta() <= now - counted_until < BEAT


def state_of(
    *, running: bool, copying: bool, counted_until: datetime | None, now: datetime
) -> State:
    """How a city does whose stream runs or not, copies tables or not, and that counted until then."""
    if not running:
        return State.UNREACHABLE
    if copying:
        return State.COPYING
    if counted_until is None:
        return State.WAITING
    return State.LATE if now - counted_until > LATE else State.CURRENT


def midnight(day: date, zone: str) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time(), ZoneInfo(zone))
