"""Searching: the rows that the actor may see of what is asked."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection

from health_records.finding.criteria import Criteria, Found, Lead, TooBroad
from health_records.finding.statements import (
    SEARCH,
    Statement,
    count_statement,
    included_statement,
    page_statement,
)
from health_records.incoming import Kind
from health_records.visibility import facts_that_suffice, sight_of
from kernel.actor import Actor
from kernel.postgres import prepared
from kernel.postgres.failures import code_of

LONGEST_MS = 5_000
CANCELLED = "57014"
BOUNDED = frozenset({Lead.RECORD, Lead.IDS, Lead.FEW})
"""Leads whose cost does not grow with what is stored; their statements are prepared."""

Wanted = tuple[Kind, str, UUID, Found]


def may_search(actor: Actor) -> bool:
    """Whether there is any record that somebody of this role could find."""
    return bool(facts_that_suffice(actor, SEARCH))


def page_of(criteria: Criteria, actor: Actor) -> tuple[list[Found], dict[UUID, str]]:
    """The rows of a page, and which of the registrations asked for are seen, by which fact."""
    whole = sight_of(actor, SEARCH)
    rows: list[tuple[Any, ...]] = []
    seen: dict[UUID, str] = {}
    for sight in whole.in_steps() if criteria.lead is Lead.RECORD else (whole,):
        rows = _rows_of(criteria, page_statement(criteria, sight))
        seen = {row[0]: row[1] for row in rows if row[0] is not None}
        if _are_all_seen(criteria, seen):
            break
    return [found_in(criteria.resource_type, row) for row in rows if row[2] is not None], seen


def count_of(criteria: Criteria, actor: Actor) -> int:
    """How many rows the criteria hold for, of those that the actor sees."""
    return int(_rows_of(criteria, count_statement(criteria, sight_of(actor, SEARCH)))[0][0])


def included_in(found: Sequence[Found], wanted: Sequence[Wanted]) -> list[Found]:
    """What answers refer to and are not themselves: (kind, type, id, answer that refers to it)."""
    answers: list[Found] = []
    there = {one.id for one in found}
    for kind in dict.fromkeys(one[0] for one in wanted):
        asked = [one for one in wanted if one[0] is kind and one[2] not in there]
        answers += _included(kind, asked) if asked else []
    return answers


def found_in(resource_type: str, row: Sequence[Any]) -> Found:
    """A row of the columns that every statement gives."""
    registration_id, fact, id_, node, organisation_id, version, place, row_id, source = row[:9]
    sealed, recorded_at, references = row[9:]
    return Found(
        resource_type, registration_id, fact, id_, node, organisation_id, version, place, row_id,
        source, None if sealed is None else bytes(sealed), recorded_at, references,
    )  # fmt: skip


def _are_all_seen(criteria: Criteria, seen: Mapping[UUID, str]) -> bool:
    if criteria.patients is not None:
        return criteria.patients <= seen.keys()
    return bool(seen) and len(criteria.encounters or ()) == 1


def _included(kind: Kind, asked: Sequence[Wanted]) -> list[Found]:
    values: dict[str, Any] = {
        "types": [type_ for _, type_, _, _ in asked],
        "ids": [id_ for _, _, id_, _ in asked],
        "nodes": [source.node for *_, source in asked],
        "organisations": [source.organisation_id for *_, source in asked],
        "registrations": [source.registration_id for *_, source in asked],
    }
    with connection.cursor() as cursor:
        prepared.execute(cursor, included_statement(kind), values)
        return [found_in(row[0], (row[1], "", *row[2:])) for row in cursor.fetchall()]


def rows_in_time(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement whose cost may grow with what is stored; TooBroad when it takes too long."""
    try:
        with connection.cursor() as cursor:
            # Both in one round trip, and so in one transaction.
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_MS}; {sql}", values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
    except OperationalError as error:
        if code_of(error) == CANCELLED:
            raise TooBroad from error
        raise


def _rows_of(criteria: Criteria, statement: Statement) -> list[tuple[Any, ...]]:
    if criteria.lead not in BOUNDED:
        return rows_in_time(*statement)
    with connection.cursor() as cursor:
        prepared.execute(cursor, *statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
