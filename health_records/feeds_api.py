"""How hospitals' feeds do: one at its city, all of them at the hub. Numbers only, no persons."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from ninja import Query, Router, Schema

from health_records.errors import WrongCity
from health_records.feeds import (
    days_of,
    hospitals_feeding,
    last_accepted,
    linked_of,
    numbers_of,
)
from health_records.models import FeedDay
from kernel.access.rules import ANYBODY_KNOWN, AT_HOME
from kernel.access.services import authorise
from kernel.homes import is_written_here
from kernel.http import Code, SignedInRequest
from kernel.problems import InputInvalid
from registry.cursors import cursor_of, page_of, place_of
from registry.organisations.selectors import organisation_by_code

router = Router(tags=["feeds"])

MOST_LISTED, MOST_DAYS = 500, 366
READ = "intake.read"


class Numbers(Schema):
    """A hospital's feed over some time. Shares are between 0 and 1; null where there is nothing."""

    accepted: int = 0
    refused: int = 0
    resources_stored: int = 0
    resources_refused: int = 0
    by_rule: dict[str, int] = {}
    median_delay_seconds: float | None = None
    within_a_day: float | None = None
    completeness: float | None = None
    patients: int = 0
    identified: int = 0
    reachable: int = 0


class Day(Numbers):
    """One day."""

    day: date


class Total(Numbers):
    """All days; of the registrations made in them so many are linked to a person."""

    registrations: int
    linked: int


class Intake(Schema):
    """How a hospital's feed does; at the hub the median of a time is true to within 10 %."""

    hospital: str
    days: list[Day]
    total: Total


class Period(Schema):
    """From one day to another, both included; the last thirty days if nothing is said."""

    since: date | None = None
    until: date | None = None


class FeedsFilter(Period):
    """Which hospitals' feeds: those of a city, or all that are told here."""

    city: Code | None = None
    cursor: str | None = None
    limit: int = 50


class Feed(Numbers):
    """How one hospital's feed did; the last day, at any time, on which something of it was accepted."""

    hospital: str
    name: str
    city: str
    last_accepted: date | None


class Feeds(Schema):
    """A page of feeds by the hospitals' codes, and all of them added up, pages or not."""

    items: list[Feed]
    total: Numbers
    next: str | None


@router.get("/intake", response=Feeds)
def feeds(request: SignedInRequest, wanted: Query[FeedsFilter]) -> dict[str, object]:
    """How every hospital's feed does: at the hub of all cities, in a city of its own hospitals."""
    authorise(request.auth, READ, facts=ANYBODY_KNOWN)
    if wanted.city is not None:
        _require_told_here(wanted.city)
    first, last = _days(wanted)
    hospitals = list(hospitals_feeding(wanted.city))
    numbers = numbers_of(
        [one.id for one in hospitals], since=first, until=last, key="organisation_id"
    )
    after = str(place_of(wanted.cursor, 1)[0]) if wanted.cursor else ""
    behind = [one for one in hospitals if one.code > after]
    page, more = page_of(behind, wanted.limit, most=MOST_LISTED)
    days = last_accepted(one.id for one in page)
    return {
        "items": [
            {
                **_filled(numbers.get(one.id, {})), "hospital": one.code, "name": one.name,
                "city": one.node, "last_accepted": days.get(one.id),
            }
            for one in page
        ],
        "total": _filled(numbers[None]),
        "next": cursor_of(page[-1].code) if more else None,
    }  # fmt: skip


@router.get("/organisations/{code}/intake", response=Intake)
def intake(request: SignedInRequest, code: str, period: Query[Period]) -> dict[str, object]:
    """How a hospital's feed does: timely, complete, about whom; what is refused, by rule."""
    organisation = organisation_by_code(code)
    is_own = organisation.id == request.auth.organisation_id
    authorise(
        request.auth, READ, facts=ANYBODY_KNOWN | (AT_HOME if is_own else frozenset()),
        organisation_id=organisation.id,
    )  # fmt: skip
    _require_told_here(organisation.node)
    first, last = _days(period)
    since, until = _midnight(first), _midnight(last + timedelta(days=1))
    if organisation.node == settings.NODE_CODE:
        days = days_of(organisation.id, since=since, until=until, zone=settings.TIME_ZONE)
    else:
        days = numbers_of([organisation.id], since=first, until=last, key="day")
    total = days.pop(None, {})
    registrations, linked = linked_of(
        organisation.id, organisation.node, since=since, until=until
    )  # fmt: skip
    return {
        "hospital": organisation.code,
        "days": [{"day": day, **_filled(numbers)} for day, numbers in days.items()],
        "total": {**_filled(total), "registrations": registrations, "linked": linked},
    }


def _require_told_here(city: str) -> None:
    """A city tells of its own hospitals, the hub of all."""
    if is_written_here(FeedDay) and city != settings.NODE_CODE:
        raise WrongCity(facts={"city": city})


def _days(period: Period) -> tuple[date, date]:
    last = period.until or timezone.localdate(timezone=ZoneInfo(settings.TIME_ZONE))
    first = period.since or last - timedelta(days=29)
    if last == date.max or not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        raise InputInvalid(
            {"zh": "时间段须为 1 至 366 天", "en": "The period must be 1 to 366 days"}
        )
    return first, last


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def _filled(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers with what is not there left to its default; shares to four places."""
    return {
        name: round(float(value), 4) if name in {"within_a_day", "completeness"} else value
        for name, value in numbers.items()
        if value is not None
    }
