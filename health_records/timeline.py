"""The record of a person in one list: visits, entries and documents of all hospitals, newest first.

Every registration of the person is read by itself from its node's partition, only as far as the page
needs; so the cost follows from the page, not from the length of the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from registry.persons.models import IdentityLink

KINDS: Mapping[str, tuple[str, str]] = {
    "Encounter": ("就诊", "Visit"),
    "Condition": ("诊断", "Condition"),
    "Observation": ("检验检查结果", "Observation"),
    "DiagnosticReport": ("检查检验报告", "Report"),
    "MedicationRequest": ("处方", "Prescription"),
    "MedicationAdministration": ("给药", "Administration"),
    "MedicationStatement": ("用药记录", "Medication use"),
    "Procedure": ("手术操作", "Procedure"),
    "Immunization": ("预防接种", "Immunisation"),
    "AllergyIntolerance": ("过敏", "Allergy"),
    "CarePlan": ("诊疗计划", "Care plan"),
    "CareTeam": ("照护团队", "Care team"),
    "ServiceRequest": ("申请单", "Order"),
    "Claim": ("费用申报", "Claim"),
    "ExplanationOfBenefit": ("费用结算", "Benefit statement"),
    "DocumentReference": ("文档", "Document"),
    "Provenance": ("来源记录", "Provenance"),
}
"""Words for the kinds of entries most often shown; others go by their FHIR name."""

PART = """
SELECT * FROM (
  SELECT t.occurred_at, t.id, t.node, t.resource_type, t.organisation_id, t.registration_id,
         t.status_code, t.code_system, t.code, t.display, {visit}, {value}
  FROM {table} t
  WHERE t.node = l.node AND t.registration_id = l.registration_id
    AND (%(before_at)s::timestamptz IS NULL
         OR (t.occurred_at, t.id) < (%(before_at)s::timestamptz, %(before_id)s::uuid))
    AND (%(kinds)s::text[] IS NULL OR t.resource_type = ANY(%(kinds)s::text[]))
    AND (%(organisation)s::uuid IS NULL OR t.organisation_id = %(organisation)s::uuid)
    AND (%(code)s::text IS NULL OR (t.code_system, t.code) = (%(code_system)s, %(code)s)
         OR t.more_codes @> ARRAY[%(code_system)s || '|' || %(code)s])
  ORDER BY t.registration_id, t.occurred_at DESC, t.id DESC LIMIT %(limit)s
) AS part
"""
NO_VALUE = "NULL::float8, '', ''"
PAGE = """
SELECT x.* FROM unnest(%(nodes)s::text[], %(registrations)s::uuid[]) AS l(node, registration_id)
CROSS JOIN LATERAL (({encounters}) UNION ALL ({entries}) UNION ALL ({documents})) AS x
ORDER BY x.occurred_at DESC, x.id DESC LIMIT %(limit)s
""".format(
    encounters=PART.format(
        table="health_records_encounter", visit="t.id AS visit_id", value=NO_VALUE
    ),
    entries=PART.format(
        table="health_records_clinicalentry",
        visit="t.encounter_id AS visit_id",
        value="t.value_number, t.value_unit, t.value_text",
    ),
    documents=PART.format(
        table="health_records_document", visit="t.encounter_id AS visit_id", value=NO_VALUE
    ),
)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One thing that happened."""

    occurred_at: datetime
    id: UUID
    node: str
    resource_type: str
    organisation_id: UUID
    registration_id: UUID
    status: str
    code_system: str
    code: str
    display: str
    visit_id: UUID | None
    value_number: float | None
    value_unit: str
    value_text: str


def timeline_of(
    links: Sequence[IdentityLink],
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
    kinds: Sequence[str] | None = None,
    organisation_id: UUID | None = None,
    coding: tuple[str, str] | None = None,
) -> list[TimelineRow]:
    """The newest rows of these registrations, below a place if one is given; `coding` is (system, code)."""
    if not links:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            PAGE,
            {
                "nodes": [link.registration_node for link in links],
                "registrations": [link.registration_id for link in links],
                "before_at": before[0] if before else None,
                "before_id": before[1] if before else None,
                "kinds": list(kinds) if kinds else None,
                "organisation": organisation_id,
                "code_system": coding[0] if coding else None,
                "code": coding[1] if coding else None,
                "limit": limit,
            },
        )
        return [TimelineRow(*row) for row in cursor.fetchall()]
