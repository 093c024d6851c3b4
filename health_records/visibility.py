"""What is true about an actor and a record, as the access decision wants it (handbook 12.3)."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from health_records.models import Encounter
from health_records.rules import NO_VISITS, TREATMENT_WINDOW, treats_since
from health_records.selectors import setting
from kernel.access.rules import Fact
from kernel.actor import Actor, Role
from registry.patients.selectors import ids_at_hospital
from registry.persons.selectors import links_of_person, person_of_registration, survivor_of


def facts_about_person(actor: Actor, person_id: UUID) -> frozenset[str]:
    """Facts about the whole record of a person."""
    registrations = [link.registration_id for link in links_of_person(person_id)]
    return _facts(actor, person_id, registrations)


def facts_about_registration(
    actor: Actor, registration_id: UUID | None, organisation_id: UUID | None
) -> frozenset[str]:
    """Facts about a resource that belongs to a registration and was pushed by an organisation."""
    person_id = person_of_registration(registration_id) if registration_id else None
    registrations: list[UUID] = []
    if actor.role is Role.CLINICIAN:
        links = links_of_person(person_id) if person_id else []
        registrations = [link.registration_id for link in links]
        registrations = registrations or ([registration_id] if registration_id else [])
    facts = _facts(actor, person_id, registrations)
    is_source = actor.role is Role.HOSPITAL_SYSTEM and organisation_id is not None
    if is_source and organisation_id == actor.organisation_id:
        facts |= {Fact.SOURCE_HOSPITAL}
    return facts


def _facts(actor: Actor, person_id: UUID | None, registrations: Iterable[UUID]) -> frozenset[str]:
    facts: set[str] = {Fact.AUTHENTICATED}
    own = actor.person_id if actor.role is Role.RESIDENT else None
    if own and person_id and survivor_of(own) == survivor_of(person_id):
        facts.add(Fact.OWN_RECORD)
    hospital = actor.organisation_id if actor.role is Role.CLINICIAN else None
    if hospital and _treats(hospital, list(registrations)):
        facts.add(Fact.TREATMENT_RELATIONSHIP)
    return frozenset(facts)


def _treats(organisation_id: UUID, registrations: list[UUID]) -> bool:
    """Whether one of the registrations is the organisation's, with a visit not long ago.

    A hospital states the times of its visits, so a time to come counts for nothing.
    """
    own = ids_at_hospital(organisation_id, registrations)
    if not own:
        return False
    now = timezone.now()
    lately = (treats_since(now, setting(TREATMENT_WINDOW)), now)
    visits = Encounter.objects.filter(registration_id__in=own, occurred_at__lte=now)
    recent = visits.filter(Q(occurred_at__range=lately) | Q(ended_at__range=lately))
    return recent.exclude(status_code__in=NO_VISITS).exists()
