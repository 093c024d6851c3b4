"""Which person somebody is, and whose a registration is."""

from uuid import UUID

from ninja import Router, Schema

from kernel.access.errors import NotVisible
from kernel.access.rules import Fact
from kernel.access.services import authorise
from kernel.actor import Actor, Role
from kernel.http import SignedInRequest
from registry.patients.selectors import registration
from registry.persons.errors import NotLinkedYet
from registry.persons.selectors import live_link, survivor_of

router = Router(tags=["persons"])


class PersonOut(Schema):
    """A person of the master patient index."""

    id: UUID


class LinkOut(Schema):
    """The link of a registration; `status` is `review` while staff have to look at it."""

    registration: UUID
    person: UUID
    status: str
    score: float
    model_version: str


@router.get("/me/person", response=PersonOut)
def me(request: SignedInRequest) -> dict[str, object]:
    """Which person I am."""
    actor: Actor = request.auth
    is_somebody = actor.role is Role.RESIDENT and actor.person_id is not None
    facts = {Fact.OWN_RECORD} if is_somebody else frozenset()
    authorise(actor, "person.read", facts=facts, person_id=actor.person_id)
    if actor.person_id is None:
        raise NotVisible
    return {"id": survivor_of(actor.person_id)}


@router.get("/registrations/{uuid:registration_id}/person", response=LinkOut)
def person_of(request: SignedInRequest, registration_id: UUID) -> dict[str, object]:
    """Whose registration this is, for the hospital that made it."""
    actor: Actor = request.auth
    found = registration(registration_id)
    is_own = found is not None and found.organisation_id == actor.organisation_id
    is_source = is_own and actor.role is Role.HOSPITAL_SYSTEM
    authorise(
        actor, "person.read", facts={Fact.SOURCE_HOSPITAL} if is_source else frozenset(),
        registration_id=registration_id,
    )  # fmt: skip
    link = live_link(registration_id)
    if link is None:
        raise NotLinkedYet
    return {
        "registration": registration_id,
        "person": survivor_of(link.person_id),
        "status": link.status,
        "score": link.score,
        "model_version": link.model_version,
    }
