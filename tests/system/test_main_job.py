"""The main job: two hospitals push at their cities, one timeline comes out at the hub."""

import orjson
import pytest

from benchmarks.throwaway_province import HUB
from config.cli.hospital_client import client_of
from tests.system.people import enrol, hospital_of, new_residents, person_of, sign_in, visit

FIRST, SECOND = "620100", "620800"


@pytest.mark.covers("S002-28", "S002-59")
def test_visits_in_two_cities_become_one_timeline(province):
    resident = sign_in(province, "resident")
    me = resident.json("/api/v1/me/person")["id"]

    items = []
    path: str | None = f"/api/v1/persons/{me}/timeline?limit=7"
    while path:
        page = resident.json(path)
        items += page["items"]
        following = page["next"]
        path = f"/api/v1/persons/{me}/timeline?limit=7&cursor={following}" if following else None

    assert {item["node"] for item in items} == {FIRST, SECOND}
    assert len({item["organisation"] for item in items}) == 2
    assert len({item["id"] for item in items}) == len(items)
    assert [item["at"] for item in items] == sorted((i["at"] for i in items), reverse=True)


@pytest.mark.covers("S002-23", "S002-33")
def test_one_human_being_in_two_cities_is_one_person(province):
    [resident], seed = new_residents(SECOND)
    there = enrol(province, resident, SECOND, seed)
    here = enrol(province, resident, FIRST, seed)

    assert person_of(province, here) == person_of(province, there)
    assert person_of(province, here, FIRST) == person_of(province, there, SECOND)


def test_a_document_comes_from_its_city_and_the_access_is_seen(province):
    resident = sign_in(province, "resident")
    me = resident.json("/api/v1/me/person")["id"]
    documents = resident.json(f"/api/v1/persons/{me}/timeline?kind=DocumentReference")["items"]

    answer = resident.get(f"/api/v1/documents/{documents[0]['id']}/content")

    assert answer.status == 200
    assert "患者编号" in answer.data.decode()
    log = resident.json(f"/api/v1/persons/{me}/access-log")["items"]
    assert log[0]["action"] == "查看访问记录"
    assert "查看文档内容" in [entry["action"] for entry in log[:3]]


def test_what_went_in_comes_out_at_the_city_and_at_the_hub(province):
    [resident], seed = new_residents(FIRST)
    answer = visit(province, resident, FIRST, seed)
    client = client_of(province.home, hospital_of(province, FIRST).code)

    for entry in answer["entry"]:
        kind, identity, _, version = entry["response"]["location"].split("/")
        read = client.get(f"/fhir/R4/{kind}/{identity}")
        assert read.status == 200
        assert read.body["resourceType"] == kind
        assert read.body["meta"]["versionId"] == version
    patient = next(e for e in answer["entry"] if "Patient/" in e["response"]["location"])
    identity = patient["response"]["location"].split("/")[1]
    body = client.get(f"/fhir/R4/Patient/{identity}").body
    assert resident.identity_number in [one["value"] for one in body["identifier"]]


def test_a_stranger_s_record_is_invisible_and_the_attempt_is_known(province):
    [stranger], seed = new_residents(SECOND)
    person = person_of(province, enrol(province, stranger, SECOND, seed))
    resident = sign_in(province, "resident")

    refused = resident.get(f"/api/v1/persons/{person}/timeline")

    assert refused.status == 404
    assert orjson.loads(refused.data)["type"] == "urn:problem:not-found"
    rows = province.rows(
        HUB,
        "SELECT action, outcome FROM audit_auditrow WHERE person_id = %s ORDER BY id DESC LIMIT 1",
        person,
    )
    assert rows == [("timeline.read", "refused")]
