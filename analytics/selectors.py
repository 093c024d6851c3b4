"""The figures of the cities merged at the hub: for the province, a city or a hospital. Numbers only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from analytics.errors import PlaceUnknown
from analytics.models import Counted, NewPersons
from analytics.rules import DAYS_BACK, STEP, Against, State, midnight, period_of, state_of
from health_records.feeds import hospitals_feeding
from kernel.nodes.models import Node
from kernel.nodes.selectors import enrolled_nodes
from kernel.replication.lag import IncomingStream, incoming
from registry.organisations.models import Organisation

Numbers = dict[str, int]

HAPPENED = ("visits", "booked", "cancelled", "registrations", "accepted", "refused", "resources")
FLOWS = (*HAPPENED, "persons")
STOCKS = ("taken", "free", "free_coming")
WEEK = timedelta(days=7)

# One reading gives the places, the ten minutes and the whole.
SUMS = """
WITH told AS (
  SELECT node, organisation_id, begins_at, {happened}, 0 AS persons FROM analytics_activity
  WHERE begins_at >= %(since)s AND begins_at < %(until)s AND {where}
  UNION ALL
  SELECT node, organisation_id, begins_at, {nothing}, persons FROM analytics_newpersons
  WHERE begins_at >= %(since)s AND begins_at < %(until)s AND {where}
)
SELECT grouping({place}, begins_at), {place}::text, begins_at, {sums} FROM told
GROUP BY GROUPING SETS (({place}), (begins_at), ())
"""
NUMBERS = """
SELECT {place}::text, coalesce(sum(taken) FILTER (WHERE day = %(day)s), 0),
  coalesce(sum(free) FILTER (WHERE day = %(day)s), 0),
  coalesce(sum(free) FILTER (WHERE day > %(day)s), 0)
FROM analytics_clinicday WHERE day BETWEEN %(day)s AND %(last)s AND {where}
GROUP BY GROUPING SETS (({place}), ())
"""
PLACE, PERIOD, WHOLE = 1, 2, 3
"""What PostgreSQL's grouping() says of (place, begins_at): which of them a row is summed over."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where somebody looks: the province, a city, or a hospital of a city."""

    city: str | None = None
    hospital: str | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A scope whose places are known: how SQL narrows to it, and what lies in it."""

    scope: Scope
    name: str
    where: str
    place: str
    asked: dict[str, Any]
    places: list[dict[str, str]]


def scope_of(*, city: str | None, hospital: str | None) -> Scope:
    """The scope that codes name; PlaceUnknown when they name none."""
    if hospital:
        found = Organisation.objects.filter(code=hospital).first()
        if found is None or (city and found.node != city):
            raise PlaceUnknown(facts={"hospital": hospital})
        return Scope(found.node, found.code)
    if city and not _cities().filter(code=city).exists():
        raise PlaceUnknown(facts={"city": city})
    return Scope(city or None)


def figures_now(scope: Scope) -> dict[str, Any]:
    """The figures of today: of the whole, of each place in it, by ten minutes; and how the cities do."""
    now = timezone.now()
    today, looked = timezone.localdate(now), _looked(scope)
    start = midnight(today, settings.TIME_ZONE)
    sums = _sums(looked, start, start + timedelta(days=1))
    numbers = _numbers(looked, today)
    nodes = nodes_now(now)
    return {
        "at": now, "day": today, "city": scope.city, "hospital": scope.hospital, "name": looked.name,
        "total": sums["total"] | numbers.get(None, _nothing(STOCKS)),
        "places": [
            one | {"figures": sums["places"].get(one["key"], _nothing(FLOWS))
                   | numbers.get(one["key"], _nothing(STOCKS))}
            for one in looked.places
        ],
        "trend": sums["trend"],
        "nodes": [one for one in nodes if scope.city in {None, one["code"]}],
    }  # fmt: skip


def figures_then(scope: Scope, against: Against) -> dict[str, Any]:
    """The figures of a day before: up to the time of day it is now, and by ten minutes of the whole day."""
    now = timezone.now()
    day, looked = timezone.localdate(now) - DAYS_BACK[against], _looked(scope)
    start = midnight(day, settings.TIME_ZONE)
    until = start + (period_of(now) + STEP - midnight(timezone.localdate(now), settings.TIME_ZONE))
    sums = _sums(looked, start, until)
    whole = _sums(looked, start, start + timedelta(days=1))
    return {
        "against": against, "day": day, "until": until, "total": sums["total"],
        "places": [
            one | {"figures": sums["places"].get(one["key"], _nothing(FLOWS))}
            for one in looked.places
        ],
        "trend": whole["trend"],
    }  # fmt: skip


def nodes_now(now: datetime) -> list[dict[str, Any]]:
    """How the cities do: whether their stream runs, and up to when they have counted."""
    with connection.cursor() as cursor:
        streams = {one.peer: one for one in incoming(cursor)}
    counted = dict(Counted.objects.values_list("node", "until"))
    return [_node(one, streams.get(one.code), counted.get(one.code), now) for one in _cities()]


def marks() -> tuple[Any, ...]:
    """Changes whenever a figure does, or how a city does; cheap enough to ask four times a second."""
    now = timezone.now()
    changes = tuple(Counted.objects.order_by("node").values_list("node", "changed_at"))
    latest = NewPersons.objects.aggregate(Max("begins_at"))["begins_at__max"]
    persons = tuple(
        NewPersons.objects.filter(begins_at=latest).order_by("id").values_list("id", "persons")
    )
    return changes, latest, persons, tuple((one["code"], one["state"]) for one in nodes_now(now))


def _node(
    node: Node, stream: IncomingStream | None, until: datetime | None, now: datetime
) -> dict[str, Any]:
    state = state_of(
        running=stream is not None and stream.enabled and stream.running,
        copying=stream is not None and stream.copying_tables > 0,
        counted_until=until, now=now,
    )  # fmt: skip
    behind = max((now - until).total_seconds(), 0) if until else None
    return {
        "code": node.code, "name": node.name, "state": state, "until": until,
        "behind_seconds": None if state is State.WAITING or behind is None else round(behind, 1),
    }  # fmt: skip


def _cities() -> Any:
    return enrolled_nodes().exclude(code=settings.HUB_CODE)


def _looked(scope: Scope) -> Looked:
    if scope.city is None:
        places = [{"key": one.code, "code": one.code, "name": one.name} for one in _cities()]
        name = (
            enrolled_nodes().filter(code=settings.HUB_CODE).values_list("name", flat=True).first()
        )
        return Looked(scope, name or "", "true", "node", {}, places)
    city = _cities().filter(code=scope.city).first()
    asked: dict[str, Any] = {"city": scope.city}
    if scope.hospital is None:
        places = [
            {"key": str(one.id), "code": one.code, "name": one.name}
            for one in hospitals_feeding(scope.city)
        ]
        name = city.name if city else ""
        return Looked(scope, name, "node = %(city)s", "organisation_id", asked, places)
    hospital = Organisation.objects.get(code=scope.hospital)
    where = "node = %(city)s AND organisation_id = %(hospital)s"
    asked |= {"hospital": hospital.id}
    return Looked(scope, hospital.name, where, "organisation_id", asked, [])


def _sums(looked: Looked, since: datetime, until: datetime) -> dict[str, Any]:
    statement = SUMS.format(
        place=looked.place, where=looked.where, happened=", ".join(HAPPENED),
        nothing=", ".join("0" for _ in HAPPENED), sums=", ".join(f"sum({name})" for name in FLOWS),
    )  # fmt: skip
    total, places, trend = _nothing(FLOWS), dict[str, Numbers](), list[dict[str, Any]]()
    with connection.cursor() as cursor:
        cursor.execute(statement, looked.asked | {"since": since, "until": until})
        for over, place, begins_at, *sums in cursor.fetchall():
            figures = {name: int(sum_ or 0) for name, sum_ in zip(FLOWS, sums, strict=True)}
            if over == WHOLE:
                total = figures
            elif over == PLACE:
                places[place] = figures
            else:
                trend.append({"minute": (begins_at - since) // timedelta(minutes=1), **figures})
    return {"total": total, "places": places, "trend": sorted(trend, key=lambda one: one["minute"])}


def _numbers(looked: Looked, day: date) -> dict[str | None, Numbers]:
    statement = NUMBERS.format(place=looked.place, where=looked.where)
    with connection.cursor() as cursor:
        cursor.execute(statement, looked.asked | {"day": day, "last": day + WEEK})
        return {
            place: dict(zip(STOCKS, map(int, numbers), strict=True))
            for place, *numbers in cursor.fetchall()
        }


def _nothing(names: tuple[str, ...]) -> Numbers:
    return dict.fromkeys(names, 0)
