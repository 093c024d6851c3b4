"""What is refused says where and why, and leaves nothing behind."""

import copy
import gzip

import pytest
from django.conf import settings
from django.utils import timezone

from health_records import services
from health_records.incoming import Received
from health_records.intake import Counts
from health_records.models import Message
from health_records.states import MessageState
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.homes import uuid7
from tests.factories.fhir import NUMBER, PHONE, as_bytes, bundle, entry, patient, visit
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]


def rule_of(answer):
    """Rule and path of the first issue."""
    issue = answer.json()["issue"][0]
    assert answer.json()["resourceType"] == "OperationOutcome"
    return issue["details"]["coding"][0]["code"], issue.get("expression", [""])[0]


def changed(place, **parts):
    message = visit()
    message["entry"][place]["resource"] |= parts
    return message


def deep(levels):
    found: list[dict[str, object]] = [{"url": "urn:x", "valueBoolean": True}]
    for _ in range(levels):
        found = [{"url": "urn:x", "extension": found}]
    return found


DEEP = b'{"resourceType":"Bundle","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD_BYTES = {
    "not json": (b"{", 400, "json"),
    "not utf-8": (b'{"a":"\xff"}', 400, "json"),
    "nan": (b'{"a":NaN}', 400, "json"),
    "deep": (DEEP, 400, "json-depth"),
    "nul": (b'{"resourceType":"Bundle","a":"\\u0000"}', 400, "json-character"),
    "duplicate key": (b'{"resourceType":"Bundle","type":"batch","type":"batch"}', 400, "json-duplicate-key"),
    "a list": (b"[]", 422, "object"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD_BYTES))
def test_bytes_that_are_no_message(name, push, stored):
    raw, status, rule = BAD_BYTES[name]
    before = stored()

    answer = push(raw)

    assert (answer.status_code, rule_of(answer)[0]) == (status, rule)
    assert stored() == before


LONE = as_bytes(visit()).replace("张三".encode(), b"\\ud800")
BAD_MESSAGES = {
    "a wrong type": (changed(2, resourceType="Krankheit"), "resource-type", "Bundle.entry[2].resource.resourceType"),
    "no bundle": (patient(), "bundle-expected", "resourceType"),
    "a searchset": (bundle(entry(patient()), type_="searchset"), "bundle-type", "Bundle.type"),
    "no entries": (bundle(), "entry-list", "Bundle.entry"),
    "no request": (bundle({"resource": patient()}), "request-required", "Bundle.entry[0].request"),
    "a patch": (bundle(entry(patient(), method="PATCH")), "request-method", "Bundle.entry[0].request.method"),
    "a delete of everybody": (
        bundle(entry(patient(), method="DELETE")), "request-url", "Bundle.entry[0].request.url"),
    "an address of another resource": (
        bundle(entry(patient()) | {"fullUrl": "http://his.example/Patient/another"}), "full-url",
        "Bundle.entry[0].fullUrl"),
    "a version in the address": (
        bundle(entry(patient()) | {"fullUrl": "http://his.example/Patient/pat-00012345/_history/1"}),
        "full-url", "Bundle.entry[0].fullUrl"),
    "no tag of a version": (
        bundle(entry(patient(), method="PUT", url="Patient/pat-00012345", ifMatch="1")),
        "if-match-form", "Bundle.entry[0].request.ifMatch"),
    "a condition of nothing": (
        bundle(entry(patient(), method="PUT", url="Patient?")), "condition",
        "Bundle.entry[0].request.url"),
    "the same condition twice": (
        bundle(
            entry({"resourceType": "Device", "id": "a"}, ifNoneExist="identifier=s|1"),
            entry({"resourceType": "Device", "id": "b"}, ifNoneExist="identifier=s|1"),
        ), "resource-once", "Bundle.entry[1].resource"),
    "another url": (bundle(entry(patient(), url="Person")), "request-url", "Bundle.entry[0].request.url"),
    "a reference to no entry": (
        changed(2, subject={"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}),
        "reference-resolves", "Bundle.entry[2].resource.subject"),
    "a relative reference to nothing": (
        changed(2, recorder={"reference": "Practitioner/77"}), "reference-resolves",
        "Bundle.entry[2].resource.recorder"),
    "a condition nobody meets": (
        changed(2, recorder={"reference": "Practitioner?identifier=urn:npi|7"}), "reference-resolves",
        "Bundle.entry[2].resource.recorder"),
    "a condition of another kind": (
        changed(2, recorder={"reference": "Practitioner?name=7"}), "reference-form",
        "Bundle.entry[2].resource.recorder"),
    "nothing contained": (
        changed(2, recorder={"reference": "#doctor"}), "ref-1",
        "Bundle.entry[2].resource.recorder"),
    "an invalid date": (
        changed(3, effectiveDateTime="2026-02-30"), "date",
        "Bundle.entry[3].resource.effective.ofType(dateTime)"),
    "an invalid birth date": (
        changed(0, birthDate="1990-13-01"), "date", "Bundle.entry[0].resource.birthDate"),
    "a number of very many digits": (
        changed(3, valueQuantity={"value": 10**100}), "json-number", "Bundle.entry[3].resource"),
    "an integer beyond 64 bits": (
        changed(0, multipleBirthInteger=2**70), "integer-range",
        "Bundle.entry[0].resource.multipleBirth.ofType(integer)"),
    "the same resource twice": (
        bundle(entry(patient()), entry(patient())), "resource-once", "Bundle.entry[1].resource"),
    "a bad id": (changed(2, id="a b"), "id-form", "Bundle.entry[2].resource.id"),
    "a citizen number as the only number": (
        bundle(entry({"resourceType": "Patient", "id": NUMBER})), "id-names-nobody",
        "Bundle.entry[0].resource.id"),
    "parameters, which are no resource": (
        bundle(entry({"resourceType": "Parameters"})), "resource-kept",
        "Bundle.entry[0].resource.resourceType"),
    "a list as the type": (bundle() | {"resourceType": ["Bundle"]}, "resource-type", "resourceType"),
    "an object as the kind": (bundle() | {"type": {}}, "bundle-type", "Bundle.type"),
    "an entry that is none": (bundle() | {"entry": ["x"]}, "object", "Bundle.entry[0]"),
    "no resource": (bundle({"request": {"method": "POST", "url": "Patient"}}), "object", "Bundle.entry[0].resource"),
    "an empty request": (bundle({"resource": patient(), "request": {}}), "request-required", "Bundle.entry[0].request"),
    "a search as the url": (
        bundle(entry(patient(), url="Patient?identifier=7")), "request-url",
        "Bundle.entry[0].request.url"),
    "another condition of creation": (
        bundle(entry(patient(), ifNoneExist="name=7")), "condition",
        "Bundle.entry[0].request.ifNoneExist"),
    "a phone as the patient number": (
        bundle(entry(patient(PHONE))), "id-names-nobody",
        "Bundle.entry[0].resource.identifier[0].value"),
    "too deep a resource": (
        changed(2, extension=deep(70)), "json-depth",
        "Bundle.entry[2].resource" + ".extension[0]" * 25),
    "a reference of no form": (
        changed(2, recorder={"reference": "Practitioner 7"}), "reference-form",
        "Bundle.entry[2].resource.recorder"),
    "a bad period": (
        changed(1, period={"start": "yesterday"}), "date", "Bundle.entry[1].resource.period.start"),
    "a lone surrogate": (LONE, "json-character", "Bundle.entry[0].resource.name[0].text"),
    "half a character as the type": (
        as_bytes(visit()).replace(b'"Patient"', b'"\\udfff"'), "json-character",
        "Bundle.entry[0].request.url"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD_MESSAGES))
def test_messages_with_something_wrong(name, push, stored):
    message, rule, path = BAD_MESSAGES[name]
    before = stored()

    answer = push(copy.deepcopy(message))

    assert (answer.status_code // 100, rule_of(answer)) == (4, (rule, path))
    assert stored() == before
    assert Message.objects.get().state == MessageState.REFUSED


def test_the_text_says_how_to_mend_it_in_both_languages(push):
    message = changed(2, recorder={"reference": "Practitioner/77"})

    chinese = push(message).json()["issue"][0]["details"]["text"]
    english = push(message, **{"Accept-Language": "en"}).json()["issue"][0]["details"]["text"]

    assert chinese == "引用“Practitioner/77”指向的资源不存在。请在同一 Bundle 中包含它，或先推送它"
    assert english.startswith("The reference “Practitioner/77” leads to nothing.")


def test_a_refused_message_may_be_mended_under_its_id(push):
    bad = changed(2, recorder={"reference": "Practitioner/77"}) | {"identifier": {"value": "m1"}}
    assert push(bad).status_code == 422

    assert push(visit() | {"identifier": {"value": "m1"}}).status_code == 200
    assert Message.objects.get().state == MessageState.ACCEPTED


def test_too_large_a_body(push, stored, monkeypatch):
    monkeypatch.setattr(settings, "MAX_BODY_BYTES", 1024)
    monkeypatch.setattr(settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", 1024)

    answer = push(visit())

    assert (answer.status_code, rule_of(answer)[0]) == (413, "too-large")
    assert set(stored().values()) == {0}


def test_a_gzip_body_is_unpacked(push):
    raw = gzip.compress(as_bytes(visit()))

    assert push(raw, **{"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (gzip.compress(b" " * 30_000_000, mtime=0), "too-large"),
        (b"not gzip", "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip"),
    ],
    ids=["bomb", "none", "cut off"],
)
def test_a_bad_gzip_body(raw, rule, push):
    answer = push(raw, **{"Content-Encoding": "gzip"})

    assert rule_of(answer)[0] == rule


def test_other_media_types_and_encodings(system):
    xml = system.post("/fhir/R4", b"<Bundle/>", content_type="application/fhir+xml")
    brotli = system.post(
        "/fhir/R4", b"{}", content_type="application/json", headers={"Content-Encoding": "br"}
    )

    assert (xml.status_code, rule_of(xml)[0]) == (415, "media-type")
    assert (brotli.status_code, rule_of(brotli)[0]) == (415, "encoding")


def test_a_stranger_is_refused(client, db):
    answer = client.post("/fhir/R4", b"{}", content_type="application/json")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.CLINICIAN, Role.OPERATOR])
def test_people_do_not_push(role, hospital, stored):
    somebody = as_somebody(role, organisation=hospital)

    answer = somebody.post("/fhir/R4", as_bytes(visit()), content_type="application/json")

    assert answer.status_code == 403
    assert stored() == dict.fromkeys(stored(), 0)
    assert AuditRow.objects.get().outcome == "refused"


def test_a_hospital_of_another_city_is_sent_there(stored):
    away = as_hospital(OrganisationFactory(node="620800"))

    answer = away.post("/fhir/R4", as_bytes(visit()), content_type="application/json")

    assert answer.status_code == 421
    assert "620800" in answer.json()["issue"][0]["details"]["text"]
    assert set(stored().values()) == {0}


def test_another_hospitals_patient_is_nothing(push, hospital):
    push(visit())
    other = as_hospital(OrganisationFactory())
    message = changed(2, subject={"reference": "Patient/pat-00012345"})
    del message["entry"][0:2], message["entry"][1:]
    del message["entry"][0]["resource"]["encounter"]

    answer = other.post("/fhir/R4", as_bytes(message), content_type="application/json")

    assert rule_of(answer) == ("reference-resolves", "Bundle.entry[0].resource.subject")


def test_keeping_a_refused_message_is_audited(push, system):
    answer = push(changed(0, birthDate="2026-13-01"))

    assert answer.status_code == 422
    kept, row = Message.objects.get(), AuditRow.objects.get(action="record.write")
    assert (kept.state, kept.resources) == (MessageState.REFUSED, 0)
    assert (row.outcome, row.resource_type, row.resource_id) == ("allowed", "Message", kept.id)
    assert (row.registration_id, row.count) == (None, 0)


def test_a_batch_keeps_its_good_entries(push, stored):
    good, bad = visit()["entry"][0], entry({"resourceType": "Nonsense"})
    leaning = entry({
        "resourceType": "Condition", "id": "c1", "subject": {"reference": good["fullUrl"]},
        "encounter": {"reference": bad["fullUrl"]},
    })  # fmt: skip

    answer = push(bundle(good, bad, leaning, type_="batch"))

    told = [one["response"]["status"] for one in answer.json()["entry"]]
    assert told == ["201 Created", "422", "422"]
    assert stored()["PatientRegistration"] == 1
    assert stored()["ClinicalEntry"] == 0


def test_the_answer_to_a_refusal_names_no_number(push):
    answer = push(changed(2, recorder={"reference": f"Patient?identifier=urn:x|{PHONE}9"}))

    assert rule_of(answer)[0] == "reference-resolves"
    raw = bytes(Message.objects.get().answer)
    assert PHONE.encode() not in raw


@pytest.mark.parametrize("value", ["", "a\n", "x" * 201, PHONE, NUMBER])
def test_a_message_id_that_is_none(value, push, stored):
    answer = push(visit() | {"identifier": {"value": value}})

    assert (answer.status_code, rule_of(answer)[0]) == (400, "message-id")
    assert set(stored().values()) == {0}


def test_the_header_names_a_message_too(push):
    assert push(visit(), **{"X-Message-Id": "m-1"}).status_code == 200

    assert push(visit("2"), **{"X-Message-Id": "m-1"}).status_code == 409


def test_a_refusal_never_replaces_what_was_accepted(push, hospital):
    push(visit() | {"identifier": {"value": "m1"}})
    accepted = Message.objects.get()
    refused = Received(uuid7(), hospital.id, "m1", b"{}", timezone.now())

    services.keep_refused(refused, answer=b"{}", status=422, why=Counts())

    assert Message.objects.get().id == accepted.id


def test_the_same_refused_bytes_are_looked_at_again(push):
    later = bundle(
        entry(
            {
                "resourceType": "Basic",
                "id": "b",
                "code": {"text": "x"},
                "subject": {"reference": "Patient/pat-1"},
            }
        )
    )
    assert push(later).status_code == 422

    push(visit("1"))

    assert push(later).status_code == 200


def test_more_issues_than_anybody_reads(push):
    answer = push(bundle(*[entry({"resourceType": "Nonsense"}) for _ in range(103)]))

    issues = answer.json()["issue"]
    assert len(issues) == 101
    assert issues[-1]["details"]["text"] == "另有 3 个问题未列出"


def test_a_condition_of_creation_that_several_meet(push):
    for id_ in ("a", "b"):
        push(
            bundle(
                entry(
                    {
                        "resourceType": "Device",
                        "id": id_,
                        "identifier": [{"system": "s", "value": "1"}],
                    }
                )
            )
        )

    again = entry({"resourceType": "Device", "id": "c"}, ifNoneExist="identifier=s|1")
    answer = push(bundle(again))

    assert (answer.status_code, rule_of(answer)[0]) == (412, "condition-many")


def test_methods_that_are_none(system):
    assert system.patch("/fhir/R4/Patient/1").status_code == 405
    assert system.get("/fhir/R4").status_code == 405
