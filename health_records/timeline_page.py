"""A page of a record in the words of the API, wherever it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language

from health_records.formats.fhir.brief import Brief, briefs_of
from health_records.timeline import KINDS, TimelineRow, timeline_of
from kernel.nodes.selectors import node_names
from kernel.replication.lag import unheard
from registry.cursors import cursor_of, moment_and_id_in
from registry.organisations.models import Organisation
from registry.organisations.selectors import organisation_by_code, organisations_by_id
from registry.persons.models import IdentityLink


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a record: `kinds` are FHIR types separated by commas, `organisation` a number, `code`
    is `system|code`.
    """

    limit: int
    cursor: str | None = None
    kinds: str = ""
    organisation: str = ""
    code: str = ""


def page_of_record(links: Sequence[IdentityLink], asked: Asked) -> dict[str, Any]:
    """Entries of these registrations, newest first, where to go on, and which cities are not heard of."""
    rows = timeline_of(
        links, limit=asked.limit + 1,
        before=moment_and_id_in(asked.cursor) if asked.cursor is not None else None,
        kinds=asked.kinds.split(",") if asked.kinds else None,
        organisation_id=organisation_by_code(asked.organisation).id if asked.organisation else None,
        coding=_coding(asked.code) if asked.code else None,
    )  # fmt: skip
    rows, more = rows[: asked.limit], len(rows) > asked.limit
    nodes = node_names()
    silent = unheard({link.registration_node for link in links})
    return {
        "items": entries_of(rows, nodes),
        "next": cursor_of(rows[-1].occurred_at.isoformat(), rows[-1].id) if more else None,
        "unheard": [{"code": code, "name": nodes.get(code, code)} for code in silent],
    }


def _coding(token: str) -> tuple[str, str]:
    system, _, code = token.partition("|")
    return system, code


def entries_of(rows: Sequence[TimelineRow], nodes: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows as entries of a timeline; `nodes` are the names of nodes by code."""
    places = organisations_by_id(row.organisation_id for row in rows)
    briefs = briefs_of((row.resource_type, row.id) for row in rows)
    return [_entry(row, places, nodes, briefs) for row in rows]


def kind_name(resource_type: str) -> str:
    """The kind in the language of the request."""
    chinese, english = KINDS.get(resource_type, (resource_type, resource_type))
    return chinese if (get_language() or "zh").startswith("zh") else english


def _entry(
    row: TimelineRow,
    places: Mapping[UUID, Organisation],
    nodes: Mapping[str, str],
    briefs: Mapping[UUID, Brief],
) -> dict[str, Any]:
    place = places.get(row.organisation_id)
    value = row.value_text
    if row.value_number is not None:
        value = f"{row.value_text}{row.value_number:.10g} {row.value_unit}".strip()
    return {
        "id": row.id,
        "at": row.occurred_at,
        "kind": row.resource_type,
        "kind_name": kind_name(row.resource_type),
        "organisation": place.name if place else "",
        "organisation_code": place.code if place else "",
        "node": row.node,
        "node_name": nodes.get(row.node, row.node),
        "registration": row.registration_id,
        "visit": row.visit_id,
        "status": row.status,
        "code_system": row.code_system,
        "code": row.code,
        "display": row.display,
        "value": value,
        "brief": briefs.get(row.id),
        "resource": f"{settings.NODE_URL}/fhir/R4/{row.resource_type}/{row.id}",
    }
