"""What is true about an actor and a record, as the access decision wants it (handbook 12.3).

The facts are SQL conditions on a registration `r`, so that one record and a search of millions are
judged by the same words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from health_records.rules import NO_VISITS, SETTINGS, TREATMENT_WINDOW
from kernel.access.rules import RULES, Fact
from kernel.actor import Actor, Role
from registry.consents.selectors import live_consents
from registry.consents.states import Status
from registry.emergency_access.selectors import open_accesses
from registry.persons.selectors import facts_of_own, links_of_person, same_person
from registry.persons.states import LIVE

SINCE = """statement_timestamp() - make_interval(days => coalesce(
  (SELECT s.value FROM health_records_recordsetting s WHERE s.name = %(treatment_window)s),
  %(treatment_days)s))"""

# A hospital states the times of its visits, so a time to come counts for nothing.
VISITED = f"""EXISTS (
  SELECT FROM health_records_encounter e
  WHERE e.node = {{node}} AND e.registration_id = {{id}}
    AND e.status_code <> ALL(%(no_visits)s) AND e.occurred_at <= statement_timestamp()
    AND (e.occurred_at >= {SINCE} OR e.ended_at BETWEEN {SINCE} AND statement_timestamp()))"""

SURVIVING = """
  SELECT p.id FROM persons_person p, (
    SELECT coalesce((SELECT q.survivor_id FROM persons_person q WHERE q.id = {person}), {person}) AS id
  ) s WHERE p.id = s.id OR p.survivor_id = s.id"""

OWN_RECORD = """r.id IN (
  SELECT l.registration_id FROM persons_identitylink l
  WHERE l.status = ANY(%(live)s)
    AND l.person_id IN ({surviving}))""".format(  # noqa: S608
    surviving=SURVIVING.format(person="%(person)s::uuid")
)

TREATED = """EXISTS (
  SELECT FROM (
    SELECT r.node AS node, r.id AS id
    UNION ALL
    SELECT l.registration_node, l.registration_id
    FROM persons_identitylink mine
    JOIN persons_identitylink l ON l.status = ANY(%(live)s)
      AND l.person_id IN ({surviving})
    WHERE mine.registration_id = r.id AND mine.status = ANY(%(live)s)
  ) same
  JOIN patients_patientregistration own
    ON own.node = same.node AND own.id = same.id AND own.organisation_id = %(organisation)s::uuid
  WHERE {visited})""".format(  # noqa: S608
    surviving=SURVIVING.format(person="mine.person_id"),
    visited=VISITED.format(node="own.node", id="own.id"),
)

CONSENTED = """EXISTS (
  SELECT FROM persons_identitylink mine
  JOIN consents_consent c ON c.person_id IN ({surviving})
  WHERE mine.registration_id = r.id AND mine.status = ANY(%(live)s)
    AND c.organisation_id = %(organisation)s::uuid AND {holds})""".format(
    surviving=SURVIVING.format(person="mine.person_id"),
    holds=f"c.status = '{Status.ACTIVE}' AND statement_timestamp() >= c.starts_at"
    " AND statement_timestamp() < c.ends_at",
)

IN_EMERGENCY = """EXISTS (
  SELECT FROM (
    SELECT r.id AS id
    UNION ALL
    SELECT l.registration_id
    FROM persons_identitylink mine
    JOIN persons_identitylink l ON l.status = ANY(%(live)s)
      AND l.person_id IN ({surviving})
    WHERE mine.registration_id = r.id AND mine.status = ANY(%(live)s)
  ) same
  JOIN emergency_access_emergencyaccess g ON g.registration_id = same.id
  WHERE g.account_id = %(account)s::uuid
    AND statement_timestamp() >= g.starts_at AND statement_timestamp() < g.ends_at)""".format(  # noqa: S608
    surviving=SURVIVING.format(person="mine.person_id"),
)

SEEN: Mapping[Fact, str] = {
    Fact.SOURCE_HOSPITAL: "r.organisation_id = %(organisation)s::uuid",
    Fact.TREATMENT_RELATIONSHIP: TREATED,
    Fact.CONSENT: CONSENTED,
    Fact.EMERGENCY_ACCESS: IN_EMERGENCY,
    Fact.OWN_RECORD: OWN_RECORD,
}
"""A fact as a condition on a registration `r`."""

FACTS_OF: Mapping[Role, tuple[Fact, ...]] = {
    Role.HOSPITAL_SYSTEM: (Fact.SOURCE_HOSPITAL, Fact.TREATMENT_RELATIONSHIP, Fact.CONSENT),
    Role.CLINICIAN: (Fact.TREATMENT_RELATIONSHIP, Fact.CONSENT, Fact.EMERGENCY_ACCESS),
    Role.RESIDENT: (Fact.OWN_RECORD,),
}
"""Which facts can be true of whom, the cheapest first."""

OF_REGISTRATION = """
SELECT FROM patients_patientregistration r WHERE r.id = %(id)s AND {condition}
"""
TREATS_ONE = """
SELECT EXISTS (
  SELECT FROM patients_patientregistration own
  WHERE own.id = ANY(%(registrations)s::uuid[]) AND own.organisation_id = %(organisation)s::uuid
    AND {visited})
""".format(visited=VISITED.format(node="own.node", id="own.id"))


@dataclass(frozen=True, slots=True)
class Sight:
    """By which facts, any of which suffices, somebody sees records; the cheapest first."""

    facts: tuple[Fact, ...]
    values: dict[str, Any]

    def in_steps(self) -> Iterator["Sight"]:
        """The cheapest fact alone, then all: planning for the others costs more than most searches."""
        if len(self.facts) > 1:
            yield Sight(self.facts[:1], self.values)
        yield self


def sight_of(actor: Actor, action: str) -> Sight:
    """What the actor sees for an action."""
    return Sight(facts_that_suffice(actor, action), values_of(actor))


def facts_that_suffice(actor: Actor, action: str) -> tuple[Fact, ...]:
    """The facts of which any lets the actor do this to a record, the cheapest first."""
    sufficient = RULES.get((actor.role, action), frozenset())
    return tuple(fact for fact in FACTS_OF.get(actor.role, ()) if fact in sufficient)


def values_of(actor: Actor) -> dict[str, Any]:
    """What the conditions of `SEEN` are filled in with."""
    return {
        "organisation": actor.organisation_id,
        "account": actor.id,
        "person": actor.person_id,
        "live": list(LIVE),
        "treatment_window": TREATMENT_WINDOW,
        "treatment_days": SETTINGS[TREATMENT_WINDOW],
        "no_visits": list(NO_VISITS),
    }


def facts_about_person(actor: Actor, person_id: UUID) -> frozenset[str]:
    """Facts about the whole record of a person."""
    facts: frozenset[str] = facts_of_own(actor, person_id) | {Fact.AUTHENTICATED}
    possible = FACTS_OF.get(actor.role, ())
    if not actor.organisation_id:
        return facts
    registrations = [link.registration_id for link in links_of_person(person_id)]
    if Fact.TREATMENT_RELATIONSHIP in possible:
        values = values_of(actor) | {"registrations": registrations}
        with connection.cursor() as cursor:
            cursor.execute(TREATS_ONE, values)
            if cursor.fetchone()[0]:
                facts |= {Fact.TREATMENT_RELATIONSHIP}
    if Fact.CONSENT in possible:
        same = same_person(person_id)
        if live_consents(same, actor.organisation_id, timezone.now()).exists():
            facts |= {Fact.CONSENT}
    if Fact.EMERGENCY_ACCESS in possible and open_accesses(actor, registrations).exists():
        facts |= {Fact.EMERGENCY_ACCESS}
    return facts


def facts_about_registration(
    actor: Actor, registration_id: UUID | None, organisation_id: UUID | None
) -> frozenset[str]:
    """Facts about a resource that belongs to a registration and was pushed by an organisation.

    A hospital's system needs no other reason to see what its hospital pushed.
    """
    facts: frozenset[str] = frozenset({Fact.AUTHENTICATED})
    possible = FACTS_OF.get(actor.role, ())
    is_source = organisation_id is not None and organisation_id == actor.organisation_id
    if Fact.SOURCE_HOSPITAL in possible and is_source:
        return facts | {Fact.SOURCE_HOSPITAL}
    for fact in possible if registration_id else ():
        if fact is Fact.SOURCE_HOSPITAL:
            continue
        statement = OF_REGISTRATION.format(condition=SEEN[fact])
        with connection.cursor() as cursor:
            cursor.execute(statement, values_of(actor) | {"id": registration_id})
            if cursor.fetchone() is not None:
                facts |= {fact}
    return facts
