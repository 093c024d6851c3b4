"""One resource by itself: create, update, and what the node says it can do."""

import pytest

from health_records.models import SourceParty
from tests.factories.fhir import patient, visit
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")
DOCTOR = {"resourceType": "Practitioner", "id": "dr-1", "name": [{"family": "李", "given": ["明"]}]}


@CITY
def test_create_answers_with_the_resource(push):
    answer = push(patient(), path="/fhir/R4/Patient")

    body = answer.json()
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"http://testserver/fhir/R4/Patient/{body['id']}/_history/1"
    assert body["telecom"] == patient()["telecom"]


@CITY
def test_the_same_create_again_makes_nothing(push, stored):
    first, before = push(DOCTOR, path="/fhir/R4/Practitioner").json(), stored()

    assert push(DOCTOR, path="/fhir/R4/Practitioner").json() == first
    assert stored() == before


@CITY
def test_update_by_the_sources_id_and_by_ours(system):
    def put(id_, name):
        body = {**DOCTOR, "name": [{"text": name}], "id": id_}
        return system.put(f"/fhir/R4/Practitioner/{id_}", body, content_type="application/json")

    created = put("dr-1", "李明")
    second = put("dr-1", "李铭")
    third = put(created.json()["id"], "李鸣")
    back = put("dr-1", "李明")

    assert [one.status_code for one in (created, second, third, back)] == [201, 200, 200, 200]
    assert [one["ETag"] for one in (created, second, third, back)] == [
        'W/"1"',
        'W/"2"',
        'W/"3"',
        'W/"4"',
    ]
    assert SourceParty.objects.get().name == "李明"


@CITY
@pytest.mark.parametrize("name", ["dr-1", "0c1f0e3a-3d5d-4f6b-9d2e-1f8f3f1c2a10"])
def test_what_a_hospital_put_under_its_own_id_is_read_by_it(name, system):
    address = f"/fhir/R4/Practitioner/{name}"
    made = system.put(address, {**DOCTOR, "id": name}, content_type="application/json").json()

    assert system.get(address).json() == made
    assert system.get(f"{address}/_history").json()["entry"][0]["resource"] == made
    assert system.get(f"{address}/_history/1").json() == made
    assert as_hospital(OrganisationFactory()).get(address).status_code == 404
    assert system.get("/fhir/R4/Practitioner/dr-2").status_code == 404
    assert system.get(f"/fhir/R4/Organization/{name}").status_code == 404


@CITY
def test_a_type_that_is_none(system):
    posted = system.post("/fhir/R4/Krankheit", {}, content_type="application/json")
    answers = [posted, *map(system.get, ("/fhir/R4/Krankheit", "/fhir/R4/Krankheit/1"))]

    for answer in answers:
        assert answer.status_code == 404
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "type-unknown"


@CITY
@pytest.mark.parametrize("id_", [None, "dr-2", "dr 1", 1])
def test_an_update_has_the_id_of_its_address(id_, system, stored):
    body = {name: value for name, value in (DOCTOR | {"id": id_}).items() if value is not None}

    answer = system.put("/fhir/R4/Practitioner/dr-1", body, content_type="application/json")

    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert issue["details"]["coding"][0]["code"] == "put-id"
    assert issue["expression"] == ["Practitioner.id"]
    assert "“dr-1”" in issue["details"]["text"]
    assert set(stored().values()) == {0}


@CITY
def test_a_wrong_path_is_told_without_a_bundle(push):
    answer = push(DOCTOR, path="/fhir/R4/Patient")

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "request-url"


@CITY
def test_the_capability_statement_names_what_there_is(client):
    told = client.get("/fhir/R4/metadata").json()

    rest = told["rest"][0]
    assert told["fhirVersion"] == "4.0.1"
    assert len(rest["resource"]) == 145
    assert [one["code"] for one in rest["interaction"]] == ["transaction", "batch"]
    account = rest["resource"][0]
    codes = [one["code"] for one in account["interaction"]]
    assert codes == [
        "read", "vread", "history-instance", "history-type", "search-type", "create", "update", "delete"
    ]  # fmt: skip
    types = {one["type"]: one for one in rest["resource"]}
    assert [one["name"] for one in types["Observation"]["searchParam"]] == [
        "_id", "_lastUpdated", "identifier", "patient", "subject", "encounter", "code", "date",
        "category", "status",
    ]  # fmt: skip
    assert "MedicationRequest:requester" in types["MedicationRequest"]["searchInclude"]
    assert [one["name"] for one in types["Patient"]["operation"]] == ["everything"]
    assert (account["conditionalUpdate"], account["conditionalDelete"]) == (True, "single")


@pytest.mark.node("hub")
def test_the_hub_only_reads(client):
    rest = client.get("/fhir/R4/metadata").json()["rest"][0]

    assert rest["interaction"] == [
        {"code": code, "documentation": "Bundle entries are GET and HEAD."}
        for code in ("transaction", "batch")
    ]
    codes = [one["code"] for one in rest["resource"][0]["interaction"]]
    assert codes == ["read", "vread", "history-instance", "history-type", "search-type"]
    assert "conditionalCreate" not in rest["resource"][0]


@pytest.mark.node("hub")
@pytest.mark.parametrize("path", ["", "/Patient"])
def test_the_hub_sends_a_push_to_its_city(path, push, stored):
    answer = push(visit(), path=f"/fhir/R4{path}")

    assert answer.status_code == 421
    told = answer.json()["issue"][0]["details"]
    assert told["coding"][0]["code"] == "wrong-city"
    assert "620100" in told["text"]
    assert set(stored().values()) == {0}
