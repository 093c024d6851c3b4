"""Create, update and delete by a condition; and only while the version is the one that was read."""

import pytest

from health_records.models import Message, SourceParty
from registry.patients.models import PatientRegistration
from tests.factories.fhir import NUMBER, as_bytes, bundle, entry, patient
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

JSON = "application/fhir+json"


def doctor(id_=None, name="李明", number="7"):
    made = {
        "resourceType": "Practitioner", "name": [{"text": name}],
        "identifier": [{"system": "urn:staff", "value": number}],
    }  # fmt: skip
    return made | ({"id": id_} if id_ else {})


def put(client, address, resource, **headers):
    return client.put(f"/fhir/R4/{address}", as_bytes(resource), content_type=JSON, headers=headers)


def rule_of(answer):
    issue = answer.json()["issue"][0]
    return issue["details"]["coding"][0]["code"], issue.get("expression", [""])[0]


@pytest.mark.parametrize(
    "condition", ["identifier=urn:staff|7", "identifier=urn%3Astaff%7C7", "?_id=dr-1",
                  "identifier=urn:other|9,urn:staff|7&_id=dr-1"],
)  # fmt: skip
def test_create_unless_it_is_there(condition, push):
    first = push(doctor("dr-1"), path="/fhir/R4/Practitioner")

    again = push(
        doctor("dr-2", name="李铭"), path="/fhir/R4/Practitioner", **{"If-None-Exist": condition}
    )

    assert (again.status_code, again.json()) == (200, first.json())
    assert again["ETag"] == 'W/"1"'
    assert SourceParty.objects.count() == 1


def test_the_same_bytes_with_a_condition_are_another_message(push):
    first = push(doctor("dr-1"), path="/fhir/R4/Practitioner")

    again = push(
        doctor("dr-1"), path="/fhir/R4/Practitioner", **{"If-None-Exist": "identifier=urn:staff|7"}
    )

    assert (first.status_code, again.status_code) == (201, 200)
    assert Message.objects.count() == 2


def test_every_part_of_a_condition_must_hold(push):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")

    other = push(
        doctor("dr-2"), path="/fhir/R4/Practitioner",
        **{"If-None-Exist": "identifier=urn:staff|7&_id=dr-3"},
    )  # fmt: skip

    assert other.status_code == 201


def test_update_of_what_a_condition_finds(push, system):
    created = push(doctor(), path="/fhir/R4/Practitioner").json()

    answer = put(system, "Practitioner?identifier=urn:staff|7&_format=json", doctor(name="李铭"))

    assert (answer.status_code, answer["ETag"]) == (200, 'W/"2"')
    assert answer.json()["id"] == created["id"]
    assert SourceParty.objects.get().name == "李铭"


def test_update_of_what_is_not_there_creates(system):
    answer = put(system, "Practitioner?identifier=urn:staff|7", doctor("dr-1"))

    assert (answer.status_code, answer["ETag"]) == (201, 'W/"1"')
    assert SourceParty.objects.get().source_key == "dr-1"


def test_update_of_many_is_refused(push, system, stored):
    for id_ in ("dr-1", "dr-2"):
        push(doctor(id_), path="/fhir/R4/Practitioner")
    before = stored()

    answer = put(system, "Practitioner?identifier=urn:staff|7", doctor(name="李铭"))

    assert (answer.status_code, rule_of(answer)) == (412, ("condition-many", "http.url"))
    assert stored() == before


def test_a_condition_and_an_id_that_disagree(push, system, stored):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")
    before = stored()

    answer = put(system, "Practitioner?identifier=urn:staff|7", doctor("dr-2"))

    assert (answer.status_code, rule_of(answer)[0]) == (422, "condition-differs")
    assert stored() == before


def test_a_patient_is_updated_by_the_citizen_number(push, system):
    push(patient(), path="/fhir/R4/Patient")
    address = f"Patient?identifier=urn:oid:2.16.156.10011.1.3|{NUMBER}"

    answer = put(system, address, patient(name="张珊"))
    other = put(system, address, patient("00099999"))

    assert answer.status_code == 200
    assert PatientRegistration.objects.get().name == "张珊"
    assert (other.status_code, rule_of(other)[0]) == (422, "condition-differs")


def test_conditional_update_in_a_transaction(push):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")
    update = entry(doctor(name="李铭"), method="PUT", url="Practitioner?identifier=urn:staff|7")
    role = entry({
        "resourceType": "PractitionerRole", "id": "r",
        "practitioner": {"reference": update["fullUrl"]},
    })  # fmt: skip

    told = push(bundle(update, role)).json()["entry"]

    known = SourceParty.objects.get(source_key="dr-1")
    assert told[0]["response"]["location"] == f"Practitioner/{known.id}/_history/2"
    assert SourceParty.objects.get(source_key="r").version == 1


def test_another_hospitals_resources_meet_no_condition(push):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")
    other = as_hospital(OrganisationFactory())

    answer = put(other, "Practitioner?identifier=urn:staff|7", doctor("dr-1"))

    assert answer.status_code == 201
    assert SourceParty.objects.count() == 2


@pytest.mark.parametrize(
    "query",
    ["name=x", "identifier=7", "identifier=a|", "_id=", "identifier:of-type=a|b", "_format=json"],
)
def test_conditions_we_do_not_know(query, system, stored):
    answer = put(system, f"Practitioner?{query}", doctor())

    rule = "request-url" if query == "_format=json" else "condition"
    assert (answer.status_code, rule_of(answer)[0]) == (422, rule)
    assert stored()["SourceParty"] == 0


def test_only_the_version_that_was_read_is_changed(push, system):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")

    first = put(system, "Practitioner/dr-1", doctor("dr-1", name="甲"), **{"If-Match": 'W/"1"'})
    late = put(system, "Practitioner/dr-1", doctor("dr-1", name="乙"), **{"If-Match": 'W/"1"'})

    assert first.status_code == 200
    assert (late.status_code, rule_of(late)) == (412, ("if-match", "http.ifMatch"))
    assert "当前版本为 2" in late.json()["issue"][0]["details"]["text"]
    assert SourceParty.objects.get().name == "甲"


def test_what_is_not_there_has_no_version(system, stored):
    answer = put(system, "Practitioner/dr-1", doctor("dr-1"), **{"If-Match": 'W/"1"'})

    assert (answer.status_code, rule_of(answer)[0]) == (412, "if-match")
    assert stored()["SourceParty"] == 0


def test_if_match_of_a_delete_and_in_a_bundle(push, system):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")

    stale = system.delete("/fhir/R4/Practitioner/dr-1", headers={"If-Match": 'W/"2"'})
    refused = push(bundle(entry(
        doctor("dr-1", name="甲"), method="PUT", url="Practitioner/dr-1", ifMatch='W/"9"'
    )))  # fmt: skip
    fresh = system.delete("/fhir/R4/Practitioner/dr-1", headers={"If-Match": 'W/"1"'})

    assert [stale.status_code, refused.status_code, fresh.status_code] == [412, 412, 204]
    assert rule_of(refused) == ("if-match", "Bundle.entry[0].request.ifMatch")


def test_an_update_repeated_under_its_message_id_gets_the_first_answer(push, system):
    push(doctor("dr-1"), path="/fhir/R4/Practitioner")
    headers = {"If-Match": 'W/"1"', "X-Message-Id": "m-1"}

    first = put(system, "Practitioner/dr-1", doctor("dr-1", name="甲"), **headers)
    again = put(system, "Practitioner/dr-1", doctor("dr-1", name="甲"), **headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert Message.objects.count() == 2
