"""How hospitals' feeds do: from the messages themselves in their city, by the day everywhere.

The days are counted in the cities (`counting`) and added up at the hub. What the median over several of
them is, only the messages could tell exactly; the days tell it to within 10 % (`intake.median_of`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Exists, Max, OuterRef, QuerySet

from health_records.intake import median_of
from health_records.models import FeedDay
from kernel.homes import is_written_here
from registry.accounts.models import HospitalClient
from registry.accounts.states import ClientStatus
from registry.organisations.models import Organisation
from registry.persons.states import LIVE

Numbers = dict[str, Any]

KEPT = "organisation_id = ANY(%(ids)s::uuid[]) AND day BETWEEN %(since)s AND %(until)s"
SUMS = """
SELECT {key}, {sums}, sum(within_a_day)::float8 / nullif(sum(delayed), 0) AS within_a_day,
  sum(present)::float8 / nullif(sum(wanted), 0) AS completeness
FROM health_records_feedday WHERE {kept} GROUP BY GROUPING SETS (({key}), ()) ORDER BY {key}
"""
SUMMED = (
    "accepted", "refused", "resources_stored", "resources_refused", "patients", "identified",
    "reachable",
)  # fmt: skip
BY_NAME = """
SELECT f.{key}, one.key, sum(one.value::bigint)
FROM health_records_feedday f, jsonb_each_text(f.{column}) one
WHERE {kept} GROUP BY GROUPING SETS ((f.{key}, one.key), (one.key)) ORDER BY one.key
"""

DAYS = """
SELECT (at AT TIME ZONE %(zone)s)::date AS day,
  count(*) FILTER (WHERE accepted) AS accepted, count(*) FILTER (WHERE NOT accepted) AS refused,
  sum(stored) AS resources_stored, sum(a.refused) AS resources_refused,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_seconds) AS median_delay_seconds,
  avg((delay_seconds <= 86400)::int) AS within_a_day,
  sum(present)::float8 / nullif(sum(wanted), 0) AS completeness,
  sum(patients) AS patients, sum(identified) AS identified, sum(reachable) AS reachable
FROM health_records_attempt a
WHERE organisation_id = %(organisation)s AND at >= %(since)s AND at < %(until)s
GROUP BY GROUPING SETS ((day), ()) ORDER BY day
"""
RULES = """
SELECT (at AT TIME ZONE %(zone)s)::date AS day, rule.key, sum(rule.value::int)
FROM health_records_attempt a, jsonb_each_text(rules) rule
WHERE organisation_id = %(organisation)s AND at >= %(since)s AND at < %(until)s AND rules <> '{}'
GROUP BY GROUPING SETS ((day, rule.key), (rule.key)) ORDER BY day, rule.key
"""
LINKED = """
SELECT count(*), count(*) FILTER (WHERE EXISTS (
  SELECT FROM persons_identitylink l
  WHERE l.registration_id = r.id AND l.status = ANY(%(live)s)))
FROM patients_patientregistration r
WHERE r.node = %(node)s AND r.organisation_id = %(organisation)s AND NOT r.deleted
  AND r.id >= jianqiao_uuid_at(%(since)s) AND r.id < jianqiao_uuid_at(%(until)s)
"""


def hospitals_feeding(city: str | None) -> QuerySet[Organisation]:
    """Hospitals whose systems may push, or did, by their codes; of one city, or of all that are told here."""
    clients = HospitalClient.objects.filter(organisation=OuterRef("pk"), status=ClientStatus.ACTIVE)
    days = FeedDay.objects.filter(organisation=OuterRef("pk"))
    found = Organisation.objects.filter(Exists(clients) | Exists(days)).order_by("code")
    own = settings.NODE_CODE if is_written_here(FeedDay) else None
    return found.filter(node=city or own) if city or own else found


def numbers_of(
    ids: Iterable[UUID], *, since: date, until: date, key: Literal["day", "organisation_id"]
) -> dict[Any, Numbers]:
    """The numbers of these hospitals' feeds by day or hospital, both days included; those of all under None."""
    asked: dict[str, Any] = {"ids": list(ids), "since": since, "until": until}
    sums = ", ".join(f"sum({name}) AS {name}" for name in SUMMED)
    with connection.cursor() as cursor:
        cursor.execute(SUMS.format(key=key, sums=sums, kept=KEPT), asked)
        names = [column.name for column in cursor.description or ()][1:]
        found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in cursor.fetchall()}
        rules = _by_name(cursor, "rules", key, asked)
        delays = _by_name(cursor, "delays", key, asked)
    for group, numbers in found.items():
        numbers["by_rule"] = rules[group]
        sizes = {int(size): times for size, times in delays[group].items()}
        numbers["median_delay_seconds"] = median_of(sizes)
    return found


def last_accepted(ids: Iterable[UUID]) -> dict[UUID, date]:
    """The last day on which something of these hospitals was accepted."""
    days = FeedDay.objects.filter(organisation_id__in=ids, accepted__gt=0)
    return dict(days.values_list("organisation_id").annotate(Max("day")))


def days_of(
    organisation_id: UUID, *, since: datetime, until: datetime, zone: str
) -> dict[date | None, dict[str, Any]]:
    """The numbers of a hospital's feed by day, of its messages in this city; of the whole time under None."""
    asked: dict[str, Any] = {
        "organisation": organisation_id,
        "since": since,
        "until": until,
        "zone": zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(DAYS, asked)
        names = [column.name for column in cursor.description or ()][1:]
        days = {row[0]: dict(zip(names, row[1:], strict=True)) for row in cursor.fetchall()}
        for numbers in days.values():
            numbers["by_rule"] = {}
        cursor.execute(RULES, asked)
        for day, rule, count in cursor.fetchall():
            days[day]["by_rule"][rule] = count
    return days


def linked_of(
    organisation_id: UUID, node: str, *, since: datetime, until: datetime
) -> tuple[int, int]:
    """How many registrations a hospital made, and how many of them are linked to a person."""
    asked: dict[str, Any] = {
        "organisation": organisation_id,
        "node": node,
        "since": since,
        "until": until,
        "live": list(LIVE),
    }
    with connection.cursor() as cursor:
        cursor.execute(LINKED, asked)
        registrations, linked = cursor.fetchone()
    return registrations, linked


def _by_name(
    cursor: Any, column: str, key: str, asked: Mapping[str, Any]
) -> defaultdict[Any, dict[str, int]]:
    cursor.execute(BY_NAME.format(key=key, column=column, kept=KEPT), asked)
    found: defaultdict[Any, dict[str, int]] = defaultdict(dict)
    for group, name, times in cursor.fetchall():
        found[group][name] = int(times)
    return found
