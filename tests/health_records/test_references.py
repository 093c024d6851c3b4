"""References lead to what the hospital pushed, now or before."""

import json
import re

import pytest

from health_records.models import ClinicalEntry, Encounter, ResourceVersion, SourceParty
from registry.organisations.models import Department
from registry.patients.models import PatientRegistration
from registry.practitioners.models import Practitioner, PractitionerRole
from tests.conftest import arriving
from tests.factories.fhir import NUMBER, bundle, entry, patient, visit
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
        "Patient?identifier=urn%3Atest%3Amrn%7C00012345",
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


def test_practitioners_posts_and_places_are_mapped_too(push, hospital):
    other = OrganisationFactory()
    with arriving():
        department = Department.objects.create(organisation=hospital, code="001", name="呼吸内科")
        doctor = Practitioner.objects.create(certificate="900010000000001", name="朱长生")
        post = PractitionerRole.objects.create(
            organisation=hospital, practitioner=doctor, department=department, code="0001"
        )
        elsewhere = PractitionerRole.objects.create(
            organisation=other, practitioner=doctor, code="0002"
        )

    def numbered(type_, value, **parts):
        return entry({
            "resourceType": type_, "id": f"{type_}-{value}", **parts,
            "identifier": [{"system": f"urn:{hospital.code}", "value": value}],
        })  # fmt: skip

    who = numbered("Practitioner", "900010000000001", name=[{"text": "朱长生"}])
    where = numbered("Location", "001", name="呼吸内科门诊")
    answer = push(bundle(
        who, where, numbered("HealthcareService", "001"),
        numbered("PractitionerRole", "0001", practitioner={"reference": who["fullUrl"]},
                 location=[{"reference": where["fullUrl"]}]),
        numbered("PractitionerRole", "0002", practitioner={"reference": who["fullUrl"]}),
    ))  # fmt: skip

    assert answer.status_code == 200, answer.content
    mapped = dict(SourceParty.objects.values_list("source_key", "registry_id"))
    assert mapped == {
        "Practitioner-900010000000001": doctor.id, "Location-001": department.id,
        "HealthcareService-001": department.id, "PractitionerRole-0001": post.id,
        "PractitionerRole-0002": None,
    }  # fmt: skip
    assert elsewhere.id not in mapped.values()


def test_resources_of_a_message_may_refer_to_each_other_in_a_circle(push):
    letter = {
        "resourceType": "Composition", "status": "final", "type": {"text": "letter"},
        "date": "2026-01-01", "author": [{"display": "李明"}], "title": "letter",
    }  # fmt: skip
    one = entry(letter | {"id": "a"})
    other = entry(letter | {"id": "b", "relatesTo": [
        {"code": "replaces", "targetReference": {"reference": one["fullUrl"]}}]})  # fmt: skip
    one["resource"]["relatesTo"] = [
        {"code": "appends", "targetReference": {"reference": other["fullUrl"]}},
        {"code": "appends", "targetReference": {"reference": "Composition/a"}},
    ]

    answer = push(bundle(one, other))

    assert answer.status_code == 200, answer.content
    ids = {row.source_key: row.id for row in ClinicalEntry.objects.all()}
    assert references_of("a") == [f"Composition/{ids['b']}", f"Composition/{ids['a']}"]
    assert references_of("b") == [f"Composition/{ids['a']}"]


def references_of(source_key):
    resource_id = ClinicalEntry.objects.get(source_key=source_key).id
    text = ResourceVersion.objects.get(resource_id=resource_id).source
    return re.findall(r'"reference":"([^"]*)"', text)


@pytest.mark.parametrize(
    ("reference", "whole"),
    [
        ("{ours}/_history/1", True),
        ("http://testserver/fhir/R4/{ours}/_history/1", True),
        ("Patient/pat-00012345/_history/7", False),
    ],
)
def test_a_version_is_kept_where_it_is_ours(reference, whole, push):
    push(visit())
    ours = f"Patient/{PatientRegistration.objects.get().id}"

    answer = push(condition(subject={"reference": reference.format(ours=ours)}))

    assert answer.status_code == 200, answer.content
    assert references_of("later") == [f"{ours}/_history/1" if whole else ours]
    stored = ClinicalEntry.objects.get(source_key="later")
    assert stored.registration_id == PatientRegistration.objects.get().id


@pytest.mark.parametrize("version", ["2", "0", "x"])
def test_a_version_that_never_was_is_nothing(version, push):
    push(visit())
    ours = f"Patient/{PatientRegistration.objects.get().id}"

    answer = push(condition(subject={"reference": f"{ours}/_history/{version}"}))

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "reference-resolves"


def test_addresses_of_the_source_lead_into_the_message(push):
    who = entry(patient()) | {"fullUrl": "https://his.example/fhir/Patient/pat-00012345"}
    new = entry({"resourceType": "Device"}) | {"fullUrl": "https://his.example/fhir/Device/d"}
    new["resource"]["status"] = "active"
    later = entry({
        "resourceType": "Observation", "id": "b", "status": "final", "code": {"text": "x"},
        "subject": {"reference": who["fullUrl"] + "/_history/3"}, "device": {"reference": "Device/d"},
    })  # fmt: skip

    answer = push(bundle(who, new, later))

    assert answer.status_code == 200, answer.content
    device = ClinicalEntry.objects.get(resource_type="Device")
    assert sorted(references_of("b")) == [
        f"Device/{device.id}", f"Patient/{PatientRegistration.objects.get().id}",
    ]  # fmt: skip


def of_two_servers(*addresses):
    """A message of two hospital systems that both have a patient 1; a result of each `Patient/1`."""
    whose = [entry(patient(local) | {"id": "1"}, url="Patient") for local in ("A1", "B1")]
    whose[0]["fullUrl"] = "http://a.example/fhir/Patient/1"
    whose[1]["fullUrl"] = "http://b.example/fhir/Patient/1"
    results = [
        entry({
            "resourceType": "Observation", "id": f"of-{number}", "status": "final",
            "code": {"text": "x"}, "subject": {"reference": "Patient/1"},
        }) | {"fullUrl": address}
        for number, address in enumerate(addresses)
    ]  # fmt: skip
    return bundle(*whose, *results)


def test_a_relative_reference_belongs_to_the_server_of_its_own_entry(push):
    answer = push(of_two_servers(
        "http://a.example/fhir/Observation/of-0", "http://b.example/fhir/Observation/of-1"
    ))  # fmt: skip

    assert answer.status_code == 200, answer.content
    found = ClinicalEntry.objects.order_by("source_key")
    assert [one.registration.local_id for one in found] == ["A1", "B1"]


@pytest.mark.parametrize(
    "address",
    ["urn:uuid:0c1f0e3a-3d5d-4f6b-9d2e-1f8f3f1c2a10", "http://c.example/fhir/Observation/of-0"],
)
def test_a_relative_reference_of_no_such_server_means_neither_of_two(address, push):
    answer = push(of_two_servers(address))

    assert answer.status_code == 422, answer.content
    (issue,) = answer.json()["issue"]
    assert issue["details"]["coding"][0]["code"] == "reference-unique"
    assert issue["expression"] == ["Bundle.entry[2].resource.subject"]
    assert not PatientRegistration.objects.exists()


@pytest.mark.parametrize("address", ["urn:uuid:0c1f0e3a-3d5d-4f6b-9d2e-1f8f3f1c2a10", "Binary/b"])
def test_an_attachment_leads_to_the_binary_of_its_message(address, push):
    letter = entry(
        {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "eA=="}
    )
    letter["fullUrl"] = "urn:uuid:0c1f0e3a-3d5d-4f6b-9d2e-1f8f3f1c2a10"
    elsewhere = "https://his.example/letters/7"
    note = entry({
        "resourceType": "DocumentReference", "id": "note", "status": "current",
        "content": [{"attachment": {"url": address}}, {"attachment": {"url": elsewhere}}],
    })  # fmt: skip

    answer = push(bundle(note, letter))

    assert answer.status_code == 200, answer.content
    binary = ClinicalEntry.objects.get(resource_type="Binary")
    kept = json.loads(ResourceVersion.objects.get(resource_type="DocumentReference").source)
    assert [one["attachment"]["url"] for one in kept["content"]] == [
        f"Binary/{binary.id}",
        elsewhere,
    ]


def test_contained_resources_may_refer_to_each_other_and_to_their_container(push):
    answer = push(condition(
        contained=[
            {"resourceType": "Practitioner", "id": "doctor"},
            {"resourceType": "PractitionerRole", "id": "role",
             "practitioner": {"reference": "#doctor"}},
            {"resourceType": "Provenance", "id": "p", "target": [{"reference": "#"}],
             "recorded": "2026-01-01T08:00:00+08:00", "agent": [{"who": {"display": "李明"}}]},
        ],
        recorder={"reference": "#role"},
    ))  # fmt: skip

    assert answer.status_code == 200, answer.content
    assert references_of("later") == ["#doctor", "#", "#role"]


def test_a_contained_resource_refers_to_nothing(push, stored):
    answer = push(condition(
        contained=[{"resourceType": "PractitionerRole", "id": "role",
                    "practitioner": {"reference": "#nobody"}}],
        recorder={"reference": "#role"},
    ))  # fmt: skip

    issue = answer.json()["issue"][0]
    assert issue["expression"] == ["Bundle.entry[0].resource.contained[0].practitioner"]
    assert stored()["ClinicalEntry"] == 0


def test_a_reference_by_identifier_alone_stays_as_it_is(push):
    named = {"identifier": {"system": "urn:staff", "value": "7"}, "type": "Practitioner"}

    answer = push(condition(recorder=named))

    assert answer.status_code == 200, answer.content
    assert json.loads(ResourceVersion.objects.get().source)["recorder"] == named


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
