"""Every version of what one hospital pushed of a type, newest first."""

from datetime import timedelta
from random import Random
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from health_records.finding import rows, versions
from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.factories.fhir import as_bytes, patient, visit
from tests.factories.records import EntryFactory, VersionFactory
from tests.factories.registry import OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")


def history(client, type_="Observation", **asked):
    return client.get(f"/fhir/R4/{type_}/_history", asked)


def told(answer):
    """Id and version of each entry."""
    assert answer.status_code == 200, answer.content
    return [
        (one["fullUrl"].rpartition("/")[2], int(one["response"]["etag"][3:-1]))
        for one in answer.json()["entry"]
    ]


def every_page(client, **asked):
    """All pages, each as ids and versions."""
    answer = history(client, **asked)
    pages = [told(answer)]
    while links := [one for one in answer.json()["link"] if one["relation"] == "next"]:
        url = urlsplit(links[0]["url"])
        answer = client.get(f"{url.path}?{url.query}")
        pages.append(told(answer))
    return pages


def put(client, type_, id_, **parts):
    return client.put(
        f"/fhir/R4/{type_}/{id_}", as_bytes({"resourceType": type_, "id": id_, **parts}),
        content_type="application/fhir+json",
    ).json()["id"]  # fmt: skip


def rule(answer):
    return answer.json()["issue"][0]["details"]["coding"][0]["code"]


@CITY
def test_creations_changes_and_deletions_of_every_resource(system):
    first = put(system, "Practitioner", "a", name=[{"text": "甲"}])
    second = put(system, "Practitioner", "b", name=[{"text": "乙"}])
    put(system, "Practitioner", "a", name=[{"text": "丙"}], id="a")
    system.delete(f"/fhir/R4/Practitioner/{second}")

    answer = history(system, "Practitioner")

    assert told(answer) == [(second, 2), (first, 2), (second, 1), (first, 1)]
    body = answer.json()
    assert (body["type"], [one["relation"] for one in body["link"]]) == ("history", ["self"])
    assert [one["request"]["method"] for one in body["entry"]] == ["DELETE", "PUT", "POST", "POST"]
    assert [one.get("resource", {}).get("name", [{}])[0].get("text") for one in body["entry"]] == [
        None, "丙", "乙", "甲",
    ]  # fmt: skip


@CITY
def test_patients_and_documents_come_whole(push, system):
    push(visit())

    whose = history(system, "Patient").json()["entry"]
    notes = history(system, "DocumentReference").json()["entry"]

    assert whose[0]["resource"]["telecom"] == patient()["telecom"]
    address = f"/fhir/R4/DocumentReference/{notes[0]['resource']['id']}"
    assert notes[0]["resource"] == system.get(address).json()
    assert "data" in notes[0]["resource"]["content"][0]["attachment"]


@pytest.mark.parametrize("size", [1, 3, 200])
def test_pages_leave_nothing_out_and_repeat_nothing(size):
    """At the hub too; many versions were recorded at the same time, as those of one message are."""
    chance, start = Random(7), timezone.now() - timedelta(days=1)  # noqa: S311
    whose = RegistrationFactory()
    made = []
    for _ in range(25):
        times = sorted(
            start + timedelta(minutes=chance.randrange(6)) for _ in range(chance.randint(1, 3))
        )
        row = EntryFactory(
            registration=whose, version=len(times), recorded_at=times[0], changed_at=times[-1]
        )
        for version, at in enumerate(times, 1):
            VersionFactory(
                node=row.node, resource_id=row.id, resource_type="Observation", version=version,
                recorded_at=at,
            )  # fmt: skip
            made.append((at, str(row.id), version))
    expected = [(id_, version) for _, id_, version in sorted(made, reverse=True)]
    since = start + timedelta(minutes=2)
    system = as_hospital(whose.organisation)

    pages = every_page(system, _count=size)
    recent = every_page(system, _count=size, _since=since.isoformat())

    assert [one for page in pages for one in page] == expected
    assert all(len(page) <= size for page in pages)
    assert [one for page in recent for one in page] == [
        (id_, version) for at, id_, version in sorted(made, reverse=True) if at >= since
    ]


def test_only_what_the_hospital_itself_pushed():
    """Not what it sees because it treats somebody; and each who speaks gets an audit row."""
    own, others = EntryFactory(registration=RegistrationFactory()), EntryFactory(
        registration=RegistrationFactory()
    )  # fmt: skip
    for one in (own, others):
        VersionFactory(node=one.node, resource_id=one.id, resource_type="Observation")

    answer = history(as_hospital(own.organisation))
    nothing = history(as_hospital(OrganisationFactory()))

    assert (told(answer), told(nothing)) == ([(str(own.id), 1)], [])
    rows_ = AuditRow.objects.filter(action="record.search").order_by("id")
    assert list(rows_.values_list("outcome", "reason", "registration_id", "count")) == [
        ("allowed", "source_hospital", own.registration_id, 1),
        ("allowed", "source_hospital", None, 0),
    ]


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.COMMISSION_ANALYST, Role.OPERATOR])
def test_nobody_else_reads_all_of_a_type(role):
    answer = history(as_somebody(role, organisation=OrganisationFactory()))

    assert (answer.status_code, rule(answer)) == (403, "history-own")
    assert "Observation/<id>/_history" in answer.json()["issue"][0]["details"]["text"]
    row = AuditRow.objects.order_by("-id")[0]
    assert (row.action, row.outcome, row.resource_type) == (
        "record.search", "refused", "Observation",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"_at": "2026"}, 400, "history-parameter"),
        ({"_cursor": "x"}, 400, "cursor-invalid"),
        ({"_cursor": "WzEsMiwzXQ"}, 400, "cursor-invalid"),
        ({"_cursor": "WyJ4IiwieCIsMV0"}, 400, "cursor-invalid"),
        ({"_cursor": "WyIyMDI2LTExLTIxVDAwOjAwOjAwKzAwOjAwIiwiIiwxXQ"}, 400, "cursor-invalid"),
        ({"_since": "x"}, 400, "search-value"),
        ({"_count": "-1"}, 400, "search-value"),
    ],
)
def test_what_is_no_question(asked, status, said):
    answer = history(as_hospital(OrganisationFactory()), **asked)

    assert (answer.status_code, rule(answer)) == (status, said)


def test_a_type_that_is_none_and_all_types():
    system = as_hospital(OrganisationFactory())

    assert rule(history(system, "Krankheit")) == "type-unknown"
    whole = system.get("/fhir/R4/_history")
    assert (whole.status_code, rule(whole)) == (501, "history-whole")


def test_how_many_are_wanted_is_heeded():
    body = history(as_hospital(OrganisationFactory()), _count="0", _format="json").json()

    assert (body["entry"], body["link"]) == (
        [],
        [{"relation": "self", "url": "http://testserver/fhir/R4/Observation/_history?_count=0"}],
    )


@pytest.mark.django_db(transaction=True)
def test_what_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(rows, "LONGEST_MS", 1)
    monkeypatch.setattr(versions, "PUSHED", "SELECT pg_sleep(1)")

    answer = history(as_hospital(OrganisationFactory()))

    assert (answer.status_code, rule(answer)) == (400, "history-broad")
