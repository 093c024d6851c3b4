"""What no honest system sends, wherever it can be put: a precise refusal, nothing stored."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from registry.accounts.models import AccessToken
from registry.accounts.services import issue_token
from tests.factories.fhir import as_bytes, bundle, entry, visit
from tests.factories.registry import HospitalClientFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

JSON = "application/fhir+json"
BIG = 2**63
DOCTOR = {"resourceType": "Practitioner", "id": "dr"}


def rule_of(answer):
    told = answer.json()
    assert told["resourceType"] == "OperationOutcome", told
    issue = told["issue"][0]
    return issue["details"]["coding"][0]["code"] if "coding" in issue["details"] else issue["code"]


@pytest.fixture
def nothing_happens(stored):
    """At the end of the test everything is as it was."""
    before = stored()
    yield
    assert stored() == before


@pytest.mark.parametrize("where", ["", "/Practitioner"])
@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"\xff\xfe{}", "json"),
        (b"<Bundle/>", "json"),
        (b"", "json"),
        (b"null", "object"),
        (b'{"resourceType":"Practitioner","name":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json-depth"),
        (b'{"resourceType":"Practitioner","x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "json-depth"),
        (b'{"resourceType":"Practitioner","id":"\\u0000"}', "json-character"),
        (b'{"resourceType":"Practitioner","id":"a","id":"b"}', "json-duplicate-key"),
    ],
    ids=["utf-16", "xml", "empty", "null", "deep list", "deep object", "nul", "twice"],
)  # fmt: skip
def test_bytes_that_are_no_resource(where, raw, rule, push, nothing_happens):
    answer = push(raw, path=f"/fhir/R4{where}")

    assert answer.status_code in {400, 422}
    assert rule_of(answer) == rule


@pytest.mark.parametrize("half", ["\\ud800", "\\udc00", "x\\ud83d"])
def test_half_a_character(half, push, nothing_happens):
    raw = as_bytes({**DOCTOR, "name": [{"text": "HALF"}]}).replace(b"HALF", half.encode())

    answer = push(raw, path="/fhir/R4/Practitioner")

    assert (answer.status_code, rule_of(answer)) == (400, "json-character")


@pytest.mark.parametrize("where", ["", "/Patient", "/Practitioner/dr"])
def test_a_body_beyond_the_limit(where, system, monkeypatch, nothing_happens):
    monkeypatch.setattr(settings, "MAX_BODY_BYTES", 1024)
    monkeypatch.setattr(settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", 1024)
    send = system.put if where.endswith("dr") else system.post

    answer = send(f"/fhir/R4{where}", b" " * 1025, content_type=JSON)

    assert (answer.status_code, rule_of(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "path",
    [
        f"Practitioner/{BIG}", f"Practitioner/{'9' * 64}",
        f"Practitioner/{{id}}/_history/{BIG}", "Practitioner/{id}/_history/-1",
        f"Practitioner/{{id}}/_history/{'9' * 4000}", "Practitioner/{id}/_history/١",
    ],
)  # fmt: skip
def test_numbers_beyond_every_column(path, push, system):
    id_ = push(DOCTOR, path="/fhir/R4/Practitioner").json()["id"]

    answer = system.get(f"/fhir/R4/{path.format(id=id_)}")

    assert (answer.status_code, rule_of(answer)) == (404, "not-found")


@pytest.mark.parametrize("query", [f"_count={BIG}", f"_count=-{BIG}", f"_since={BIG}"])
def test_questions_about_a_history_beyond_every_column(query, push, system):
    id_ = push(DOCTOR, path="/fhir/R4/Practitioner").json()["id"]

    answer = system.get(f"/fhir/R4/Practitioner/{id_}/_history?{query}")

    assert (answer.status_code, rule_of(answer)) == (400, "search-value")


def test_an_id_of_a_number(push, nothing_happens):
    answer = push({**DOCTOR, "id": BIG}, path="/fhir/R4/Practitioner")

    assert (answer.status_code, rule_of(answer)) == (422, "id-form")


def test_a_version_beyond_every_column(system, nothing_happens):
    for tag in (f'W/"{BIG}"', 'W/"-1"', "*", '"'):
        answer = system.put(
            "/fhir/R4/Practitioner/dr", as_bytes(DOCTOR), content_type=JSON,
            headers={"If-Match": tag},
        )  # fmt: skip
        assert (answer.status_code, rule_of(answer)) == (400, "if-match-form")


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (bundle(entry(DOCTOR, ifNoneExist="identifier=s|%00")), "condition"),
        (bundle(entry(DOCTOR, method="PUT", url="Practitioner?identifier=s|a%00b")), "condition"),
        (bundle({"request": {"method": "DELETE", "url": "Practitioner?_id=%00"}}), "condition"),
        (bundle({"request": {"method": "DELETE", "url": "Practitioner/a%00"}}), "request-url"),
        (
            bundle(entry({
                "resourceType": "PractitionerRole", "id": "r",
                "practitioner": {"reference": "Practitioner?identifier=s|%00"},
            })),
            "reference-form",
        ),
    ],
)  # fmt: skip
def test_a_nul_in_disguise(message, rule, push, nothing_happens):
    answer = push(message)

    assert (answer.status_code, rule_of(answer)) == (422, rule)


def test_a_nul_in_a_filter_of_the_repair_shop(system):
    answer = system.post(
        "/api/v1/messages/replay", b'{"rule": "\\u0000"}', content_type="application/json"
    )

    assert answer.status_code == 422


def test_an_expired_token(hospital, nothing_happens):
    client = HospitalClientFactory(organisation=hospital)
    ended = issue_token(ends=timezone.now() - timedelta(seconds=1), client_id=client.id)
    late = Client(headers={"Authorization": f"Bearer {ended}"})

    answer = late.post("/fhir/R4", as_bytes(visit()), content_type=JSON)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert rule_of(answer) == "unauthenticated"


def test_a_token_that_was_taken_away(hospital, nothing_happens):
    system = as_hospital(hospital)
    AccessToken.objects.all().delete()

    assert system.post("/fhir/R4", as_bytes(visit()), content_type=JSON).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer \x7f", "Bearer " + "x" * 10_000,
               "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."],
)  # fmt: skip
def test_no_token_at_all(header, db, nothing_happens):
    stranger = Client(headers={"Authorization": header} if header else {})

    answer = stranger.delete("/fhir/R4/Practitioner/dr")

    assert (answer.status_code, rule_of(answer)) == (401, "unauthenticated")


def test_another_hospitals_resources_are_out_of_reach(push, stored):
    created = push(DOCTOR, path="/fhir/R4/Practitioner").json()
    before = stored()
    other = as_hospital(HospitalClientFactory().organisation)
    address = f"/fhir/R4/Practitioner/{created['id']}"

    answers = [
        other.get(address), other.get(f"{address}/_history"), other.get(f"{address}/_history/1"),
        other.post("/fhir/R4", as_bytes(bundle(entry({
            "resourceType": "PractitionerRole", "id": "r",
            "practitioner": {"reference": f"Practitioner/{created['id']}"},
        }))), content_type=JSON),
    ]  # fmt: skip

    assert [one.status_code for one in answers] == [404, 404, 404, 422]
    assert stored() == before


@pytest.mark.parametrize("offset", ["-16:18", "%2B23:59"])
def test_an_offset_that_only_python_takes(offset, push, system):
    moment = f"2026-01-01T00:00:00{offset}"
    id_ = push(DOCTOR, path="/fhir/R4/Practitioner").json()["id"]

    answers = [
        system.get(f"/fhir/R4/Practitioner?_lastUpdated=ge{moment}"),
        system.get(f"/fhir/R4/Practitioner/{id_}/_history?_since={moment}"),
        system.get(f"/api/v1/messages?since={moment}"),
    ]

    assert [one.status_code for one in answers] == [200, 200, 200]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_beyond_the_calendar_of_the_repair_shop(moment, system):
    assert system.get(f"/api/v1/messages?since={moment}").status_code == 422
