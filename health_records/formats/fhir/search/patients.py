"""Patients by their numbers, which stand nowhere in clear."""

from health_records.finding.criteria import Condition
from health_records.formats.fhir.search.conditions import NEVER
from health_records.formats.fhir.search.values import Token
from kernel.actor import Actor
from kernel.homes import is_written_here
from registry.patients.models import PatientRegistration
from registry.patients.rules import number_text, phone_text
from registry.patients.selectors import number_hashes
from registry.persons.selectors import registrations_bearing


def by_number(token: Token, actor: Actor) -> Condition:
    """Patients with an identifier."""
    if token.value is None:
        return Condition(
            "t.id IN (SELECT v.resource_id FROM health_records_resourceversion v"
            " WHERE v.node = t.node AND v.resource_id = t.id AND v.version = t.version"
            " AND v.source::jsonb -> 'identifier' @> jsonb_build_array(jsonb_build_object('system', {}::text)))",
            (token.system,),
        )
    return _bearing(number_text(token.value, token.system), token.value, actor)


def by_phone(phone: str, actor: Actor) -> Condition:
    """Patients with a phone number."""
    return _bearing(phone_text(phone), phone, actor)


def _bearing(text: str, value: str, actor: Actor) -> Condition:
    """Keyed hashes are of the node that wrote them; elsewhere the few candidates are opened."""
    if is_written_here(PatientRegistration):
        hashes = number_hashes(text)
        return Condition(
            "(t.number_indexes && {}::bytea[] OR t.number_indexes_next && {}::bytea[])",
            (hashes, hashes),
        )
    found = registrations_bearing(text, value, organisation_id=actor.organisation_id)
    return Condition("t.id = ANY({}::uuid[])", (found,)) if found else NEVER
