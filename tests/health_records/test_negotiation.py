"""The answer is as the client wants it: its format, how much of it, packed, and only if it is news."""

import gzip

import pytest

from health_records.models import ClinicalEntry
from tests.factories.fhir import as_bytes, bundle, entry, patient, visit

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")
DOCTOR = {"resourceType": "Practitioner", "id": "dr-1", "name": [{"text": "李明"}]}


@pytest.mark.parametrize(
    ("accept", "query", "status", "type_"),
    [
        (None, "", 200, "application/fhir+json"),
        ("*/*", "", 200, "application/fhir+json"),
        ("application/json", "", 200, "application/json"),
        ("text/html, application/fhir+json;q=0.5", "", 200, "application/fhir+json"),
        ("application/fhir+json; fhirVersion=4.0", "", 200, "application/fhir+json"),
        ("application/fhir+xml", "", 406, "application/fhir+json"),
        ("application/fhir+json;q=0", "", 406, "application/fhir+json"),
        ("application/json;q=x", "", 406, "application/fhir+json"),
        ("application/fhir+xml", "?_format=json", 200, "application/fhir+json"),
        (None, "?_format=application/fhir+json", 200, "application/fhir+json"),
        (None, "?_format=application/json", 200, "application/json"),
        (None, "?_format=xml", 406, "application/fhir+json"),
    ],
)
def test_formats(accept, query, status, type_, client):
    headers = {"Accept": accept} if accept else {}

    answer = client.get(f"/fhir/R4/metadata{query}", headers=headers)

    assert (answer.status_code, answer["Content-Type"]) == (status, f"{type_}; charset=utf-8")
    if status == 406:
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "format"
        assert answer.json()["issue"][0]["code"] == "not-supported"


@CITY
def test_a_format_we_have_not_is_refused_before_anything_is_stored(push, stored):
    answer = push(patient(), path="/fhir/R4/Patient?_format=xml")

    assert answer.status_code == 406
    assert set(stored().values()) == {0}


def test_large_answers_are_packed_for_those_who_unpack(client):
    plain = client.get("/fhir/R4/metadata")
    packed = client.get("/fhir/R4/metadata", headers={"Accept-Encoding": "br, gzip"})
    refused = client.get("/fhir/R4/metadata", headers={"Accept-Encoding": "gzip;q=0"})

    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content == refused.content
    assert int(packed["Content-Length"]) == len(packed.content) < len(plain.content) / 4
    assert not plain.has_header("Content-Encoding")
    assert set(plain["Vary"].split(", ")) >= {"Accept", "Accept-Encoding"}


def test_small_answers_are_not(client):
    answer = client.get("/fhir/R4/Patient/1", headers={"Accept-Encoding": "gzip"})

    assert answer.status_code == 401
    assert not answer.has_header("Content-Encoding")


@CITY
def test_a_read_is_answered_once_per_version(push, system):
    created = push(DOCTOR, path="/fhir/R4/Practitioner")
    address = f"/fhir/R4/Practitioner/{created.json()['id']}"
    read = system.get(address)

    def again(**headers):
        return system.get(address, headers=headers)

    same = again(**{"If-None-Match": read["ETag"]})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", 'W/"1"')
    assert again(**{"If-None-Match": '"0", W/"1"'}).status_code == 304
    assert again(**{"If-None-Match": "*"}).status_code == 304
    assert again(**{"If-None-Match": "1"}).status_code == 304  # as fhirpy sends it
    assert again(**{"If-None-Match": 'W/"2"'}).status_code == 200
    assert again(**{"If-Modified-Since": read["Last-Modified"]}).status_code == 304
    assert again(**{"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}).status_code == 200
    both = {"If-None-Match": 'W/"2"', "If-Modified-Since": read["Last-Modified"]}
    assert again(**both).status_code == 200


@CITY
def test_the_head_alone(push, system):
    created = push(DOCTOR, path="/fhir/R4/Practitioner")
    address = f"/fhir/R4/Practitioner/{created.json()['id']}"

    head, whole = system.head(address), system.get(address)

    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(whole.content))
    assert head["ETag"] == whole["ETag"]


@CITY
@pytest.mark.parametrize(
    ("prefer", "kind"),
    [
        ("return=minimal", None),
        ("return=representation", "Practitioner"),
        ("handling=strict; return=OperationOutcome", "OperationOutcome"),
        ("return=nonsense", "Practitioner"),
    ],
)
def test_what_a_create_gives_back(prefer, kind, push):
    answer = push(DOCTOR, path="/fhir/R4/Practitioner", Prefer=prefer)

    assert (answer.status_code, answer["ETag"]) == (201, 'W/"1"')
    assert answer["Location"].endswith("/_history/1")
    assert (answer.json()["resourceType"] if answer.content else None) == kind


@CITY
def test_a_transaction_gives_back_what_it_stored(push, system):
    message = visit()
    message["entry"][0]["request"]["ifNoneExist"] = "identifier=urn:test:mrn|00012345"
    push(bundle(message["entry"][0]))
    message["entry"].append({"request": {"method": "DELETE", "url": "Device/none"}})

    told = push(message, Prefer="return=representation").json()["entry"]
    plain = push(message).json()["entry"]

    assert [one.get("resource", {}).get("resourceType") for one in told] == [
        "Patient", "Encounter", "Condition", "Observation", "DocumentReference", None,
    ]  # fmt: skip
    for one in told[1:5]:
        type_, id_ = one["response"]["location"].split("/")[:2]
        assert one["resource"] == system.get(f"/fhir/R4/{type_}/{id_}").json()
    assert [one.keys() for one in plain] == [{"response"}] * 6
    assert [one["response"] for one in plain] == [one["response"] for one in told]


@CITY
def test_a_transaction_says_how_it_went(push):
    push(visit())
    told = push(
        bundle(
            entry(DOCTOR),
            {"request": {"method": "DELETE", "url": "Observation/obs-V1"}},
            {"request": {"method": "DELETE", "url": "Device/none"}},
        ),
        Prefer="return=OperationOutcome", **{"Accept-Language": "en"},
    ).json()["entry"]  # fmt: skip

    texts = [one["response"]["outcome"]["issue"][0]["details"]["text"] for one in told]
    assert texts == [
        "Taken in", "Marked as entered in error; its versions are kept",
        "There is nothing to delete",
    ]  # fmt: skip


@CITY
def test_a_refusal_is_told_whatever_is_preferred(push):
    answer = push(
        {"resourceType": "Practitioner", "id": "a b"}, path="/fhir/R4/Practitioner",
        Prefer="return=minimal",
    )  # fmt: skip

    assert answer.status_code == 422
    assert answer.json()["resourceType"] == "OperationOutcome"


@CITY
def test_a_bundle_of_other_kinds_is_kept_whole(push, system):
    searchset = bundle(entry(patient("7")), type_="searchset")
    del searchset["entry"][0]["request"]
    searchset["entry"].append({"resource": {
        "resourceType": "Condition", "subject": {"reference": "Patient/not-here"}}})  # fmt: skip

    created = push(searchset, path="/fhir/R4/Bundle")

    assert created.status_code == 201, created.content
    back = system.get(f"/fhir/R4/Bundle/{created.json()['id']}").json()
    assert back["entry"] == searchset["entry"]
    assert "13812345678" not in str(ClinicalEntry.objects.get().identifiers)
    assert as_bytes(back["type"]) == b'"searchset"'
