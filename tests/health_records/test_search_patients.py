"""Patients by their numbers and by who they are, as pushed through the door; nothing stands in clear."""

from dataclasses import replace

import pytest
from django.db import connection, transaction

from kernel.actor import Role
from kernel.events.models import Event
from registry.patients import selectors
from registry.patients.sealing import facts_of as facts_sealed_in
from registry.persons import services
from registry.persons.handlers import link_registration
from tests.factories.arriving import HERE
from tests.factories.fhir import NUMBER, OTHER_NUMBER, PHONE, bundle, entry, patient
from tests.factories.records import VersionFactory
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
    facts_of,
)
from tests.factories.signed_in import as_hospital, as_somebody

CITY, HUB = pytest.mark.node("city"), pytest.mark.node("hub")
pytestmark = pytest.mark.django_db

CITIZEN = "urn:oid:2.16.156.10011.1.3"


@pytest.fixture
def two(push):
    """Two patients of the hospital."""
    first = patient("A-1", name="张三丰")
    second = patient("B-2", number=OTHER_NUMBER, name="Ann Smith") | {
        "gender": "female", "birthDate": "1992-11-30",
        "telecom": [{"system": "email", "value": "a@b.example"},
                    {"system": "phone", "value": "0931-1234567"},
                    {"system": "phone", "value": "+86 139 0000 0001"}],
    }  # fmt: skip
    second["identifier"].append({"system": "urn:card", "value": "A-1"})
    second["identifier"].append({"value": "bare"})
    answer = push(bundle(entry(first), entry(second)))
    assert answer.status_code == 200, answer.content
    return [one["response"]["location"].split("/")[1] for one in answer.json()["entry"]]


def ask(client, **asked):
    answer = client.get("/fhir/R4/Patient", {k.replace("__", ":"): v for k, v in asked.items()})
    assert answer.status_code == 200, answer.content
    return [one["resource"]["id"] for one in answer.json().get("entry", [])]


@CITY
def test_by_any_identifier_of_the_right_system(system, two):
    zhang, ann = two

    assert ask(system, identifier="urn:test:mrn|A-1") == [zhang]
    assert ask(system, identifier="urn:card|A-1") == [ann]
    assert sorted(ask(system, identifier="A-1")) == sorted(two)
    assert ask(system, identifier=f"{CITIZEN}|{NUMBER}") == [zhang]
    assert ask(system, identifier=f" {OTHER_NUMBER} ") == [ann]
    assert ask(system, identifier="|bare") == ask(system, identifier="bare") == [ann]
    assert ask(system, identifier="urn:card|", gender="female") == [ann]
    assert sorted(ask(system, identifier=f"{NUMBER},urn:card|A-1")) == sorted(two)
    for none in ("urn:card|B-2", "|A-1", "urn:oid:2|A-1", "A-"):
        assert ask(system, identifier=none) == []


@CITY
def test_by_who_they_are(system, two):
    zhang, ann = two

    assert ask(system, gender="male") == [zhang]
    assert ask(system, gender__not="male") == [ann]
    assert ask(system, birthdate="1990-03-07") == ask(system, birthdate="lt1991") == [zhang]
    assert ask(system, birthdate="1992-11") == ask(system, birthdate="gt1990-03-07") == [ann]
    assert ask(system, birthdate="ge1990", gender="female") == [ann]
    assert ask(system, birthdate__missing="true", _lastUpdated="gt2020") == []
    assert ask(system, name="张") == ask(system, name__exact="张三丰") == [zhang]
    assert ask(system, name="ann s") == [ann]
    assert ask(system, name="smith") == ask(system, name__exact="张三") == []
    assert ask(system, phone=PHONE) == [zhang]
    assert ask(system, phone="13900000001") == ask(system, phone="09311234567") == [ann]
    assert ask(system, phone="a@b.example") == []
    assert system.get("/fhir/R4/Patient", {"gender": "m"}).status_code == 400


@CITY
def test_what_is_found_is_whole(system, two):
    found = system.get("/fhir/R4/Patient", {"_id": two[0]}).json()["entry"][0]["resource"]

    assert [one["value"] for one in found["identifier"]] == ["A-1", NUMBER]
    assert found == system.get(f"/fhir/R4/Patient/{two[0]}").json()


@CITY
def test_a_changed_number_is_found_and_the_old_one_not(push, system, two):
    push(bundle(entry(patient("A-1", number=OTHER_NUMBER))))

    assert ask(system, identifier=NUMBER) == []
    assert sorted(ask(system, identifier=OTHER_NUMBER)) == sorted(two)


@CITY
def test_no_number_stands_in_clear(two):
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM patients_patientregistration t")
        text = "\n".join(row for (row,) in cursor.fetchall())

    for number in (NUMBER, OTHER_NUMBER, PHONE, "13900000001", "0931-1234567", "09311234567"):
        assert number not in text


@CITY
def test_another_hospital_finds_nobody(two):
    other = as_hospital(OrganisationFactory())

    for asked in ({"identifier": NUMBER}, {"phone": PHONE}, {"name": "张"}, {"_id": two[0]}, {}):
        assert ask(other, **asked) == []


@pytest.fixture
def cities_keys(monkeypatch):
    """The hub opens what cities sealed; here one key stands for all."""

    def opened(row):
        node, row.node = row.node, HERE
        try:
            return facts_sealed_in(row)
        finally:
            row.node = node

    monkeypatch.setattr(selectors, "facts_of", opened)
    monkeypatch.setattr(services, "facts_of", opened)


@HUB
def test_at_the_hub_by_hospital_number_and_document(cities_keys):
    """Keyed hashes of a city say nothing at the hub; it opens the few candidates."""
    hospital = OrganisationFactory()
    facts = replace(
        facts_of(number=NUMBER, phone=PHONE),
        identifiers=(("urn:test:mrn", "A-1"), (CITIZEN, NUMBER)),
    )
    whose = RegistrationFactory(organisation=hospital, local_id="A-1", facts=facts)
    VersionFactory(
        node=whose.node, resource_id=whose.id, resource_type="Patient",
        source='{"identifier":[{"system":"urn:test:mrn"}],"resourceType":"Patient"}',
    )  # fmt: skip
    with transaction.atomic():
        link_registration(Event(name="registration.recorded", subject_id=whose.id, node=whose.node))
    client, found = as_hospital(hospital), [str(whose.id)]

    assert ask(client, identifier="urn:test:mrn|A-1") == found
    assert ask(client, identifier="A-1") == found
    assert ask(client, identifier=f"{CITIZEN}|{NUMBER}") == ask(client, identifier=NUMBER) == found
    assert ask(client, phone=f"+86{PHONE}") == found
    assert ask(client, identifier="urn:test:mrn|", name="张") == found
    for none in ("urn:other|A-1", f"urn:other|{NUMBER}", OTHER_NUMBER, "A-2"):
        assert ask(client, identifier=none) == []
    assert ask(client, identifier="urn:other|", name="张") == []
    assert ask(as_hospital(OrganisationFactory()), identifier=NUMBER) == []


def test_a_resident_finds_themselves():
    own, other = RegistrationFactory(name="张三"), RegistrationFactory(name="张三")
    for one in (own, other):
        VersionFactory(
            node=one.node, resource_id=one.id, resource_type="Patient",
            source='{"resourceType":"Patient"}',
        )  # fmt: skip
    link = IdentityLinkFactory(registration_id=own.id)
    resident = as_somebody(Role.RESIDENT, person_id=link.person_id)

    assert ask(resident) == ask(resident, name="张") == [str(own.id)]
    assert ask(as_somebody(Role.RESIDENT, person_id=PersonFactory().id)) == []
