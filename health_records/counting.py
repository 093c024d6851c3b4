"""In a city: what came of messages is counted into the days of their hospitals' feeds.

One statement, outside the transactions of messages, so that no message waits for a counter. The days are
of home CITY: the hub receives them.
"""

from django.conf import settings
from django.db import connection

from health_records.intake import SIZES_PER_DOUBLING
from health_records.models import FeedDay
from kernel.homes import is_written_here

MOST_COUNTED = 10_000
"""Attempts in one transaction; they become few rows that are replicated."""

COUNT = """
WITH picked AS MATERIALIZED (
  SELECT id FROM health_records_attempt WHERE NOT counted ORDER BY id LIMIT %(most)s
  FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE health_records_attempt a SET counted = true FROM picked WHERE a.id = picked.id
  RETURNING a.*, (a.at AT TIME ZONE %(zone)s)::date AS day,
    CASE WHEN a.delay_seconds IS NOT NULL
      THEN floor(%(sizes)s * ln(greatest(a.delay_seconds, 1)) / ln(2))::int END AS size
), ruled AS (
  SELECT organisation_id, day, jsonb_object_agg(key, times) AS rules FROM (
    SELECT t.organisation_id, t.day, one.key, sum(one.value::bigint) AS times
    FROM taken t, jsonb_each_text(t.rules) one GROUP BY 1, 2, 3
  ) s GROUP BY 1, 2
), sized AS (
  SELECT organisation_id, day, jsonb_object_agg(size, times) AS delays FROM (
    SELECT organisation_id, day, size, count(*) AS times FROM taken
    WHERE size IS NOT NULL GROUP BY 1, 2, 3
  ) s GROUP BY 1, 2
), summed AS (
  SELECT organisation_id, day,
    count(*) FILTER (WHERE accepted) AS accepted, count(*) FILTER (WHERE NOT accepted) AS refused,
    sum(stored) AS resources_stored, sum(t.refused) AS resources_refused,
    count(delay_seconds) AS delayed,
    count(*) FILTER (WHERE delay_seconds <= 86400) AS within_a_day,
    sum(wanted) AS wanted, sum(present) AS present, sum(patients) AS patients,
    sum(identified) AS identified, sum(reachable) AS reachable
  FROM taken t GROUP BY 1, 2
)
INSERT INTO health_records_feedday AS f (organisation_id, day, {names}, rules, delays)
SELECT organisation_id, day, {names}, coalesce(rules, '{{}}'), coalesce(delays, '{{}}')
FROM summed LEFT JOIN ruled USING (organisation_id, day) LEFT JOIN sized USING (organisation_id, day)
ORDER BY organisation_id, day
ON CONFLICT (organisation_id, day) DO UPDATE SET {sums}, rules = {rules}, delays = {delays}
"""
NAMES = (
    "accepted", "refused", "resources_stored", "resources_refused", "delayed", "within_a_day",
    "wanted", "present", "patients", "identified", "reachable",
)  # fmt: skip
MERGED = """(
  SELECT coalesce(jsonb_object_agg(key, times), '{{}}') FROM (
    SELECT key, sum(value::bigint) AS times FROM (
      SELECT * FROM jsonb_each_text(f.{column}) UNION ALL SELECT * FROM jsonb_each_text(excluded.{column})
    ) one GROUP BY key
  ) merged)"""


def count_attempts() -> int:
    """Count what came of messages since into the days of their hospitals' feeds; how many rows changed.

    Each attempt is counted once, by whichever transaction takes it. Nothing happens where feeds only arrive.
    """
    if not is_written_here(FeedDay):
        return 0
    statement = COUNT.format(
        names=", ".join(NAMES),
        sums=", ".join(f"{name} = f.{name} + excluded.{name}" for name in NAMES),
        rules=MERGED.format(column="rules"), delays=MERGED.format(column="delays"),
    )  # fmt: skip
    asked: dict[str, int | str] = {
        "most": MOST_COUNTED,
        "zone": settings.TIME_ZONE,
        "sizes": SIZES_PER_DOUBLING,
    }
    changed = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, asked)
            if not cursor.rowcount:
                return changed
            changed += cursor.rowcount
