"""A patient as a doctor opens one: who it is, and the record of all hospitals, from the hub or from here.

The joined record lies at the hub, which decides for itself whether this doctor may see it and leaves the
audit row. While it is away the city gives what its own hospitals recorded, and says that the rest is missing.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from health_records.errors import AtYourCity, NotTreating
from health_records.rules import TREATMENT_WINDOW
from health_records.selectors import setting
from health_records.timeline import timeline_of
from health_records.timeline_page import Asked, entries_of, kind_name, page_of_record
from health_records.visibility import facts_about_registration
from kernel.access import context
from kernel.access.errors import NotVisible
from kernel.access.rules import LAST_RESORT, Fact, decide
from kernel.access.services import Concern, authorise, authorise_search, require_proof
from kernel.actor import Actor
from kernel.commands.errors import CityUnreachable, CommandRefused, UnknownNode
from kernel.commands.services import ask
from kernel.crypto import mask_identity, mask_name
from kernel.events.arrival import wait_for_event
from kernel.nodes.selectors import node_names
from registry.accounts.selectors import signs_in_at_its_node
from registry.emergency_access import services as emergency
from registry.emergency_access.models import EmergencyAccess
from registry.emergency_access.selectors import open_accesses
from registry.emergency_access.states import EmergencyReason
from registry.identity_documents import citizen_number_of
from registry.organisations.selectors import organisations_by_id
from registry.patients.models import PatientRegistration
from registry.patients.rules import identity_of
from registry.patients.sealing import facts_of
from registry.patients.selectors import patients_elsewhere, patients_found, registration
from registry.persons.models import IdentityLink
from registry.persons.selectors import links_of_person, live_link, survivor_of

JOINED = "records.joined"
SEARCH, OVERVIEW, TIMELINE = "patient.search", "patient.read", "timeline.read"
PATIENT, ALLERGY = "Patient", "AllergyIntolerance"
MOST_FOUND, MOST_ALLERGIES = 20, 50
BASES = (Fact.TREATMENT_RELATIONSHIP, Fact.CONSENT, Fact.EMERGENCY_ACCESS)
OVER = frozenset({"inactive", "resolved", "entered-in-error"})
"""Codes of FHIR's allergyintolerance-clinical under which there is nothing to beware of."""
HUB_AWAY, NOT_KNOWN_YET = "hub-away", "not-known-yet"


@dataclass(frozen=True, slots=True)
class Opened:
    """A patient whom this doctor may see, and by what."""

    registration: PatientRegistration
    facts: frozenset[str]


def search(text: str, by: Actor) -> dict[str, Any]:
    """Patients of the doctor's own hospital, masked; `elsewhere` is one of another hospital of the city.

    That is looked for by a whole citizen number alone: somebody whose card lies there in an emergency.
    """
    hospital = _hospital_of(by)
    at_home = frozenset({Fact.AUTHENTICATED, Fact.OWN_ORGANISATION})
    if not decide(by.role, SEARCH, at_home).allowed:
        authorise(by, SEARCH, facts=at_home)
    found = patients_found(text, organisation_id=hospital, most=MOST_FOUND + 1)
    rows, number = found[:MOST_FOUND], citizen_number_of(text)
    others = [] if rows or not number else patients_elsewhere(
        number, organisation_id=hospital, most=1
    )  # fmt: skip
    concerns = [Concern(one.id, at_home, 1) for one in rows]
    concerns += [Concern(one, frozenset({Fact.AUTHENTICATED}), 0) for one in others]
    authorise_search(by, SEARCH, concerns or [Concern(None, at_home, 0)], resource_type=PATIENT)
    return {
        "items": [_masked(one) for one in rows],
        "more": len(found) > MOST_FOUND,
        "elsewhere": next(iter(others), None),
    }


def overview(registration_id: UUID, by: Actor) -> dict[str, Any]:
    """Who a patient is, and why this doctor may look; NotTreating says why not."""
    opened = _opened(registration_id, OVERVIEW, by)
    _authorise(opened, OVERVIEW, by)
    one = opened.registration
    said = facts_of(one)
    identity, link = identity_of(said), live_link(one.id)
    basis = next(fact for fact in BASES if fact in opened.facts)
    ends = open_accesses(by, _ids(one)).values_list("ends_at", flat=True).first()
    place = organisations_by_id([one.organisation_id])[one.organisation_id]
    return {
        "registration": one.id,
        "person": survivor_of(link.person_id) if link else None,
        "name": one.name,
        "sex": one.sex,
        "birth_date": one.birth_date,
        "local_id": one.local_id,
        "hospital": place.name,
        "is_own": one.organisation_id == by.organisation_id,
        "document": mask_identity(identity[1]) if identity else "",
        "document_type": identity[0] if identity else "",
        "link": link.status if link else "none",
        "basis": basis,
        "until": ends if basis in LAST_RESORT else None,
    }


def record(registration_id: UUID, asked: Asked, by: Actor) -> dict[str, Any]:
    """A page of the record of all hospitals; `missing` says why it is this city's part alone."""
    opened = _opened(registration_id, TIMELINE, by)
    held = open_accesses(by, _ids(opened.registration)).first()
    body = {
        "registration": str(registration_id), "limit": asked.limit, "cursor": asked.cursor,
        "kinds": asked.kinds, "organisation": asked.organisation,
        "after": str(held.event_id) if held else None,
    }  # fmt: skip
    _require_sender()
    try:
        answer = ask(JOINED, to=settings.HUB_CODE, by=by, body=body)
    except (CityUnreachable, UnknownNode):
        missing = HUB_AWAY
    except CommandRefused as refusal:
        if refusal.status not in {NotVisible.status, NotTreating.status}:
            raise
        missing = NOT_KNOWN_YET
    else:
        context.note_decision()  # the hub's, which left its row before it answered
        for entry in (*answer["items"], *answer["allergies"]):
            entry["kind_name"] = kind_name(entry["kind"])
        return {**answer, "missing": ""}
    _authorise(opened, TIMELINE, by)
    return {**_page(opened.registration, asked), "missing": missing}


def joined(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """At the hub: a page of the record, for somebody of the staff who signed in at a city."""
    registration_id = UUID(body["registration"])
    if body["after"]:
        wait_for_event(UUID(body["after"]), node=by.node)
    one = registration(registration_id)
    known = signs_in_at_its_node(by)
    facts = facts_about_registration(by, registration_id, None) if known else frozenset[str]()
    link = live_link(registration_id)
    authorise(
        by, TIMELINE, facts=facts, registration_id=registration_id,
        person_id=survivor_of(link.person_id) if link else None,
    )  # fmt: skip
    if one is None:
        raise NotVisible
    return _page(
        one, Asked(int(body["limit"]), body["cursor"], body["kinds"], body["organisation"])
    )


def open_in_emergency(
    registration_id: UUID, *, reason: EmergencyReason, words: str, by: Actor
) -> EmergencyAccess:
    """Open the record of somebody whom the hospital does not treat, for a while."""
    hospital = _hospital_of(by)
    if _here(registration_id) is None:
        authorise(by, OVERVIEW, registration_id=registration_id)
    return emergency.open_record(
        registration_id=registration_id, organisation_id=hospital, reason=reason, words=words, by=by
    )


def _page(one: PatientRegistration, asked: Asked) -> dict[str, Any]:
    """What this node knows; the allergies come with the first page."""
    links = _links(one)
    return {
        **page_of_record(links, asked),
        "allergies": [] if asked.cursor else _allergies(links),
    }


def _allergies(links: list[IdentityLink]) -> list[dict[str, Any]]:
    rows = timeline_of(links, limit=MOST_ALLERGIES, kinds=[ALLERGY])
    return entries_of([row for row in rows if row.status not in OVER], node_names())


def _opened(registration_id: UUID, action: str, by: Actor) -> Opened:
    """The patient, when the table of access allows it; the audit row is the caller's to leave."""
    _hospital_of(by)
    one = _here(registration_id)
    facts = facts_about_registration(by, registration_id, None) if one else frozenset[str]()
    if one is not None and decide(by.role, action, facts).allowed:
        return Opened(one, facts)
    try:
        authorise(by, action, facts=facts, registration_id=registration_id, resource_type=PATIENT)
    except NotVisible:
        if one is None:
            raise
        raise NotTreating(
            {
                "zh": "医务人员只能查看本院在规定期限内接诊过、或本人已授权本院查看的患者。",
                "en": "Doctors see patients whom their hospital treated lately, or who consented.",
            },
            facts={"days": setting(TREATMENT_WINDOW), "minutes": settings.EMERGENCY_ACCESS_MINUTES},
        ) from None
    raise NotVisible


def _authorise(opened: Opened, action: str, by: Actor) -> None:
    authorise(
        by,
        action,
        facts=opened.facts,
        registration_id=opened.registration.id,
        resource_type=PATIENT,
    )


def _require_sender() -> None:
    """The audit row asks whether the sender is still who was remembered; here it is the hub's."""
    request = context.current()
    if request is not None and request.proof is not None:
        require_proof(request.proof)


def _hospital_of(by: Actor) -> UUID:
    """The doctor's hospital; AtYourCity when it belongs to another node."""
    hospital = organisations_by_id([by.organisation_id] if by.organisation_id else [])
    place = hospital.get(by.organisation_id) if by.organisation_id else None
    if place is None:
        authorise(by, SEARCH, facts={Fact.AUTHENTICATED})
        raise NotVisible
    if place.node != settings.NODE_CODE:
        raise AtYourCity(facts={"node": place.node})
    return place.id


def _here(registration_id: UUID) -> PatientRegistration | None:
    one = registration(registration_id)
    return one if one is not None and not one.deleted else None


def _ids(one: PatientRegistration) -> list[UUID]:
    return [link.registration_id for link in _links(one)]


def _links(one: PatientRegistration) -> list[IdentityLink]:
    """The registrations of the same person that this node knows; itself alone while it is not linked."""
    link = live_link(one.id)
    if link is None:
        return [IdentityLink(registration_id=one.id, registration_node=one.node)]
    return links_of_person(link.person_id)


def _masked(one: PatientRegistration) -> dict[str, Any]:
    identity = identity_of(facts_of(one))
    return {
        "id": one.id,
        "name": mask_name(one.name),
        "sex": one.sex,
        "birth_date": one.birth_date,
        "local_id": one.local_id,
        "document": mask_identity(identity[1]) if identity else "",
    }
