"""The hub tells the person whose record was opened in an emergency."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from kernel.actor import Role
from kernel.events.errors import NotYet
from kernel.events.models import Event
from kernel.homes import uuid7
from registry.emergency_access.handlers import tell_person
from registry.residents.services import give_phone
from registry.sms import mailbox
from tests.factories.emergencies import EmergencyAccessFactory
from tests.factories.registry import (
    AccountFactory,
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]

PHONE = "13912345678"


@pytest.fixture
def patient():
    """Somebody who is registered in a city, and bound to an account with a phone."""
    person = PersonFactory()
    registration = RegistrationFactory(organisation=OrganisationFactory(name="兰州市第一人民医院"))
    IdentityLinkFactory(person=person, registration_id=registration.id)
    with_phone(AccountFactory(role=Role.RESIDENT, person_id=person.id))
    return registration


def with_phone(account: Any) -> None:
    give_phone(account=account, phone=PHONE)


def told_of(access):
    return Event(name="emergency_access.opened", subject_id=access.id, node=access.node)


def test_the_person_gets_a_text_message(patient, settings):
    settings.SMS_ADAPTER = mailbox.ADAPTER
    at = timezone.now()
    access = EmergencyAccessFactory(registration=patient, starts_at=at)

    tell_person(told_of(access))

    (letter,) = mailbox.letters()
    assert (letter.text.phone, letter.text.template) == (PHONE, "emergency-access")
    assert letter.text.parameters == {
        "hospital": "兰州市第一人民医院",
        "time": timezone.localtime(at).strftime("%Y-%m-%d %H:%M"),
    }
    assert letter.expires_at > timezone.now() + timedelta(days=2)


def test_of_a_merged_person_the_survivors_phone_counts(settings):
    settings.SMS_ADAPTER = mailbox.ADAPTER
    survivor = PersonFactory()
    gone = PersonFactory(status="merged", survivor=survivor)
    registration = RegistrationFactory()
    IdentityLinkFactory(person=gone, registration_id=registration.id)
    with_phone(AccountFactory(role=Role.RESIDENT, person_id=survivor.id))

    tell_person(told_of(EmergencyAccessFactory(registration=registration)))

    assert [one.text.phone for one in mailbox.letters()] == [PHONE]


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_turned_off_is_told_nothing(status, settings):
    settings.SMS_ADAPTER = mailbox.ADAPTER
    person, registration = PersonFactory(), RegistrationFactory()
    IdentityLinkFactory(person=person, registration_id=registration.id)
    account = AccountFactory(role=Role.RESIDENT, person_id=person.id, status=status)
    with_phone(account)

    tell_person(told_of(EmergencyAccessFactory(registration=registration)))

    assert mailbox.letters() == []


def test_a_node_without_messages_writes_none(patient, settings):
    settings.SMS_ADAPTER = ""

    tell_person(told_of(EmergencyAccessFactory(registration=patient)))

    assert mailbox.letters() == []


def test_it_waits_for_the_row_and_for_the_link():
    away = Event(name="emergency_access.opened", subject_id=uuid7(), node="620100")
    unlinked = EmergencyAccessFactory(registration=RegistrationFactory())

    for event in (away, told_of(unlinked)):
        with pytest.raises(NotYet):
            tell_person(event)
