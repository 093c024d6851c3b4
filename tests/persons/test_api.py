"""Which person I am, and whose a registration is."""

import pytest

from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.homes import uuid7
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db


def test_a_resident_learns_who_they_are():
    person = PersonFactory()

    answer = as_somebody(Role.RESIDENT, person_id=person.id).get("/api/v1/me/person")

    assert answer.json() == {"id": str(person.id)}


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.RESIDENT, 403), (Role.CLINICIAN, 403), (Role.OPERATOR, 403)],
)
def test_others_are_nobody(role, status):
    assert as_somebody(role).get("/api/v1/me/person").status_code == status
    assert AuditRow.objects.get().outcome == "refused"


def test_a_hospital_learns_whose_its_registration_is():
    registration = RegistrationFactory()
    link = IdentityLinkFactory(registration_id=registration.id, score=0.9)

    answer = as_hospital(registration.organisation).get(
        f"/api/v1/registrations/{registration.id}/person"
    )

    assert answer.json() == {
        "registration": str(registration.id), "person": str(link.person_id), "status": "linked",
        "score": 0.9, "model_version": "test",
    }  # fmt: skip


def test_before_the_link_is_there_it_says_so():
    registration = RegistrationFactory()

    answer = as_hospital(registration.organisation).get(
        f"/api/v1/registrations/{registration.id}/person"
    )

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem:not-linked-yet")


def test_another_hospital_learns_nothing():
    registration = RegistrationFactory()
    stranger = as_hospital(OrganisationFactory())

    for asked in (registration.id, uuid7()):
        answer = stranger.get(f"/api/v1/registrations/{asked}/person")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem:not-found")
