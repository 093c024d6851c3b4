"""A document's content stays in its city and is fetched when somebody reads it."""

import base64

import pytest

from health_records import documents
from health_records.models import Document
from kernel.access.errors import NotVisible
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.commands.errors import CityUnreachable
from kernel.homes import uuid7
from tests.factories.arriving import PINGLIANG
from tests.factories.fhir import NOTE, visit
from tests.factories.records import DocumentFactory, EntryFactory, VersionFactory
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
    RegistrationFactory,
    actor_of,
)
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere():
    """At the hub: a document in a city, and its person."""
    hospital = OrganisationFactory(node=PINGLIANG)
    whose = RegistrationFactory(organisation=hospital, node=PINGLIANG)
    link = IdentityLinkFactory(registration_id=whose.id, registration_node=PINGLIANG)
    document = DocumentFactory(registration=whose, parts=1)
    VersionFactory(
        node=PINGLIANG, resource_id=document.id, resource_type="DocumentReference",
        source='{"content":[{"attachment":{"url":"u"}},{"attachment":{"data":0}}]}',
    )  # fmt: skip
    return document, link.person_id


def content(client, document_id, **asked):
    return client.get(f"/api/v1/documents/{document_id}/content", asked)


@pytest.mark.node("city")
def test_its_source_reads_it_here(push, system):
    push(visit())

    answer = content(system, Document.objects.get().id)

    assert (answer.status_code, answer.content.decode()) == (200, NOTE)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Security-Policy"] == "sandbox"
    assert AuditRow.objects.filter(action="document.read", outcome="allowed").count() == 1


@pytest.mark.node("city")
def test_base64_in_lines_is_read_as_its_bytes_and_comes_back_as_it_was(push, system):
    lines = base64.encodebytes(NOTE.encode() * 3).decode()
    message = visit()
    attachment = message["entry"][-1]["resource"]["content"][0]["attachment"]
    attachment["data"] = lines

    push(message)

    document = Document.objects.get().id
    assert content(system, document).content == NOTE.encode() * 3
    back = system.get(f"/fhir/R4/DocumentReference/{document}").json()
    assert back["content"][0]["attachment"] == attachment


@pytest.mark.node("city")
def test_a_part_that_is_not_there(push, system):
    push(visit())

    answer = content(system, Document.objects.get().id, part=3)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem:no-content")


@pytest.mark.node("city")
def test_another_hospital_does_not(push):
    push(visit())

    assert content(as_hospital(OrganisationFactory()), Document.objects.get().id).status_code == 404
    assert content(as_hospital(OrganisationFactory()), uuid7()).status_code == 404
    assert AuditRow.objects.filter(action="document.read", outcome="refused").count() == 2


@pytest.mark.node("city")
def test_the_city_decides_for_the_hubs_reader(push):
    push(visit())
    document = Document.objects.get()
    link = IdentityLinkFactory(registration_id=document.registration_id)
    body = {
        "resource_id": str(document.id),
        "resource_type": "DocumentReference",
        "part": 0,
        "facts": [],
    }

    answer = documents.fetch(body=body, by=actor_of(Role.RESIDENT, person_id=link.person_id))

    assert base64.b64decode(answer["data"]).decode() == NOTE
    with pytest.raises(NotVisible):
        documents.fetch(body=body, by=actor_of(Role.RESIDENT, person_id=uuid7()))


@pytest.mark.node("city")
def test_of_hospitals_elsewhere_the_hubs_word_is_taken(push):
    push(visit())
    doctor = actor_of(Role.CLINICIAN, organisation=OrganisationFactory(node=PINGLIANG))
    body = {
        "resource_id": str(Document.objects.get().id),
        "resource_type": "DocumentReference",
        "part": 0,
    }

    answer = documents.fetch(body=body | {"facts": ["treatment_relationship"]}, by=doctor)

    assert answer["type"] == "text/plain; charset=utf-8"
    with pytest.raises(NotVisible):
        documents.fetch(body=body | {"facts": ["source_hospital"]}, by=doctor)


@pytest.mark.node("hub")
def test_the_hub_asks_the_city(monkeypatch, elsewhere):
    document, person_id = elsewhere
    asked = []

    def ask(name, **sent):
        asked.append((name, sent["to"], sent["body"], sent["by"].person_id))
        return {"type": "text/plain", "data": base64.b64encode(b"note").decode()}

    monkeypatch.setattr(documents, "ask", ask)

    answer = content(as_somebody(Role.RESIDENT, person_id=person_id), document.id)

    assert (answer.status_code, answer.content) == (200, b"note")
    body = {
        "resource_id": str(document.id),
        "resource_type": "DocumentReference",
        "part": 0,
        "facts": ["authenticated", "own_record"],
    }
    assert asked == [("documents.fetch", PINGLIANG, body, person_id)]


@pytest.mark.node("hub")
def test_a_city_that_does_not_answer(monkeypatch, elsewhere):
    document, person_id = elsewhere

    def ask(name, **sent):
        raise CityUnreachable

    monkeypatch.setattr(documents, "ask", ask)

    answer = content(as_somebody(Role.RESIDENT, person_id=person_id), document.id)

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:city-unreachable")


@pytest.mark.node("hub")
def test_the_hub_asks_nobody_for_a_stranger(monkeypatch, elsewhere):
    monkeypatch.setattr(documents, "ask", None)

    assert (
        content(as_somebody(Role.RESIDENT, person_id=uuid7()), elsewhere[0].id).status_code == 404
    )


@pytest.mark.node("hub")
def test_at_the_hub_a_document_says_where_its_content_is(elsewhere):
    document, person_id = elsewhere
    answer = as_somebody(Role.RESIDENT, person_id=person_id).get(
        f"/fhir/R4/DocumentReference/{document.id}"
    )

    home = f"http://testserver/api/v1/documents/{document.id}/content"
    assert answer.json()["content"] == [
        {"attachment": {"url": "u"}},
        {"attachment": {"url": f"{home}?part=0&type=DocumentReference"}},
    ]


@pytest.mark.node("hub")
@pytest.mark.parametrize(
    ("type_", "source", "path"),
    [
        ("Binary", '{"contentType":"text/plain","data":0}', ["_data"]),
        ("Provenance", '{"signature":[{"who":{},"data":0}]}', ["signature", 0, "_data"]),
    ],
)
def test_at_the_hub_what_has_no_url_says_so_too(elsewhere, type_, source, path):
    document, person_id = elsewhere
    entry = EntryFactory(registration=document.registration, resource_type=type_)
    VersionFactory(node=PINGLIANG, resource_id=entry.id, resource_type=type_, source=source)

    answer = as_somebody(Role.RESIDENT, person_id=person_id).get(f"/fhir/R4/{type_}/{entry.id}")

    found = answer.json()
    for step in path:
        found = found[step]
    home = f"http://testserver/api/v1/documents/{entry.id}/content?part=0&type={type_}"
    assert found == {"extension": [{"url": "urn:jianqiao:content-at", "valueUrl": home}]}
