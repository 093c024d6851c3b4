"""Everything of one registration: the patient, what happened, newest first, then what it refers to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from health_records.finding.criteria import Found, Place
from health_records.finding.rows import found_in
from health_records.finding.statements import JOIN_VERSION, SEARCH, VERSION, visible_among
from health_records.visibility import sight_of
from kernel.actor import Actor
from kernel.postgres import prepared

FIRST = datetime(9999, 12, 31, tzinfo=UTC)
"""The place of the patient, above whatever happened."""

PART = """(
  SELECT t.id, t.node, t.organisation_id, t.version, t.occurred_at AS place, t.resource_type
  FROM health_records_{table} t
  WHERE t.node = seen.node AND t.registration_id = seen.id AND NOT t.deleted
    AND (%(types)s::text[] IS NULL OR t.resource_type = ANY(%(types)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR t.changed_at >= %(since)s::timestamptz)
    AND (%(start)s::timestamptz IS NULL OR {end} >= %(start)s::timestamptz)
    AND (%(end)s::timestamptz IS NULL OR t.occurred_at < %(end)s::timestamptz)
    AND (%(at)s::timestamptz IS NULL
         OR (t.occurred_at, t.id) < (%(at)s::timestamptz, %(id)s::uuid))
  ORDER BY t.registration_id, t.occurred_at DESC, t.id DESC LIMIT %(limit)s)"""
ENDS = {
    "encounter": "coalesce(t.ended_at, 'infinity')",
    "clinicalentry": "coalesce(t.ended_at, t.occurred_at)",
    "document": "coalesce(t.ended_at, t.occurred_at)",
}
PATIENT = """(
  SELECT t.id, t.node, t.organisation_id, t.version, %(first)s::timestamptz, 'Patient'
  FROM patients_patientregistration t
  WHERE t.node = seen.node AND t.id = seen.id AND %(at)s::timestamptz IS NULL AND NOT t.deleted
    AND (%(types)s::text[] IS NULL OR 'Patient' = ANY(%(types)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR t.changed_at >= %(since)s::timestamptz))"""
RECORD = """
WITH seen AS MATERIALIZED ({visible}), page AS MATERIALIZED (
  SELECT x.*, seen.id AS registration_id FROM seen CROSS JOIN LATERAL (
    {parts} UNION ALL {patient}
  ) x ORDER BY x.place DESC, x.id DESC LIMIT %(limit)s
)
SELECT seen.id, seen.fact, p.resource_type, {columns}
FROM seen LEFT JOIN page p ON p.registration_id = seen.id LEFT JOIN {versions}
ORDER BY p.place DESC, p.id DESC"""

NAMED = """
  SELECT t.id, t.node, t.version FROM seen
  JOIN {table} t ON t.node = seen.node AND t.{owner} = seen.id AND NOT t.deleted"""
REFERRED = """
WITH seen AS MATERIALIZED ({visible}), named AS ({named}), texts AS (
  SELECT DISTINCT reference #>> '{{}}' AS text FROM named p JOIN {versions},
  jsonb_path_query(v.source::jsonb, '$.**.reference') reference
), targets AS MATERIALIZED (
  SELECT split_part(text, '/', 1) AS type, CASE
    WHEN text ~ '^[A-Za-z]+/[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}(/_history/.*)?$'
    THEN split_part(text, '/', 2)::uuid END AS id
  FROM texts
), page AS MATERIALIZED (
  SELECT x.*, NULL AS place FROM seen
  JOIN patients_patientregistration r ON r.node = seen.node AND r.id = seen.id
  CROSS JOIN LATERAL (
    SELECT t.id, t.node, t.organisation_id, t.version, t.resource_type, t.changed_at
    FROM targets JOIN health_records_sourceparty t
      ON t.node = r.node AND t.id = targets.id AND t.resource_type = targets.type
    WHERE t.organisation_id = r.organisation_id AND NOT t.deleted
    UNION
    SELECT t.id, t.node, t.organisation_id, t.version, t.resource_type, t.changed_at
    FROM targets JOIN health_records_clinicalentry t
      ON t.node = r.node AND t.id = targets.id AND t.resource_type = targets.type
    WHERE t.organisation_id = r.organisation_id AND t.registration_id IS NULL AND NOT t.deleted
  ) x
  WHERE (%(id)s::uuid IS NULL OR x.id > %(id)s::uuid)
    AND (%(types)s::text[] IS NULL OR x.resource_type = ANY(%(types)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR x.changed_at >= %(since)s::timestamptz)
  ORDER BY x.id LIMIT %(limit)s
)
SELECT seen.id, seen.fact, p.resource_type, {columns}
FROM seen LEFT JOIN page p ON true LEFT JOIN {versions} ORDER BY p.id"""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a record is asked for, and after which place."""

    registration_id: UUID
    limit: int
    types: Sequence[str] | None = None
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    after: Place | None = None


def record_of(part: Part, actor: Actor) -> tuple[list[Found], str | None]:
    """The patient and what happened, newest first; and by which fact it is seen, if it is."""
    parts = " UNION ALL ".join(PART.format(table=table, end=end) for table, end in ENDS.items())
    return _answer(RECORD, part, actor, parts=parts, patient=PATIENT)


def referred_by(part: Part, actor: Actor) -> tuple[list[Found], str | None]:
    """Parties, and things of nobody's record, that the record refers to, by id; and the fact."""
    named = [
        NAMED.format(table=f"health_records_{table}", owner="registration_id") for table in ENDS
    ]
    named.append(NAMED.format(table="patients_patientregistration", owner="id"))
    return _answer(REFERRED, part, actor, named=" UNION ALL ".join(named))


def _answer(template: str, part: Part, actor: Actor, **more: str) -> tuple[list[Found], str | None]:
    values = {
        "registration": part.registration_id,
        "types": list(part.types) if part.types is not None else None,
        "since": part.since,
        "start": part.start,
        "end": part.end,
        "at": part.after.at if part.after else None,
        "id": part.after.id if part.after else None,
        "limit": part.limit,
        "first": FIRST,
    }
    rows: list[tuple[Any, ...]] = []
    for sight in sight_of(actor, SEARCH).in_steps():
        statement = template.format(
            visible=visible_among("r.id = %(registration)s::uuid", sight),
            columns=VERSION.format(of="p", references="'{}'::text[]"),
            versions=JOIN_VERSION.format(of="p"),
            **more,
        )
        with connection.cursor() as cursor:
            prepared.execute(cursor, statement, sight.values | values)
            rows = cursor.fetchall()
        if rows:
            break
    return [_found(row) for row in rows if row[3] is not None], rows[0][1] if rows else None


def _found(row: Sequence[Any]) -> Found:
    return found_in(row[2], (row[0], row[1], *row[3:]))
