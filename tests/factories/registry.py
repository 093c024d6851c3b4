"""Organisations, hospital systems, accounts, registrations, persons."""

from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.declarations import LazyFunction, Sequence, SubFactory

from kernel.actor import Actor, Role
from kernel.homes import is_written_here, uuid7
from registry.accounts.models import Account, HospitalClient
from registry.accounts.rules import PURPOSE_OF
from registry.consents.models import Consent
from registry.organisations.models import Organisation
from registry.patients.models import PatientRegistration
from registry.patients.rules import RegistrationFacts
from registry.patients.sealing import seal_facts
from registry.persons.models import IdentityLink, Person
from registry.persons.states import LinkStatus
from tests.factories.arriving import HERE, HUB, LANZHOU, ArrivingFactory

PASSWORD = "correct-horse-9"  # noqa: S105
CITY_HERE = LANZHOU if HERE == HUB else HERE


@cache
def _hashed() -> str:
    """Argon2 is slow on purpose; once is enough."""
    return make_password(PASSWORD)


class OrganisationFactory(ArrivingFactory):
    """An open general hospital of this city (of Lanzhou, at the hub)."""

    class Meta:
        model = Organisation

    code = Sequence(lambda n: f"JQTEST{n:08d}")
    uscc = ""
    name = Sequence(lambda n: f"示范医院{n}")
    type = "A100"
    level = "3"
    grade = "A"
    node = CITY_HERE
    division = CITY_HERE


class HospitalClientFactory(ArrivingFactory):
    """A hospital's system without keys; tests of signing in give it some."""

    class Meta:
        model = HospitalClient

    client_id = Sequence(lambda n: f"his-{n}")
    organisation = SubFactory(OrganisationFactory)
    public_keys: Any = LazyFunction(list)


class AccountFactory(ArrivingFactory):
    """An account with the password PASSWORD."""

    class Meta:
        model = Account

    login = Sequence(lambda n: f"user{n}")
    role = Role.RESIDENT
    password = LazyFunction(_hashed)


class RegistrationFactory(ArrivingFactory):
    """A patient of a hospital of this city; `facts` are sealed and indexed as in a push."""

    class Meta:
        model = PatientRegistration

    organisation = SubFactory(OrganisationFactory)
    local_id = Sequence(lambda n: f"P{n:06d}")
    node = CITY_HERE
    digest = b"\0" * 16
    recorded_at = LazyFunction(timezone.now)
    changed_at = LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        facts = kwargs.pop("facts", None)
        if facts is not None:
            kwargs.setdefault("id", uuid7())
            kwargs |= {"name": facts.name, "sex": facts.sex, "birth_date": facts.birth_date}
            kwargs["sealed"] = seal_facts(kwargs["id"], facts)
        made = super()._create(model_class, *args, **kwargs)
        if facts is not None and is_written_here(model_class):
            made.node = CITY_HERE
        return made


class PersonFactory(ArrivingFactory):
    """A human being of whom nothing is known yet."""

    class Meta:
        model = Person

    created_at = LazyFunction(timezone.now)


class ConsentFactory(ArrivingFactory):
    """A consent that was given yesterday and holds until tomorrow."""

    class Meta:
        model = Consent

    person_id = LazyFunction(uuid7)
    organisation = SubFactory(OrganisationFactory)
    starts_at = LazyFunction(lambda: timezone.now() - timedelta(days=1))
    ends_at = LazyFunction(lambda: timezone.now() + timedelta(days=1))
    given_by = LazyFunction(uuid7)


class IdentityLinkFactory(ArrivingFactory):
    """A live link."""

    class Meta:
        model = IdentityLink

    person = SubFactory(PersonFactory)
    registration_node = CITY_HERE
    registration_version = 1
    status = LinkStatus.LINKED
    score = 1.0
    model_version = "test"
    decided_at = LazyFunction(timezone.now)


def facts_of(
    name: str = "张三",
    *,
    number: str | None = None,
    phone: str | None = None,
    born: date | None = date(1990, 3, 7),
    sex: str = "1",
) -> RegistrationFacts:
    """What a hospital says about a patient."""
    return RegistrationFacts(
        name, sex, born, (("01", number),) if number else (), (phone,) if phone else ()
    )


def actor_of(role: Role, *, organisation: Any = None, person_id: UUID | None = None) -> Actor:
    """Somebody of that role who signed in here."""
    return Actor(
        id=uuid7(),
        role=role,
        node=HERE,
        purpose=PURPOSE_OF[role],
        organisation_id=organisation.id if organisation else None,
        person_id=person_id,
    )
