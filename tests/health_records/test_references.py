"""References lead to what the hospital pushed, now or before."""

import json

import pytest

from health_records.models import ClinicalEntry, Encounter, ResourceVersion, SourceParty
from registry.patients.models import PatientRegistration
from tests.factories.fhir import NUMBER, bundle, entry, visit
from tests.factories.registry import OrganisationFactory

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]


def condition(**parts):
    subject = {"display": "张三"}
    return bundle(entry({"resourceType": "Condition", "id": "later", "subject": subject, **parts}))


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/pat-00012345",
        "Patient?identifier=urn:test:mrn|00012345",
        f"Patient?identifier=urn:oid:2.16.156.10011.1.3|{NUMBER}",
        "http://testserver/fhir/R4/Patient/pat-00012345",
    ],
)
def test_a_later_message_finds_the_patient(reference, push):
    push(visit())

    answer = push(condition(subject={"reference": reference}))

    assert answer.status_code == 200, answer.content
    registration = PatientRegistration.objects.get()
    assert ClinicalEntry.objects.get(source_key="later").registration_id == registration.id


def test_our_own_id_serves_too(push):
    push(visit())
    visited = Encounter.objects.get()

    answer = push(condition(
        subject={"reference": f"Patient/{visited.registration_id}"},
        encounter={"reference": f"Encounter/{visited.id}"},
    ))  # fmt: skip

    assert answer.status_code == 200, answer.content
    assert ClinicalEntry.objects.get(source_key="later").encounter_id == visited.id


def test_a_visit_is_found_by_its_number(push):
    push(visit())

    answer = push(condition(encounter={"reference": "Encounter?identifier=urn:test:visit|V1"}))

    assert answer.status_code == 200, answer.content
    stored = ResourceVersion.objects.get(
        resource_id=ClinicalEntry.objects.get(source_key="later").id
    )
    assert (
        json.loads(stored.source)["encounter"]["reference"]
        == f"Encounter/{Encounter.objects.get().id}"
    )


def test_two_of_that_number_are_too_many(push):
    for number in ("1", "2"):
        push(bundle(entry({
            "resourceType": "Practitioner", "id": f"dr-{number}",
            "identifier": [{"system": "urn:staff", "value": "7"}],
        })))  # fmt: skip

    answer = push(condition(recorder={"reference": "Practitioner?identifier=urn:staff|7"}))

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "reference-unique"


def test_other_servers_and_contained_resources_are_left_alone(push):
    answer = push(condition(
        contained=[{"resourceType": "Practitioner", "id": "doctor"}],
        recorder={"reference": "#doctor"},
        asserter={"reference": "https://elsewhere.example/fhir/Practitioner/1"},
    ))  # fmt: skip

    assert answer.status_code == 200, answer.content
    source = json.loads(ResourceVersion.objects.get().source)
    assert source["recorder"]["reference"] == "#doctor"
    assert source["asserter"]["reference"] == "https://elsewhere.example/fhir/Practitioner/1"


def test_a_party_is_mapped_to_the_registry_by_its_number(push):
    known = OrganisationFactory(uscc="12620100JQ6201017L")

    push(bundle(
        entry({"resourceType": "Organization", "id": "a", "name": "甲", "identifier": [
            {"system": "urn:oid:2.16.156.10011.1.5", "value": known.code}]}),
        entry({"resourceType": "Organization", "id": "b", "name": "乙", "identifier": [
            {"system": "urn:uscc", "value": "12620100JQ6201017L"}]}),
        entry({"resourceType": "Organization", "id": "c", "name": "丙"}),
    ))  # fmt: skip

    mapped = dict(SourceParty.objects.values_list("name", "registry_id"))
    assert mapped == {"甲": known.id, "乙": known.id, "丙": None}


def test_if_none_exist_takes_what_is_there(push):
    first = entry(
        {"resourceType": "Organization", "id": "a", "identifier": [{"system": "urn:o", "value": "1"}]},
        ifNoneExist="identifier=urn:o|1",
    )  # fmt: skip
    created = push(bundle(first)).json()["entry"][0]["response"]
    again = entry(
        {"resourceType": "Organization", "id": "b", "name": "乙"}, ifNoneExist="identifier=urn:o|1"
    )
    leaning = entry({"resourceType": "Location", "id": "l", "managingOrganization": {
        "reference": again["fullUrl"]}})  # fmt: skip

    told = push(bundle(again, leaning)).json()["entry"]

    assert created["status"] == "201 Created"
    assert told[0]["response"] == {
        "status": "200 OK", "location": created["location"].partition("/_history")[0]
    }  # fmt: skip
    assert SourceParty.objects.filter(resource_type="Organization").count() == 1
    location = json.loads(ResourceVersion.objects.get(resource_type="Location").source)
    assert location["managingOrganization"]["reference"] == told[0]["response"]["location"]


def test_a_patient_is_known_by_the_hospitals_number_not_by_the_id(push):
    push(visit())
    message = visit(visit="V2")
    message["entry"][0]["resource"]["id"] = "another-id"

    answer = push(message)

    assert answer.status_code == 200, answer.content
    assert PatientRegistration.objects.count() == 1
    assert Encounter.objects.count() == 2
