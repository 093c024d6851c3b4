"""Counting what happened into rows that are replicated: in a city its activity, at the hub new persons.

Nothing is added up: what may have changed since the last count is counted again from the rows themselves,
by index, and only what differs is written. So a count that was killed, or was done twice, changes nothing,
and no booking or message waits for a counter. Ids are UUIDv7, so a primary key finds what happened since.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from analytics.models import Activity, Counted, NewPersons
from analytics.rules import BACKWARDS, count_from, midnight, must_say, period_of
from appointment_pool.states import ScheduleStatus, SlotStatus
from health_records.rules import NO_VISITS
from kernel.actor import Actor
from kernel.homes import is_written_here
from registry.persons.models import Person

COUNTER_LOCK = 6_101_972  # one counter per database, or two would write the same rows

PERIOD = "date_bin('10 minutes', {}, '2000-01-01T00:00Z')"
BEGUN = PERIOD.format("uuid_extract_timestamp(id)")
SINCE = "id >= jianqiao_uuid_at(%(since)s)"

ARRIVED = f"""
WITH told AS (
  SELECT organisation_id, {BEGUN} AS begins_at, 0 AS booked, 0 AS cancelled, 0 AS registrations,
    count(*) FILTER (WHERE accepted) AS accepted, count(*) FILTER (WHERE NOT accepted) AS refused,
    sum(stored) AS resources
  FROM health_records_attempt WHERE {SINCE} GROUP BY 1, 2
  UNION ALL
  SELECT organisation_id, {BEGUN}, count(*), 0, 0, 0, 0, 0
  FROM appointment_pool_appointment WHERE {SINCE} GROUP BY 1, 2
  UNION ALL
  SELECT organisation_id, {PERIOD.format("cancelled_at")}, 0, count(*), 0, 0, 0, 0
  FROM appointment_pool_appointment WHERE cancelled_at >= %(since)s GROUP BY 1, 2
  UNION ALL
  SELECT organisation_id, {BEGUN}, 0, 0, count(*), 0, 0, 0
  FROM patients_patientregistration WHERE {SINCE} GROUP BY 1, 2
), summed AS (
  SELECT organisation_id, begins_at, sum(booked) AS booked, sum(cancelled) AS cancelled,
    sum(registrations) AS registrations, sum(accepted) AS accepted, sum(refused) AS refused,
    sum(resources) AS resources
  FROM told GROUP BY 1, 2
)
INSERT INTO analytics_activity AS a
  (organisation_id, begins_at, booked, cancelled, registrations, accepted, refused, resources)
SELECT s.* FROM summed s LEFT JOIN analytics_activity was USING (organisation_id, begins_at)
WHERE (was.booked, was.cancelled, was.registrations, was.accepted, was.refused, was.resources)
  IS DISTINCT FROM (s.booked, s.cancelled, s.registrations, s.accepted, s.refused, s.resources)
ORDER BY organisation_id, begins_at
ON CONFLICT (organisation_id, begins_at) DO UPDATE SET
  (booked, cancelled, registrations, accepted, refused, resources) = ROW (excluded.booked,
   excluded.cancelled, excluded.registrations, excluded.accepted, excluded.refused, excluded.resources)
"""  # noqa: S608

# Days of hospitals whose visits may have changed: those since the last count, and the days of visits that
# were told of or corrected since. Each span is read by itself (LATERAL with GROUP BY or OFFSET): planned as a
# join, with bounds that are not known beforehand, all visits there are would be read.
VISITED = f"""
WITH heard AS MATERIALIZED (
  SELECT DISTINCT organisation_id FROM health_records_attempt WHERE {SINCE}
), days AS MATERIALIZED (
  SELECT h.organisation_id, %(first)s::date + later AS day FROM heard h,
    generate_series(0, %(last)s::date - %(first)s::date) later
  UNION
  SELECT h.organisation_id, changed.day FROM heard h CROSS JOIN LATERAL (
    SELECT DISTINCT (e.occurred_at AT TIME ZONE %(zone)s)::date AS day FROM health_records_encounter e
    WHERE e.organisation_id = h.organisation_id AND e.resource_type = 'Encounter'
      AND e.changed_at >= %(since)s AND e.occurred_at >= %(oldest)s AND e.occurred_at < %(newest)s
  ) changed
), spans AS MATERIALIZED (
  SELECT organisation_id, day::timestamp AT TIME ZONE %(zone)s AS starts,
    (day + 1)::timestamp AT TIME ZONE %(zone)s AS ends FROM days
), counted AS (
  SELECT s.organisation_id, part.* FROM spans s CROSS JOIN LATERAL (
    SELECT {PERIOD.format("e.occurred_at")} AS begins_at, count(*) AS visits
    FROM health_records_encounter e
    WHERE e.organisation_id = s.organisation_id
      AND e.occurred_at >= s.starts AND e.occurred_at < s.ends
      AND NOT e.deleted AND e.status_code <> ALL(%(no_visits)s)
    GROUP BY 1
  ) part
), was AS (
  SELECT s.organisation_id, part.* FROM spans s CROSS JOIN LATERAL (
    SELECT a.begins_at, a.visits FROM analytics_activity a
    WHERE a.organisation_id = s.organisation_id AND a.begins_at >= s.starts AND a.begins_at < s.ends
    OFFSET 0
  ) part
)
INSERT INTO analytics_activity AS a (organisation_id, begins_at, visits)
SELECT organisation_id, begins_at, coalesce(counted.visits, 0)
FROM counted FULL JOIN was USING (organisation_id, begins_at)
WHERE was.visits IS DISTINCT FROM coalesce(counted.visits, 0)
ORDER BY organisation_id, begins_at
ON CONFLICT (organisation_id, begins_at) DO UPDATE SET visits = excluded.visits
"""  # noqa: S608

NUMBERS = """
WITH days AS MATERIALIZED ({days}), counted AS (
  SELECT d.organisation_id, d.day, count(*) FILTER (WHERE n.status = %(busy)s) AS taken,
    count(*) FILTER (WHERE n.status = %(free)s) AS free
  FROM days d JOIN appointment_pool_schedule s
    ON s.organisation_id = d.organisation_id AND s.day = d.day AND s.status = %(open)s
    AND s.starts_at >= d.day::timestamp AT TIME ZONE %(zone)s
    AND s.starts_at < (d.day + 1)::timestamp AT TIME ZONE %(zone)s
  JOIN appointment_pool_slot n ON n.schedule_id = s.id
  GROUP BY 1, 2
)
INSERT INTO analytics_clinicday AS c (organisation_id, day, taken, free)
SELECT d.organisation_id, d.day, coalesce(counted.taken, 0), coalesce(counted.free, 0)
FROM days d LEFT JOIN counted USING (organisation_id, day)
LEFT JOIN analytics_clinicday was USING (organisation_id, day)
WHERE (coalesce(was.taken, 0), coalesce(was.free, 0))
  IS DISTINCT FROM (coalesce(counted.taken, 0), coalesce(counted.free, 0))
ORDER BY d.organisation_id, d.day
ON CONFLICT (organisation_id, day) DO UPDATE SET taken = excluded.taken, free = excluded.free
"""
TOUCHED_DAYS = f"""
  SELECT organisation_id, day FROM appointment_pool_appointment WHERE {SINCE}
  UNION SELECT organisation_id, day FROM appointment_pool_appointment WHERE cancelled_at >= %(since)s
  UNION SELECT organisation_id, day FROM appointment_pool_schedule WHERE {SINCE}
"""  # noqa: S608
COMING_DAYS = """
  SELECT organisation_id, day FROM appointment_pool_schedule WHERE starts_at >= %(since)s
  UNION SELECT organisation_id, day FROM analytics_clinicday
  WHERE day >= (%(since)s AT TIME ZONE %(zone)s)::date
"""

NEW_PERSONS = f"""
WITH counted AS (
  SELECT r.organisation_id, r.node, {PERIOD.format("uuid_extract_timestamp(p.id)")} AS begins_at,
    count(*) AS persons
  FROM persons_person p CROSS JOIN LATERAL (
    SELECT l.registration_id, l.registration_node FROM persons_identitylink l
    WHERE l.person_id = p.id ORDER BY l.id LIMIT 1
  ) l JOIN patients_patientregistration r ON r.node = l.registration_node AND r.id = l.registration_id
  WHERE p.{SINCE} GROUP BY 1, 2, 3
)
INSERT INTO analytics_newpersons (organisation_id, node, begins_at, persons)
SELECT c.* FROM counted c LEFT JOIN analytics_newpersons was USING (organisation_id, begins_at)
WHERE was.persons IS DISTINCT FROM c.persons
ON CONFLICT (organisation_id, begins_at) DO UPDATE SET persons = excluded.persons
"""  # noqa: S608


# The newest of what is counted, by index: a glance for a node where nothing happens.
NEWEST_IN_CITY = """
SELECT (SELECT id FROM health_records_attempt ORDER BY id DESC LIMIT 1),
  (SELECT id FROM appointment_pool_appointment ORDER BY id DESC LIMIT 1),
  (SELECT id FROM appointment_pool_schedule ORDER BY id DESC LIMIT 1),
  (SELECT id FROM patients_patientregistration ORDER BY id DESC LIMIT 1),
  (SELECT cancelled_at FROM appointment_pool_appointment WHERE cancelled_at IS NOT NULL
   ORDER BY cancelled_at DESC LIMIT 1)
"""
NEWEST_AT_HUB = "SELECT id FROM persons_person ORDER BY id DESC LIMIT 1"


def newest() -> Any:
    """Changes when something happened that is to be counted here."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_IN_CITY if is_written_here(Activity) else NEWEST_AT_HUB)
        return cursor.fetchone()


def count() -> None:
    """Count what happened since the last time: in a city its hospitals' activity, at the hub new persons."""
    if is_written_here(Activity):
        count_city()
    if is_written_here(Person):
        count_new_persons()


@transaction.atomic
def count_city() -> None:
    """In a city: count again what may have changed, and say up to when."""
    if not _alone():
        return
    now = timezone.now()
    last = Counted.objects.filter(id=_own_id()).first()
    since = count_from(last.until if last else None, now)
    changed = _count_since(since, now) + _run(NUMBERS.format(days=TOUCHED_DAYS), _numbers(since))
    if must_say(last.until if last else None, now, changed=bool(changed)):
        said = {"until": now} | ({"changed_at": now} if changed or last is None else {})
        Counted.objects.update_or_create(
            id=_own_id(), defaults=said, create_defaults=said | {"changed_at": now}
        )


@transaction.atomic
def recount() -> None:
    """Count yesterday and today anew, and at the hub the new persons of a week. Safe twice."""
    now = timezone.now()
    if is_written_here(Activity) and _alone():
        yesterday = timezone.localdate(now) - timedelta(days=1)
        _count_since(midnight(yesterday, settings.TIME_ZONE), now)
    if is_written_here(Person) and _alone():
        _run(NEW_PERSONS, {"since": period_of(now - BACKWARDS)})


@transaction.atomic
def recount_numbers() -> None:
    """In a city: count the numbers of today and of every day to come anew. Safe twice."""
    if is_written_here(Activity) and _alone():
        _run(NUMBERS.format(days=COMING_DAYS), _numbers(_today()))


@transaction.atomic
def count_new_persons() -> None:
    """At the hub: count the persons of the last ten minutes in which there were new ones, and since."""
    last = NewPersons.objects.order_by("-begins_at").values_list("begins_at", flat=True).first()
    if _alone():
        _run(NEW_PERSONS, {"since": count_from(last, timezone.now())})


def forget_old() -> None:
    """Delete activity and numbers of days that nothing is compared with any more."""
    limit = _today() - timedelta(days=settings.FIGURES_KEEP_DAYS)
    tables = {"analytics_newpersons": "begins_at"}
    if is_written_here(Activity):
        tables |= {"analytics_activity": "begins_at", "analytics_clinicday": "day"}
    for table, column in tables.items():
        _run(f"DELETE FROM {table} WHERE {column} < %(limit)s", {"limit": limit})  # noqa: S608


def _count_since(since: datetime, now: datetime) -> int:
    asked = {
        "since": since, "zone": settings.TIME_ZONE, "no_visits": list(NO_VISITS),
        "first": timezone.localdate(since), "last": timezone.localdate(now),
        "oldest": _today() - BACKWARDS, "newest": _today() + timedelta(days=2),
    }  # fmt: skip
    return _run(ARRIVED, asked) + _run(VISITED, asked)


def _numbers(since: datetime) -> dict[str, Any]:
    return {
        "since": since, "zone": settings.TIME_ZONE, "busy": SlotStatus.BUSY,
        "free": SlotStatus.FREE, "open": ScheduleStatus.OPEN,
    }  # fmt: skip


def _today() -> datetime:
    return midnight(timezone.localdate(), settings.TIME_ZONE)


def _own_id() -> Any:
    return Actor.of_node(settings.NODE_CODE).id


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COUNTER_LOCK])
        (alone,) = cursor.fetchone()
    return bool(alone)


def _run(statement: str, asked: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return int(cursor.rowcount)
