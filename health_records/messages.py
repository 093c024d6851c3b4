"""Reading messages that were refused, and how a hospital's feed does."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import QuerySet

from health_records.models import Message
from health_records.sealing import open_packed
from health_records.states import MessageState
from kernel.actor import Actor, Role
from registry.persons.states import LIVE

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


def refused_visible_to(actor: Actor) -> QuerySet[Message]:
    """Refused messages of the actor's hospital; of every hospital here for the platform's operators."""
    refused = Message.objects.filter(state=MessageState.REFUSED)
    if actor.role is Role.OPERATOR:
        return refused
    own = actor.organisation_id
    return refused.filter(organisation_id=own) if own else refused.none()


def raw_of(message: Message) -> bytes:
    """The bytes as they came."""
    return open_packed("health_records.Message.raw", message.id, message.raw)


def request_of(message: Message) -> dict[str, str] | None:
    """What was asked with a resource that came alone; None for a Bundle."""
    if message.request is None:
        return None
    packed = open_packed("health_records.Message.request", message.id, message.request)
    request: dict[str, str] = orjson.loads(packed)
    return request


def outcome_of(message: Message) -> dict[str, Any]:
    """The OperationOutcome that the hospital was answered."""
    answer = open_packed("health_records.Message.answer", message.id, message.answer)
    outcome: dict[str, Any] = orjson.loads(answer)
    return outcome


def days_of(
    organisation_id: UUID, *, since: datetime, until: datetime, zone: str
) -> dict[date | None, dict[str, Any]]:
    """The numbers of a hospital's feed by day; those of the whole time under None."""
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
