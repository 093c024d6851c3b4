"""Searching records: one statement that holds what the actor may see, what is asked, and the page.

Every search starts from a selective index, said by how it is led:

- `RECORD` (a patient, a visit, or a resident's own record): each registration's rows come from the
  timeline index (registration, occurred_at, id), only as far as the page needs in that order.
- `IDS`: the primary key.
- `FEW`: the GIN index of identifiers, or of keyed hashes for patients; names and birth dates of
  patients; then sorted.
- `CODE`: the index (organisation, code, occurred_at, id), read in order.
- `DATE`: for visits, the index (organisation, occurred_at, id), read in order.
- `CHANGED`: the index (organisation, type, changed_at, id), read in order.
"""

from typing import Any

from health_records.finding.criteria import Condition, Criteria, Lead, Order
from health_records.incoming import Kind
from health_records.selectors import registration_column, table_of, type_column
from health_records.visibility import SEEN, VISITED, Sight
from kernel.access.rules import Fact

SEARCH = "record.search"
Statement = tuple[str, dict[str, Any]]


class Values(dict[str, Any]):
    """Values of a statement under names of their own."""

    def name(self, value: Any) -> str:
        """The placeholder of a value."""
        name = f"v{len(self)}"
        self[name] = value
        return f"%({name})s"

    def fill(self, condition: Condition) -> str:
        """A condition with placeholders."""
        return condition.sql.format(*map(self.name, condition.values))


# Braces are names of our own tables and columns, or conditions of this package.
VERSION = """
  {of}.id, {of}.node, {of}.organisation_id, {of}.version, {of}.place, v.id, v.source, v.sealed,
  v.recorded_at, {references}"""
JOIN_VERSION = """health_records_resourceversion v
  ON v.node = {of}.node AND v.resource_id = {of}.id AND v.version = {of}.version"""

VISIBLE = """
SELECT r.node, r.id, {fact} AS fact FROM patients_patientregistration r
WHERE {among} AND ({condition})"""

OF_RECORDS = """
WITH seen AS MATERIALIZED ({visible}), page AS MATERIALIZED (
  SELECT x.* FROM seen CROSS JOIN LATERAL (
    SELECT t.id, t.node, t.organisation_id, t.version, {place} AS place, seen.id AS registration_id
    FROM {table} t WHERE {where}
    ORDER BY {of_one} LIMIT {limit}
  ) x ORDER BY {of_all} LIMIT {limit}
)
SELECT seen.id, seen.fact, {columns}
FROM seen LEFT JOIN page p ON p.registration_id = seen.id LEFT JOIN {versions}
ORDER BY {p_order}"""

OF_ROWS = """
WITH page AS MATERIALIZED (
  SELECT x.* FROM ({branches}) x ORDER BY {of_all} LIMIT {limit}
)
SELECT p.registration_id, p.fact, {columns} FROM page p JOIN {versions} ORDER BY {p_order}"""
BRANCH = """(
  SELECT t.id, t.node, t.organisation_id, t.version, {place} AS place,
         {registration} AS registration_id, {fact} AS fact
  FROM {table} t WHERE {where} ORDER BY {of_one} LIMIT {limit})"""

# OFFSET 0 keeps the planner from walking another index in the hope to meet the few rows soon.
FEW = "(SELECT * FROM {table} t WHERE {own} AND {identified} OFFSET 0)"
OF_ELEMENTS = "&&"
"""Says that a GIN index leads to the few rows."""

INCLUDED = """
WITH page AS (
  SELECT DISTINCT ON (t.id) t.id, t.node, t.organisation_id, t.version, NULL AS place,
         {registration} AS registration_id, w.type
  FROM unnest(%(types)s::text[], %(ids)s::uuid[], %(nodes)s::text[], %(organisations)s::uuid[],
              %(registrations)s::uuid[]) AS w(type, id, node, organisation_id, registration_id)
  JOIN {table} t ON t.node = w.node AND t.id = w.id AND t.organisation_id = w.organisation_id
    AND {type} = w.type AND {belongs} AND NOT t.deleted
)
SELECT p.type, p.registration_id, {columns} FROM page p JOIN {versions} ORDER BY p.id"""

COUNT_OF_RECORDS = """
WITH seen AS MATERIALIZED ({visible}) SELECT count(*) FROM seen JOIN {table} t ON {where}"""
COUNT_OF_ROWS = "SELECT count(*) FROM {table} t WHERE {where}"

SOURCE_OF_ROW = "t.organisation_id = %(organisation)s::uuid"
OWN_NODE = (
    "t.node = (SELECT o.node FROM organisations_organisation o WHERE o.id = %(organisation)s::uuid)"
)
OWN_ROWS = f"{SOURCE_OF_ROW} AND {OWN_NODE}"


def page_statement(criteria: Criteria, sight: Sight) -> Statement:
    """The rows of a page with their current versions, and the registrations asked for that are seen."""
    values = Values(sight.values)
    direction = "DESC" if criteria.descending else "ASC"
    after = _after(criteria, values)
    parts = {
        "place": f"t.{criteria.order}",
        "limit": values.name(criteria.limit),
        "of_one": f"t.{criteria.order} {direction}, t.id {direction}",
        "of_all": f"x.place {direction}, x.id {direction}",
        "p_order": f"p.place {direction}, p.id {direction}",
        "columns": VERSION.format(of="p", references=_references(criteria, values)),
        "versions": JOIN_VERSION.format(of="p"),
    }
    if criteria.lead is Lead.RECORD:
        if criteria.kind is not Kind.REGISTRATION:
            parts["of_one"] = f"t.registration_id {direction}, {parts['of_one']}"
        parts["where"] = _where_of_record(criteria, values) + after
        visible, table = _visible(criteria, sight, values), table_of(criteria.kind)
        return OF_RECORDS.format(visible=visible, table=table, **parts), values
    table, where = _rows(criteria, sight, values)
    parts |= {
        "table": table,
        "registration": registration_column(criteria.kind),
        "fact": _fact_of_row(criteria, sight),
    }
    branches = " UNION ".join(
        BRANCH.format(where=f"{where} AND {values.fill(one)}{after}", **parts)
        for one in criteria.branches or [Condition("true")]
    )
    return OF_ROWS.format(branches=branches, **parts), values


def count_statement(criteria: Criteria, sight: Sight) -> Statement:
    """How many rows the criteria hold for, of those that is seen."""
    values = Values(sight.values)
    if criteria.lead is Lead.RECORD:
        statement = COUNT_OF_RECORDS.format(
            visible=_visible(criteria, sight, values), table=table_of(criteria.kind),
            where=_where_of_record(criteria, values),
        )  # fmt: skip
        return statement, values
    table, where = _rows(criteria, sight, values)
    alternatives = " OR ".join(f"({values.fill(one)})" for one in criteria.branches) or "true"
    return COUNT_OF_ROWS.format(table=table, where=f"{where} AND ({alternatives})"), values


def included_statement(kind: Kind) -> str:
    """What answers refer to, of the same hospital and, where it belongs to a record, of the same one."""
    belongs = {Kind.REGISTRATION: "t.id = w.registration_id", Kind.PARTY: "true"}
    return INCLUDED.format(
        table=table_of(kind),
        registration=registration_column(kind),
        type=type_column(kind),
        belongs=belongs.get(
            kind, "(t.registration_id IS NULL OR t.registration_id = w.registration_id)"
        ),
        columns=VERSION.format(of="p", references="'{}'::text[]"),
        versions=JOIN_VERSION.format(of="p"),
    )


def _after(criteria: Criteria, values: Values) -> str:
    """Where the page begins, in the order of the index."""
    if criteria.after is None:
        return ""
    sign = "<" if criteria.descending else ">"
    id_ = values.name(criteria.after.id)
    if criteria.order is Order.ID:
        return f" AND t.id {sign} {id_}::uuid"
    at = values.name(criteria.after.at)
    return f" AND (t.{criteria.order}, t.id) {sign} ({at}::timestamptz, {id_}::uuid)"


def _references(criteria: Criteria, values: Values) -> str:
    if not criteria.references:
        return "'{}'::text[]"
    paths = " UNION ".join(
        f"SELECT jsonb_path_query(v.source::jsonb, {values.name(path)}::jsonpath) #>> '{{}}'"
        for path in criteria.references
    )
    return f"ARRAY({paths})"


def _visible(criteria: Criteria, sight: Sight, values: Values) -> str:
    """The registrations asked for that is seen."""
    among = []
    if criteria.patients is not None:
        among.append(f"r.id = ANY({values.name(list(criteria.patients))}::uuid[])")
    if criteria.encounters is not None:
        asked = f"{values.name(list(criteria.encounters))}::uuid[]"
        among.append(
            "EXISTS (SELECT FROM health_records_encounter e"
            f" WHERE e.node = r.node AND e.registration_id = r.id AND e.id = ANY({asked}))"
        )
    return visible_among(" AND ".join(among) or "true", sight)


def visible_among(condition: str, sight: Sight) -> str:
    """The registrations `r` of a condition that is seen, and by which fact."""
    facts = sight.facts
    cases = [f"WHEN {SEEN[fact]} THEN '{fact}'" for fact in facts[:-1]]
    fact = f"CASE {' '.join(cases)} ELSE '{facts[-1]}' END" if cases else f"'{facts[-1]}'"
    sees = " OR ".join(SEEN[one] for one in facts) or "false"
    return VISIBLE.format(fact=fact, among=condition, condition=sees)


def _where_of_record(criteria: Criteria, values: Values) -> str:
    column = "id" if criteria.kind is Kind.REGISTRATION else "registration_id"
    return " AND ".join(
        [f"t.node = seen.node AND t.{column} = seen.id", *_conditions(criteria, values)]
    )


def _rows(criteria: Criteria, sight: Sight, values: Values) -> tuple[str, str]:
    """The table, and the condition on its rows, where no registration leads to them."""
    table, conditions = table_of(criteria.kind), _conditions(criteria, values)
    if criteria.lead is Lead.IDS:
        return table, " AND ".join([_row_is_seen(criteria, sight), *conditions])
    own = _own_rows(criteria, sight)
    if criteria.lead is Lead.FEW:
        identified = " AND ".join(map(values.fill, criteria.few))
        # Beside a GIN index the hospital would tempt the planner to read all of the hospital's rows in another
        # index and to intersect the two, which grows with what is stored.
        is_led = any(OF_ELEMENTS in one.sql for one in criteria.few)
        table = FEW.format(table=table, own=OWN_NODE if is_led else own, identified=identified)
    return table, " AND ".join([own, *conditions])


def _own_rows(criteria: Criteria, sight: Sight) -> str:
    """What the actor's hospital pushed; of it, a clinician sees those whom the hospital treats."""
    facts = sight.facts
    if Fact.SOURCE_HOSPITAL in facts:
        return OWN_ROWS
    if Fact.TREATMENT_RELATIONSHIP not in facts or criteria.kind is Kind.PARTY:
        return "false"
    owner = registration_column(criteria.kind)
    return f"{OWN_ROWS} AND {VISITED.format(node='t.node', id=owner)}"


def _row_is_seen(criteria: Criteria, sight: Sight) -> str:
    """Whether a row that is named by its id is seen, by any fact."""
    facts = sight.facts
    parts = [SOURCE_OF_ROW] if Fact.SOURCE_HOSPITAL in facts else []
    if criteria.kind is not Kind.PARTY:
        others = " OR ".join(SEEN[one] for one in facts if one is not Fact.SOURCE_HOSPITAL)
        parts.append(_record_of_row(criteria, others))
    return f"({' OR '.join(parts) or 'false'})"


def _fact_of_row(criteria: Criteria, sight: Sight) -> str:
    """Of rows that are led to by their own hospital the first fact; of those named by id, which it is."""
    facts = sight.facts
    if criteria.lead is not Lead.IDS or criteria.kind is Kind.PARTY:
        return f"'{facts[0]}'"
    cases = [
        f"WHEN {SOURCE_OF_ROW if one is Fact.SOURCE_HOSPITAL else _record_of_row(criteria, SEEN[one])}"
        f" THEN '{one}'"
        for one in facts[:-1]
    ]
    return f"CASE {' '.join(cases)} ELSE '{facts[-1]}' END" if cases else f"'{facts[0]}'"


def _record_of_row(criteria: Criteria, condition: str) -> str:
    """Whether a condition on the registration `r` holds of the one that a row belongs to."""
    owner = registration_column(criteria.kind)
    return (
        "EXISTS (SELECT FROM patients_patientregistration r"
        f" WHERE r.node = t.node AND r.id = {owner} AND ({condition}))"
    )


def _conditions(criteria: Criteria, values: Values) -> list[str]:
    listed = ["NOT t.deleted"]
    if criteria.kind is not Kind.REGISTRATION:
        listed.append(f"t.resource_type = {values.name(criteria.resource_type)}")
    if criteria.ids is not None:
        listed.append(f"t.id = ANY({values.name(list(criteria.ids))}::uuid[])")
    if criteria.encounters is not None:
        column = "id" if criteria.kind is Kind.ENCOUNTER else "encounter_id"
        listed.append(f"t.{column} = ANY({values.name(list(criteria.encounters))}::uuid[])")
    leading = [] if criteria.lead is Lead.FEW else criteria.few
    return listed + [values.fill(one) for one in (*leading, *criteria.conditions)]
