"""The main job: two hospitals push at their cities, one timeline comes out at the hub."""

import base64

import orjson
import pytest

from benchmarks.throwaway_province import HUB, until
from config.cli.hospital_client import client_of
from config.model_province.sources import SAMPLES
from tests.system.people import (
    account_of,
    enrol,
    hospital_of,
    new_residents,
    person_of,
    pushed,
    sign_in,
    visit_bundle,
)

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


@pytest.mark.covers("S000-55", "S001-17", "S002-13", "S002-75", "S002-78", "S004-05", "S004-46")
def test_a_resident_opens_the_own_reports_and_their_results(province):
    resident = sign_in(province, "resident")
    me = resident.json("/api/v1/me/person")["id"]

    reports = resident.json(f"/api/v1/persons/{me}/timeline?kind=DiagnosticReport")["items"]
    opened = [resident.json(f"/fhir/R4/DiagnosticReport/{one['id']}") for one in reports]
    laboratory = next(one for one in opened if "result" in one)
    results = [resident.json(f"/fhir/R4/{one['reference']}") for one in laboratory["result"]]

    assert [one["id"] for one in opened] == [one["id"] for one in reports]
    assert results
    for one in results:
        assert one["valueQuantity"]["unit"]
        assert one["referenceRange"]
    told = resident.json(f"/api/v1/persons/{me}/timeline?kind=Observation&limit=200")["items"]
    values = {one["id"]: one["value"] for one in told}
    assert all(values[one["id"]] for one in results)


@pytest.mark.covers("S004-07")
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
    hospital = hospital_of(province, FIRST)
    resident, bundle = visit_with_document(hospital)
    client = client_of(province.home, hospital.code)
    places = [e["response"]["location"].split("/") for e in pushed(client, bundle)["entry"]]
    named = {
        entry["fullUrl"]: f"{kind}/{identity}"
        for entry, (kind, identity, *_) in zip(bundle["entry"], places, strict=True)
    }
    person_of(province, places[0][1])
    at_hub = account_of(province, resident)

    documents = []
    for entry, (kind, identity, _, version) in zip(bundle["entry"], places, strict=True):
        path = f"/fhir/R4/{kind}/{identity}"
        in_city = client.get(path)
        assert in_city.status == 200
        expected = referring(entry["resource"], named) | {"id": identity}
        server_owned = {"versionId": version, "lastUpdated": in_city.body["meta"]["lastUpdated"]}
        expected["meta"] = expected.get("meta", {}) | server_owned
        assert in_city.body == expected

        here = until(lambda path=path: found(at_hub, path))
        if kind == "DocumentReference":
            documents += [one["attachment"] for one in here["content"]]
            leave_content_at_home(expected, at_hub.url)
        assert here == expected

    assert [at_hub.get(one["url"].removeprefix(at_hub.url)).data for one in documents] == [
        base64.b64decode(one["attachment"]["data"])
        for entry in bundle["entry"]
        for one in entry["resource"].get("content", ())
    ]
    assert documents


def test_the_hub_is_told_how_every_hospitals_feed_does(province):
    """Counted in the cities within a minute, added up at the hub; the same as the cities tell at once."""
    feeds = {}
    for city in (FIRST, SECOND):
        code = hospital_of(province, city).code
        path = f"/api/v1/organisations/{code}/intake"
        feeds[code] = client_of(province.home, code).get(path).body["total"]
    analyst = sign_in(province, "analyst")

    def told():
        listed = {one["hospital"]: one for one in analyst.json("/api/v1/intake")["items"]}
        return {code: listed[code]["accepted"] for code in feeds} == {
            code: numbers["accepted"] for code, numbers in feeds.items()
        } and listed

    listed = until(told, 100, pause=1)

    assert all(numbers["accepted"] > 0 for numbers in feeds.values())
    for code, numbers in feeds.items():
        assert listed[code]["city"] in {FIRST, SECOND}
        for name in ("resources_stored", "by_rule", "patients", "identified", "completeness"):
            assert listed[code][name] == numbers[name]


def test_every_sample_reads_back_as_it_was_sent(province):
    hospital = hospital_of(province, FIRST).code
    words = ("--hospital", hospital, "--check", "--json")
    folders = [str(SAMPLES / "fhir/gansu" / hospital), str(SAMPLES / "fhir/synthea")]

    *files, totals = map(
        orjson.loads, province.jianqiao("push", *folders, *words).stdout.splitlines()
    )

    counts = {name: totals[name] for name in ("resources", "stored", "checked", "different")}
    assert counts == {"resources": 1004, "stored": 1004, "checked": 1004, "different": 0}
    assert [line for line in files if line["differences"]] == []


def test_what_was_tampered_with_is_found(province, tmp_path):
    hospital = hospital_of(province, FIRST)
    [resident], seed = new_residents(FIRST)
    bundle = visit_bundle(hospital, resident, seed)
    (tmp_path / "visit.json").write_bytes(orjson.dumps(bundle))
    words = ("push", str(tmp_path), "--hospital", hospital.code, "--check", "--json")
    place, encounter = next(
        (place, entry["resource"])
        for place, entry in enumerate(bundle["entry"])
        if entry["resource"]["resourceType"] == "Encounter"
    )

    before = orjson.loads(province.jianqiao(*words).stdout.splitlines()[-1])
    changed = province.rows(
        FIRST,
        "UPDATE health_records_resourceversion AS version"
        """ SET source = replace(version.source, '"status":"finished"', '"status":"planned"')"""
        " FROM health_records_encounter AS encounter WHERE encounter.id = version.resource_id"
        " AND encounter.source_key = %s RETURNING version.resource_id",
        encounter["id"],
        login="superuser",
    )
    after = province.jianqiao(*words, check=False)

    [line, totals] = map(orjson.loads, after.stdout.splitlines())
    assert len(changed) == 1
    assert (before["checked"], before["different"]) == (len(bundle["entry"]), 0)
    assert (after.returncode, totals["checked"], totals["different"]) == (1, before["checked"], 1)
    path = f"Bundle.entry[{place}].resource.status"
    assert line["differences"] == [{"path": path, "sent": "aaaaaaaa", "came_back": "aaaaaaa"}]


def visit_with_document(hospital):
    """Somebody new, and a visit's bundle that holds a document too."""
    residents, seed = new_residents(hospital.node, 40)
    for resident in residents:
        bundle = visit_bundle(hospital, resident, seed)
        if bundle["entry"][-1]["resource"]["resourceType"] == "DocumentReference":
            return resident, bundle
    raise AssertionError("no visit of forty has a document")


def referring(sent, named):
    """The resource with references as the platform makes them: to the resource, not to the entry."""
    if isinstance(sent, list):
        return [referring(one, named) for one in sent]
    if not isinstance(sent, dict):
        return sent
    return {
        key: named[value] if key == "reference" else referring(value, named)
        for key, value in sent.items()
    }


def leave_content_at_home(document, url):
    """What the hub says of attachments: where to get them."""
    for part, one in enumerate(document["content"]):
        del one["attachment"]["data"]
        place = f"/api/v1/documents/{document['id']}/content?part={part}&type=DocumentReference"
        one["attachment"]["url"] = url + place


def found(reader, path):
    """What a reader gets of a resource, None before it has come."""
    answer = reader.get(path)
    return orjson.loads(answer.data) if answer.status == 200 else None


@pytest.mark.covers("S001-35")
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
