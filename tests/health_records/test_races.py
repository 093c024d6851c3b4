"""Messages that meet: each resource is stored once, whoever comes first."""

import threading
from typing import Any

import pytest
from django.db import connection

from health_records import selectors
from health_records.models import Encounter, Message, ResourceVersion, SourceParty
from registry.patients.models import PatientRegistration
from tests.factories.fhir import as_bytes, bundle, entry, visit
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db(transaction=True)]


def at_once(*messages: Any) -> list[Any]:
    """Push each message from a thread of its own, all at the same moment; the answers."""
    organisation = OrganisationFactory()
    clients = [as_hospital(organisation) for _ in messages]
    together, answers = threading.Barrier(len(messages), timeout=120), {}

    def push(place):
        try:
            together.wait()
            answers[place] = clients[place].post(
                "/fhir/R4", as_bytes(messages[place]), content_type="application/fhir+json"
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=push, args=[place]) for place in range(len(messages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return [answers[place] for place in range(len(messages))]


def test_the_same_message_four_times_at_once():
    answers = at_once(*[visit()] * 4)

    assert [one.status_code for one in answers] == [200] * 4
    assert len({one.content for one in answers}) == 1
    assert Message.objects.count() == 1
    assert ResourceVersion.objects.count() == 5


def test_one_new_patient_in_four_messages_at_once():
    answers = at_once(*[visit(visit=f"V{number}") for number in range(4)])

    assert [one.status_code for one in answers] == [200] * 4
    assert PatientRegistration.objects.count() == 1
    assert Encounter.objects.count() == 4
    versions = ResourceVersion.objects.filter(resource_type="Patient").values_list("version")
    assert len(set(versions)) == len(versions)


def test_every_answer_about_one_new_patient_leads_to_what_was_stored():
    patients = [
        {"resourceType": "Patient", "id": "p1", "birthDate": f"1990-01-0{number}"}
        for number in range(1, 5)
    ]
    answers = at_once(*[bundle(entry(patient)) for patient in patients])

    assert [one.status_code for one in answers] == [200] * 4
    (whose,) = PatientRegistration.objects.all()
    locations = {one.json()["entry"][0]["response"]["location"] for one in answers}
    assert locations == {f"Patient/{whose.id}/_history/{version}" for version in range(1, 5)}
    reader = as_hospital(whose.organisation)
    told = [reader.get(f"/fhir/R4/{location}").json()["birthDate"] for location in locations]
    assert sorted(told) == [patient["birthDate"] for patient in patients]


def test_one_new_practitioner_in_four_messages_at_once():
    doctor = {"resourceType": "Practitioner", "id": "dr", "name": [{"text": "李明"}]}

    answers = at_once(*[
        bundle(entry(doctor), entry({
            "resourceType": "Basic", "id": f"b{number}", "code": {"text": "note"},
        }))
        for number in range(4)
    ])  # fmt: skip

    assert [one.status_code for one in answers] == [200] * 4
    assert SourceParty.objects.get().version == 1


def test_one_conditional_create_in_four_messages_at_once():
    numbered = {"identifier": [{"system": "urn:o", "value": "1"}], "resourceType": "Organization"}

    answers = at_once(*[
        bundle(entry(numbered | {"id": f"o{number}"}, ifNoneExist="identifier=urn:o|1"))
        for number in range(4)
    ])  # fmt: skip

    told = [one.json()["entry"][0]["response"] for one in answers]
    assert sorted(one["status"] for one in told) == ["200 OK"] * 3 + ["201 Created"]
    assert len({one["location"].split("/")[1] for one in told}) == 1
    assert SourceParty.objects.get().version == 1


def test_a_patient_stored_after_the_message_had_looked_makes_it_look_again(monkeypatch):
    organisation = OrganisationFactory()
    system = as_hospital(organisation)
    look, looks = selectors.known_resources, []

    def too_early(*asked):
        looks.append(asked)
        return {} if len(looks) == 2 else look(*asked)

    monkeypatch.setattr(selectors, "known_resources", too_early)

    first, second = (
        system.post(
            "/fhir/R4",
            as_bytes(bundle(entry({"resourceType": "Patient", "id": "p1", "birthDate": born}))),
            content_type="application/fhir+json",
        )
        for born in ("1990-01-01", "1990-01-02")
    )

    assert (first.status_code, second.status_code) == (200, 200)
    whose = PatientRegistration.objects.get()
    location = second.json()["entry"][0]["response"]["location"]
    assert (len(looks), location) == (3, f"Patient/{whose.id}/_history/2")
    assert system.get(f"/fhir/R4/{location}").json()["birthDate"] == "1990-01-02"
