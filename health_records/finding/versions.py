"""Every version of what one hospital pushed of a type, newest first.

There is no index of versions by hospital, and every push would pay for one. So the page is drawn from the
resources that changed last, read in the order of their index: the newest versions belong to them. Further
pages also look at what changed since and had versions before, which costs more the deeper they lie;
`since` bounds it, and what takes too long is refused.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from health_records.finding.rows import rows_in_time
from health_records.finding.statements import OWN_ROWS
from health_records.incoming import Kind
from health_records.selectors import (
    VERSION_COLUMNS,
    StoredVersion,
    registration_column,
    stored_in,
    table_of,
    type_column,
)
from kernel.actor import Actor

# Placeholders in braces are names of our own tables and columns.
PUSHED = f"""
WITH recent AS (
  (SELECT t.node, t.id FROM {{table}} t
   WHERE {OWN_ROWS} AND {{is_type}} AND t.changed_at >= %(since)s
     AND (t.changed_at, t.id) <= (%(at)s, %(id)s)
   ORDER BY t.changed_at DESC, t.id DESC LIMIT %(limit)s + 1)
  UNION ALL
  (SELECT t.node, t.id FROM {{table}} t
   WHERE {OWN_ROWS} AND {{is_type}} AND t.changed_at >= %(since)s
     AND (t.changed_at, t.id) > (%(at)s, %(id)s) AND t.version > 1)
){VERSION_COLUMNS}
FROM recent JOIN {{table}} t ON t.node = recent.node AND t.id = recent.id
JOIN health_records_resourceversion v ON v.node = t.node AND v.resource_id = t.id
WHERE (v.recorded_at, v.resource_id, v.version) < (%(at)s, %(id)s, %(version)s)
  AND v.recorded_at >= %(since)s
ORDER BY v.recorded_at DESC, v.resource_id DESC, v.version DESC LIMIT %(limit)s
"""  # noqa: S608


class VersionPlace(NamedTuple):
    """Where a page ended: time, resource and version."""

    at: datetime | str
    id: UUID
    version: int


NEWEST = VersionPlace("infinity", UUID(int=2**128 - 1), 0)


def versions_pushed(
    kind: Kind, resource_type: str, *, by: Actor, limit: int, since: datetime | None,
    before: VersionPlace = NEWEST,
) -> list[StoredVersion]:  # fmt: skip
    """A page of what the actor's hospital pushed, below a place and not older than `since`."""
    statement = PUSHED.format(
        table=table_of(kind),
        is_type="true" if kind is Kind.REGISTRATION else "t.resource_type = %(type)s",
        type=type_column(kind),
        registration=registration_column(kind),
    )
    asked: dict[str, Any] = before._asdict() | {
        "organisation": by.organisation_id, "type": resource_type, "limit": limit,
        "since": since or "-infinity",
    }  # fmt: skip
    return [stored_in(row) for row in rows_in_time(statement, asked)]
