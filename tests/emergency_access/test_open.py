"""A doctor opens the record of somebody whom the hospital does not treat."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kernel.access import context
from kernel.access.errors import Refused
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.events.models import Event
from registry.emergency_access import services
from registry.emergency_access.errors import WordsMissing
from registry.emergency_access.models import EmergencyAccess
from registry.emergency_access.rules import is_explained
from registry.emergency_access.selectors import open_accesses
from registry.emergency_access.states import EmergencyReason
from tests.factories.registry import OrganisationFactory, RegistrationFactory, actor_of

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]

WORDS = "车祸昏迷，须了解用药史"


@pytest.fixture
def doctor():
    return actor_of(Role.CLINICIAN, organisation=OrganisationFactory())


def opened(by, registration_id, words=WORDS):
    return services.open_record(
        registration_id=registration_id, organisation_id=by.organisation_id,
        reason=EmergencyReason.UNCONSCIOUS, words=words, by=by,
    )  # fmt: skip


def test_it_is_kept_told_and_audited(doctor, settings):
    settings.EMERGENCY_ACCESS_MINUTES = 30
    patient = RegistrationFactory()

    access = opened(doctor, patient.id)

    stored = EmergencyAccess.objects.get()
    assert (stored.id, stored.account_id, stored.registration_id, stored.reason) == (
        access.id, doctor.id, patient.id, "unconscious",
    )  # fmt: skip
    assert stored.ends_at - stored.starts_at == timedelta(minutes=30)
    assert WORDS.encode() not in bytes(stored.sealed)
    assert services.words_of(stored) == WORDS
    event = Event.objects.get(name="emergency_access.opened")
    assert (event.id, event.subject_id, event.related, event.audience) == (
        stored.event_id, access.id, [patient.id], [],
    )  # fmt: skip
    row = AuditRow.objects.get()
    assert (row.action, row.purpose, row.outcome, row.reason) == (
        "emergency_access.open", "ETREAT", "allowed", "emergency_stated",
    )  # fmt: skip
    assert (row.actor_id, row.registration_id, row.resource_id) == (
        doctor.id, patient.id, access.id,
    )  # fmt: skip


def test_what_is_open_already_stays_as_it_is_and_nobody_is_told_twice(doctor):
    patient = RegistrationFactory()

    first, second = opened(doctor, patient.id), opened(doctor, patient.id)

    assert first.id == second.id
    assert Event.objects.filter(name="emergency_access.opened").count() == 1
    assert AuditRow.objects.filter(resource_id=first.id).count() == 2


def test_it_ends_and_is_this_doctors_alone(doctor):
    patient = RegistrationFactory()
    opened(doctor, patient.id)
    colleague = actor_of(Role.CLINICIAN, organisation=OrganisationFactory())

    assert open_accesses(doctor, [patient.id]).exists()
    assert not open_accesses(doctor, [RegistrationFactory().id]).exists()
    assert not open_accesses(colleague, [patient.id]).exists()
    now = timezone.now()
    EmergencyAccess.objects.update(starts_at=now - timedelta(hours=2), ends_at=now)
    assert not open_accesses(doctor, [patient.id]).exists()


@pytest.mark.parametrize("words", ["", "急救", " 急  救 。 \n", "abcd"])
def test_nobody_opens_without_words(words, doctor):
    with pytest.raises(WordsMissing):
        opened(doctor, RegistrationFactory().id, words)

    assert not EmergencyAccess.objects.exists()
    assert not Event.objects.exists()
    assert not is_explained(words)


@pytest.mark.parametrize(
    "role", [Role.OPERATOR, Role.COMMISSION_ANALYST, Role.RESIDENT, Role.HOSPITAL_SYSTEM]
)
def test_only_clinicians_open(role):
    by = actor_of(role, organisation=OrganisationFactory())

    with context.request() as request, pytest.raises(Refused):
        opened(by, RegistrationFactory().id)

    assert not EmergencyAccess.objects.exists()
    assert [(one["action"], one["outcome"]) for one in request.unwritten] == [
        ("emergency_access.open", "refused")
    ]
