"""Every version of a resource, newest first, page by page."""

import pytest

from kernel.audit.models import AuditRow
from tests.factories.fhir import as_bytes, visit
from tests.factories.records import EntryFactory, VersionFactory
from tests.factories.registry import OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")


@pytest.fixture
def history(system):
    """A practitioner: created, renamed twice, deleted. A function that asks for its history."""
    for name in ("甲", "乙", "丙"):
        made = system.put(
            "/fhir/R4/Practitioner/dr-1",
            as_bytes({"resourceType": "Practitioner", "id": "dr-1", "name": [{"text": name}]}),
            content_type="application/fhir+json",
        )
    id_ = made.json()["id"]
    system.delete(f"/fhir/R4/Practitioner/{id_}")
    return lambda query="": system.get(f"/fhir/R4/Practitioner/{id_}/_history{query}")


def told(answer):
    return [
        (
            one["request"]["method"], one["response"]["etag"],
            one.get("resource", {}).get("name", [{}])[0].get("text"),
        )
        for one in answer.json()["entry"]
    ]  # fmt: skip


@CITY
def test_newest_first_with_the_requests_that_made_them(history, system):
    answer = history()

    body = answer.json()
    assert (answer.status_code, body["type"], body["total"]) == (200, "history", 4)
    assert told(answer) == [
        ("DELETE", 'W/"4"', None), ("PUT", 'W/"3"', "丙"), ("PUT", 'W/"2"', "乙"),
        ("POST", 'W/"1"', "甲"),
    ]  # fmt: skip
    newest, oldest = body["entry"][0], body["entry"][3]
    assert newest["request"]["url"] == newest["fullUrl"].removeprefix("http://testserver/fhir/R4/")
    assert [newest["response"]["status"], oldest["response"]["status"]] == [
        "204 No Content", "201 Created",
    ]  # fmt: skip
    assert oldest["resource"]["meta"]["versionId"] == "1"
    assert oldest["response"]["lastModified"] == oldest["resource"]["meta"]["lastUpdated"]
    assert [link["relation"] for link in body["link"]] == ["self"]


@CITY
def test_page_by_page(history, system):
    first = history("?_count=3")
    link = {one["relation"]: one["url"] for one in first.json()["link"]}

    second = system.get(link["next"].removeprefix("http://testserver"))

    assert [tag for _, tag, _ in told(first)] == ['W/"4"', 'W/"3"', 'W/"2"']
    assert [tag for _, tag, _ in told(second)] == ['W/"1"']
    assert (first.json()["total"], second.json()["total"]) == (4, 4)
    assert [one["relation"] for one in second.json()["link"]] == ["self"]


@CITY
def test_only_how_many(history):
    body = history("?_count=0").json()

    assert (body["total"], body["entry"], len(body["link"])) == (4, [], 1)


@CITY
def test_a_page_is_not_larger_than_the_setting_says(history, settings):
    settings.SEARCH_PAGE_MAX = 2

    assert len(told(history("?_count=1000"))) == 2


@CITY
def test_only_since(history):
    at = history().json()["entry"][1]["response"]["lastModified"]

    assert history(f"?_since={at[:10]}").json()["total"] == 4
    assert history("?_since=2999-01-01T00:00:00Z").json()["total"] == 0
    since = history(f"?_since={at.replace('+', '%2B')}").json()
    assert [one["response"]["etag"] for one in since["entry"]][:1] == ['W/"4"']
    assert since["total"] in {2, 3}  # milliseconds are cut off, so a near neighbour may come too


@CITY
@pytest.mark.parametrize(
    ("query", "rule"),
    [("_count=x", "search-value"), ("_since=yesterday", "search-value"),
     ("_since=ge2026", "search-value"), ("_cursor=x", "cursor-invalid"),
     ("_cursor=WyJhIl0", "cursor-invalid")],
)  # fmt: skip
def test_what_is_no_question(query, rule, history):
    answer = history(f"?{query}")

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == rule


@CITY
def test_it_is_read_like_the_resource(history, push):
    push(visit())

    answer = history()

    row = AuditRow.objects.order_by("-id")[0]
    assert (row.action, row.outcome, row.resource_type) == (
        "record.read",
        "allowed",
        "Practitioner",
    )
    assert answer.status_code == 200
    assert as_hospital(OrganisationFactory()).get(
        answer.json()["entry"][0]["fullUrl"].removeprefix("http://testserver") + "/_history"
    ).status_code == 404  # fmt: skip


def test_the_hub_tells_it_too():
    made = EntryFactory(registration=RegistrationFactory(), version=2)
    for version in (1, 2):
        VersionFactory(
            node=made.node, resource_id=made.id, resource_type="Observation", version=version,
            source=['{"status":"registered"}', '{"status":"final"}'][version - 1],
        )  # fmt: skip

    answer = as_hospital(made.organisation).get(f"/fhir/R4/Observation/{made.id}/_history")

    assert [one["resource"]["status"] for one in answer.json()["entry"]] == ["final", "registered"]
