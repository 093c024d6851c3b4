"""A person lets an organisation see the record, sees whom, and takes it back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kernel.access.errors import NotVisible
from kernel.actor import Role
from kernel.audit.models import AuditRow
from registry.consents import services
from registry.consents.models import Consent
from registry.persons.models import Person
from tests.conftest import arriving
from tests.factories.registry import ConsentFactory, OrganisationFactory, PersonFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]


def path_of(person):
    return f"/api/v1/persons/{person.id}/consents"


def in_days(days):
    return (timezone.now() + timedelta(days=days)).isoformat()


def given(client, person, organisation, days=30):
    asked = {"organisation": organisation.code, "ends_at": in_days(days)}
    return client.post(path_of(person), asked, content_type="application/json")


@pytest.fixture
def person():
    return PersonFactory()


@pytest.fixture
def resident(person):
    return as_somebody(Role.RESIDENT, person_id=person.id)


@pytest.fixture
def hospital():
    return OrganisationFactory(name="平凉市第二人民医院", node="620800")


def test_given_listed_and_withdrawn(person, resident, hospital):
    answer = given(resident, person, hospital)

    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["organisation"], made["organisation_name"]) == (hospital.code, hospital.name)
    assert (made["status"], made["holds"], made["withdrawn_at"]) == ("active", True, None)
    assert Consent.objects.get().audience == ["620800"]
    assert resident.get(path_of(person)).json() == {"items": [made], "next": None}

    ended = resident.post(f"{path_of(person)}/{made['id']}/withdraw").json()

    assert (ended["status"], ended["holds"]) == ("inactive", False)
    assert ended["withdrawn_at"]
    assert resident.get(path_of(person)).json()["items"] == [ended]
    assert set(AuditRow.objects.values_list("action", "outcome", "person_id")) == {
        ("consent.write", "allowed", person.id), ("consent.read", "allowed", person.id),
    }  # fmt: skip


def test_pages_follow_each_other(person, resident):
    made = [ConsentFactory(person_id=person.id) for _ in range(3)]

    first = resident.get(path_of(person), {"limit": 2}).json()
    last = resident.get(path_of(person), {"limit": 2, "cursor": first["next"]}).json()

    ids = [one["id"] for one in first["items"] + last["items"]]
    assert ids == [str(one.id) for one in reversed(made)]
    assert last["next"] is None


def test_one_consent_to_an_organisation_at_a_time(person, resident, hospital):
    first = given(resident, person, hospital).json()

    again = given(resident, person, hospital)

    assert (again.status_code, again.json()["type"]) == (409, "urn:problem:consent-given")
    resident.post(f"{path_of(person)}/{first['id']}/withdraw")
    assert given(resident, person, hospital).status_code == 201


def test_one_that_is_over_is_in_nobodys_way(person, resident, hospital):
    ConsentFactory(
        person_id=person.id, organisation=hospital, starts_at=timezone.now() - timedelta(days=9),
        ends_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip

    assert given(resident, person, hospital).status_code == 201
    assert [one["holds"] for one in resident.get(path_of(person)).json()["items"]] == [True, False]


@pytest.mark.parametrize("days", [-1, 31])
def test_a_period_that_may_not_be(days, person, resident, hospital, settings):
    settings.CONSENT_DAYS = 30

    answer = given(resident, person, hospital, days)

    assert (answer.status_code, answer.json()["facts"]) == (422, {"longest_days": 30})


def test_to_nobody(person, resident):
    answer = resident.post(
        path_of(person), {"organisation": "NOBODY", "ends_at": in_days(3)},
        content_type="application/json",
    )  # fmt: skip

    assert answer.json()["type"] == "urn:problem:organisation-unknown"


def test_a_consent_is_taken_back_once(person, resident):
    made = ConsentFactory(person_id=person.id)
    path = f"{path_of(person)}/{made.id}/withdraw"

    assert [resident.post(path).status_code for _ in range(2)] == [200, 409]


def test_merged_persons_are_one(person, resident, hospital):
    made = ConsentFactory(person_id=person.id, organisation=hospital)
    survivor = PersonFactory()
    with arriving():
        Person.objects.filter(pk=person.id).update(status="merged", survivor=survivor)

    assert given(resident, survivor, hospital).status_code == 409
    ended = resident.post(f"{path_of(survivor)}/{made.id}/withdraw")
    assert ended.json()["status"] == "inactive"
    assert given(resident, person, hospital).status_code == 201
    assert Consent.objects.filter(person_id=survivor.id).count() == 1


def test_nobody_else_gives_lists_or_withdraws(person, hospital):
    made = ConsentFactory(person_id=person.id)
    strangers = [
        as_somebody(Role.RESIDENT, person_id=PersonFactory().id), as_somebody(Role.OPERATOR),
        as_somebody(Role.CLINICIAN, organisation=hospital), as_hospital(hospital),
    ]  # fmt: skip

    for client in strangers:
        assert client.get(path_of(person)).status_code in {403, 404}
        assert given(client, person, hospital).status_code in {403, 404}
        answer = client.post(f"{path_of(person)}/{made.id}/withdraw")
        assert answer.status_code in {403, 404}
    assert Consent.objects.get().status == "active"
    assert AuditRow.objects.filter(outcome="refused").count() == 12


def test_one_cannot_withdraw_what_another_gave(person, resident):
    other = ConsentFactory()

    assert resident.post(f"{path_of(person)}/{other.id}/withdraw").status_code == 404
    with pytest.raises(NotVisible):
        services.withdraw(consent_id=other.id, same=[person.id])
