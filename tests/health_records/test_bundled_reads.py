"""GET and HEAD entries of a batch or transaction: as the same requests alone, after all that is written."""

import pytest
from django.utils import timezone

from health_records.formats.fhir import bundled_reads, views
from health_records.models import Attempt, ClinicalEntry, Message, SourceParty
from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.factories.fhir import NUMBER, as_bytes, bundle, entry, visit
from tests.factories.records import EntryFactory, VersionFactory, visit_of
from tests.factories.registry import OrganisationFactory, RegistrationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")
DOCTOR = {"resourceType": "Practitioner", "id": "dr-1", "name": [{"text": "李明"}]}


def get(url, method="GET", **asked):
    """An entry that reads."""
    return {"request": {"method": method, "url": url, **asked}}


def post(client, *entries, type_="batch", **headers):
    """Send a Bundle."""
    return client.post(
        "/fhir/R4", as_bytes(bundle(*entries, type_=type_)), content_type="application/fhir+json",
        headers=headers,
    )  # fmt: skip


def statuses(answer):
    assert answer.status_code == 200, answer.content
    return [one["response"]["status"] for one in answer.json()["entry"]]


def rules(outcome):
    return [one["details"]["coding"][0]["code"] for one in outcome["issue"]]


def looks():
    """What the audit says of reads, oldest first."""
    asked = AuditRow.objects.filter(action__in=["record.read", "record.search"]).order_by("id")
    return list(asked.values_list(
        "action", "outcome", "reason", "resource_type", "resource_id", "registration_id", "count"
    ))  # fmt: skip


@pytest.fixture
def result():
    """A result somewhere in the province, with two versions."""
    made = EntryFactory(registration=RegistrationFactory(), version=2, status_code="final")
    for version, status in ((1, "registered"), (2, "final")):
        VersionFactory(
            node=made.node, resource_id=made.id, resource_type="Observation", version=version,
            source=f'{{"status":"{status}"}}',
        )  # fmt: skip
    return made


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_each_is_answered_as_it_would_be_alone(type_, result):
    """At the hub too, and nothing is kept of such a message."""
    system = as_hospital(result.organisation)
    address = f"Observation/{result.id}"
    urls = [
        address, f"{address}/_history/1", f"{address}/_history", f"Observation?_id={result.id}",
        f"Observation?patient={result.registration_id}&_count=1",
    ]  # fmt: skip
    alone = [system.get(f"/fhir/R4/{url}") for url in urls]
    alone_looked = looks()

    answer = post(system, *map(get, urls), type_=type_)

    body = answer.json()
    assert (answer.status_code, body["type"]) == (200, f"{type_}-response")
    for one, same in zip(body["entry"], alone, strict=True):
        told, expected = one["resource"], same.json()
        for bundle_ in (told, expected):
            if bundle_.get("type") == "searchset":
                del bundle_["meta"]
        assert told == expected
        assert one["response"]["status"] == "200 OK"
    assert [one["response"].get("etag") for one in body["entry"]] == [
        'W/"2"', 'W/"1"', None, None, None,
    ]  # fmt: skip
    first = body["entry"][0]
    assert first["response"]["lastModified"] == first["resource"]["meta"]["lastUpdated"]
    assert looks() == alone_looked * 2
    assert len(alone_looked) == 5
    assert not Message.objects.exists()


def test_a_doctor_and_a_resident_ask_too(result):
    hospital = result.organisation
    visit_of(result.registration, timezone.now())
    asked = [get(f"Observation/{result.id}"), get(f"Observation?patient={result.registration_id}")]

    asked[0] = get("/" + asked[0]["request"]["url"])  # as HAPI takes it
    doctor = post(as_somebody(Role.CLINICIAN, organisation=hospital), *asked)
    stranger = post(as_somebody(Role.CLINICIAN, organisation=OrganisationFactory()), *asked)

    assert statuses(doctor) == ["200 OK", "200 OK"]
    assert doctor.json()["entry"][1]["resource"]["total"] == 1
    assert statuses(stranger) == ["404 Not Found", "200 OK"]
    assert "total" not in stranger.json()["entry"][1]["resource"] or (
        stranger.json()["entry"][1]["resource"]["total"] == 0
    )


def test_a_failing_read_of_a_batch_fails_alone(result):
    stranger = as_hospital(OrganisationFactory())
    own = EntryFactory(registration=RegistrationFactory(), organisation=None)
    VersionFactory(node=own.node, resource_id=own.id, resource_type="Observation")
    system = as_hospital(own.organisation)

    answer = post(
        system, get(f"Observation/{result.id}"), get(f"Observation/{own.id}"), get("Krankheit/1"),
        get("Observation?code=%E4%BD%93"), get("metadata"), get("Patient/1/2/3/4"), get("", "HEAD"),
        get("Patient/%00"), get("Patient?name=张三"), {"request": {"method": "GET", "url": 1}},
    )  # fmt: skip

    assert statuses(answer) == [
        "404 Not Found", "200 OK", "404 Not Found", "200 OK",
        "422 Unprocessable Entity", "422 Unprocessable Entity", "422 Unprocessable Entity",
        "422 Unprocessable Entity", "200 OK", "422 Unprocessable Entity",
    ]  # fmt: skip
    told = [one["response"].get("outcome") for one in answer.json()["entry"]]
    assert [rules(one)[0] for one in told if one] == [
        "not-found", "type-unknown", "read-url", "read-url", "text-empty", "read-url", "not-string",
    ]  # fmt: skip
    assert all(
        "resource" not in one for one in answer.json()["entry"] if "outcome" in one["response"]
    )
    assert statuses(post(stranger, get("/Krankheit/1"))) == ["404 Not Found"]


def test_what_the_client_has_already(result):
    system = as_hospital(result.organisation)
    address = f"Observation/{result.id}"

    answer = post(
        system, get(address, ifNoneMatch='W/"2"'), get(address, ifNoneMatch='W/"1"'),
        get(address, ifModifiedSince="2999-01-01T00:00:00Z"),
        get(address, ifModifiedSince="2001-01-01T00:00:00Z"), get(address, "HEAD"),
        get(f"{address}/_history/1", ifNoneMatch='W/"1"'), type_="transaction",
    )  # fmt: skip

    assert statuses(answer) == [
        "304 Not Modified", "200 OK", "304 Not Modified", "200 OK", "200 OK", "304 Not Modified",
    ]  # fmt: skip
    there = ["resource" in one for one in answer.json()["entry"]]
    assert there == [False, True, False, True, False, False]
    same, head = (answer.json()["entry"][place]["response"] for place in (0, 4))
    assert (same["etag"], head["etag"]) == ('W/"2"', 'W/"2"')
    changed = answer.json()["entry"][1]["resource"]["meta"]["lastUpdated"]
    assert head["lastModified"] == changed
    assert same["lastModified"][:19] == changed[:19]


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_a_failing_head_tells_why(type_, result):
    answer = post(as_hospital(result.organisation), get("Observation/none", "HEAD"), type_=type_)

    told = answer.json()
    outcome = told if type_ == "transaction" else told["entry"][0]["response"]["outcome"]
    assert (answer.status_code, rules(outcome)) == (200 if type_ == "batch" else 404, ["not-found"])


def test_a_transaction_that_only_reads_fails_whole(result):
    system = as_hospital(result.organisation)

    answer = post(
        system, get(f"Observation/{result.id}"), get(f"Observation/{result.registration_id}"),
        type_="transaction",
    )  # fmt: skip

    assert answer.status_code == 404
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].request.url"]
    assert [one[1:5] for one in looks()] == [
        ("refused", "no-fact", "Observation", result.registration_id)
    ]  # nothing was given out, so nobody looked


@CITY
def test_reads_come_last_and_at_their_places(push, system):
    message = bundle(
        get("Practitioner?identifier=urn:x|1"),
        entry(DOCTOR | {"identifier": [{"system": "urn:x", "value": "1"}]}),
        get("Practitioner?identifier=urn:x|2"),
    )

    answer = push(message)

    first, second, third = answer.json()["entry"]
    assert statuses(answer) == ["200 OK", "201 Created", "200 OK"]
    assert first["resource"]["total"] == 1
    assert second["response"]["location"].startswith(
        f"Practitioner/{first['resource']['entry'][0]['resource']['id']}/"
    )
    assert third["resource"]["total"] == 0


@CITY
def test_a_batch_reads_what_it_stored(push):
    made = push(entry(DOCTOR)["resource"], path="/fhir/R4/Practitioner").json()["id"]
    changed = entry(DOCTOR | {"name": [{"text": "李铭"}]}, method="PUT", url="Practitioner/dr-1")
    faulty = entry({"resourceType": "Practitioner", "nonsense": 1})

    answer = push(
        bundle(get(f"Practitioner/{made}"), changed, faulty, get("Device/none"), type_="batch")
    )

    assert statuses(answer) == ["200 OK", "200 OK", "422", "404 Not Found"]
    told = answer.json()["entry"][0]
    assert told["resource"]["name"] == [{"text": "李铭"}]
    assert told["response"]["etag"] == 'W/"2"'


@CITY
def test_a_failing_read_undoes_its_transaction(push, stored, system):
    before = stored()

    answer = push(bundle(entry(DOCTOR), get("Practitioner/none")), **{"Accept-Language": "en"})

    issue = answer.json()["issue"][0]
    assert answer.status_code == 404
    assert (issue["expression"], issue["details"]["text"]) == (
        ["Bundle.entry[1].request.url"], "Not found",
    )  # fmt: skip
    assert stored() == before
    assert (Message.objects.count(), Attempt.objects.count()) == (0, 0)
    again = push(bundle(entry(DOCTOR), get("Practitioner?identifier=x")))
    assert statuses(again) == ["201 Created", "200 OK"]


@CITY
def test_a_repeated_message_is_read_for_anew(push, system):
    """What it wrote is answered as before; what it reads may have changed, or gone."""
    made = push(DOCTOR, path="/fhir/R4/Practitioner").json()["id"]
    message = bundle(*visit()["entry"], get(f"Practitioner/{made}"))
    first = push(message)
    system.put(f"/fhir/R4/Practitioner/{made}", as_bytes(DOCTOR | {"id": made, "gender": "male"}),
               content_type="application/fhir+json")  # fmt: skip
    second = push(message)
    system.delete(f"/fhir/R4/Practitioner/{made}")
    third = push(message)

    assert first.json()["entry"][:5] == second.json()["entry"][:5] == third.json()["entry"][:5]
    assert [one.json()["entry"][5]["response"]["status"] for one in (first, second, third)] == [
        "200 OK", "200 OK", "410 Gone",
    ]  # fmt: skip
    assert second.json()["entry"][5]["resource"]["gender"] == "male"
    assert rules(third.json()["entry"][5]["response"]["outcome"]) == ["deleted"]
    assert ClinicalEntry.objects.count() == 2


@CITY
def test_preferences_go_with_what_was_written(push):
    answer = push(bundle(get("Practitioner?name=x"), entry(DOCTOR)), Prefer="return=representation")

    told = answer.json()["entry"]
    assert [one["resource"]["resourceType"] for one in told] == ["Bundle", "Practitioner"]


@CITY
def test_a_strict_client_is_strict_in_every_entry(push):
    asked = get("Practitioner?shoe-size=44")

    lenient, strict = push(bundle(asked, type_="batch")), push(
        bundle(asked, type_="batch"), Prefer="handling=strict"
    )  # fmt: skip

    assert (statuses(lenient), statuses(strict)) == (["200 OK"], ["400 Bad Request"])


@CITY
def test_a_replay_stores_without_reading(push, system):
    """Nobody is there to be told."""
    faulty = bundle(entry(DOCTOR | {"nonsense": 1}), get("Practitioner/none"))
    assert push(faulty).status_code == 422
    message = Message.objects.get()

    told = system.put(
        f"/api/v1/messages/{message.id}/content", as_bytes(bundle(entry(DOCTOR), get("Device/1"))),
        content_type="application/fhir+json",
    )  # fmt: skip

    assert (told.status_code, told.json()["state"]) == (200, "accepted")
    assert SourceParty.objects.count() == 1
    assert looks() == []


def test_at_most_so_many(result, settings, monkeypatch):
    settings.MAX_READS = 3
    system = as_hospital(result.organisation)
    asked = get(f"Observation/{result.id}")

    many = post(system, *[asked] * 4)
    monkeypatch.setattr(bundled_reads, "MOST_BYTES", 0)
    large = post(system, *[asked] * 3)
    whole = post(system, *[asked] * 3, type_="transaction")
    monkeypatch.undo()
    monkeypatch.setattr(bundled_reads, "LONGEST_SECONDS", -1.0)
    slow = post(system, asked)

    assert (many.status_code, rules(many.json())) == (413, ["read-many"])
    assert statuses(large) == ["200 OK"] + ["413 Request Entity Too Large"] * 2
    assert rules(large.json()["entry"][1]["response"]["outcome"]) == ["read-enough"]
    assert (whole.status_code, rules(whole.json())) == (413, ["read-enough"])
    assert statuses(slow) == ["413 Request Entity Too Large"]


def test_what_was_not_decided_is_not_given_out(result, monkeypatch):
    monkeypatch.setattr(views, "search", lambda *args, **named: b"{}")

    answer = post(as_hospital(result.organisation), get("Observation?_id=1"))

    assert answer.status_code == 500
    assert rules(answer.json()) == ["access-not-decided"]


def test_an_envelope_with_faults(result):
    message = bundle(get(f"Observation/{result.id}"), type_="batch", nonsense=1)

    answer = as_hospital(result.organisation).post(
        "/fhir/R4", as_bytes(message), content_type="application/fhir+json"
    )

    assert (answer.status_code, rules(answer.json())) == (422, ["element-unknown"])


@pytest.mark.node("hub")
def test_the_hub_takes_nothing_in_beside_reads(push, stored):
    answer = push(bundle(entry(DOCTOR), get(f"Patient?identifier={NUMBER}")))

    assert answer.status_code == 421
    assert set(stored().values()) == {0}


@CITY
@pytest.mark.parametrize(
    ("language", "said"), [("zh", "不支持 PATCH"), ("en", "PATCH (JSON Patch")]
)
def test_patch_is_refused_clearly(language, said, push, system, stored):
    made = push(DOCTOR, path="/fhir/R4/Practitioner").json()["id"]
    before = stored()
    patch = b'[{"op": "replace", "path": "/gender", "value": "male"}]'

    alone = system.patch(
        f"/fhir/R4/Practitioner/{made}", patch, content_type="application/json-patch+json",
        headers={"Accept-Language": language},
    )  # fmt: skip
    inside = push(bundle({"request": {"method": "PATCH", "url": f"Practitioner/{made}"}}))

    issue = alone.json()["issue"][0]
    assert (alone.status_code, alone["Allow"]) == (405, "GET, HEAD, PUT, DELETE")
    assert (issue["code"], issue["details"]["coding"][0]["code"]) == ("not-supported", "patch")
    assert issue["details"]["text"].startswith(said)
    assert (inside.status_code, rules(inside.json())) == (422, ["request-method"])
    assert stored() == before
