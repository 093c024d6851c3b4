"""Messages that are as large as they may be, and built to be slow: answered in seconds, and small."""

import json
import time
from collections import Counter
from datetime import date
from io import BytesIO
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pytest
from django.conf import settings

from health_records.formats.fhir import negotiation
from health_records.models import ClinicalEntry, ResourceVersion, SourceParty
from kernel.audit.models import AuditRow
from kernel.events.models import Event
from registry.patients.models import PatientRegistration, RegistrationVersion
from tests.factories.fhir import as_bytes, bundle, entry

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

PATIENCE, STALLED = 5.0, 20.0
"""Seconds of work within which anything is answered; and with waiting, for the machine may be busy."""


@pytest.fixture
def quickly(push):
    """Push, within the time that anybody waits."""

    def send(message, **headers):
        started, worked = time.perf_counter(), time.process_time()
        answer = push(message, **headers)
        assert time.process_time() - worked < PATIENCE
        assert time.perf_counter() - started < STALLED
        return answer

    return send


def organisation(number, **parts):
    return {"resourceType": "Organization", "id": f"o{number}", "name": "院", **parts}


def chain(length, last):
    """Each is part of the next one."""
    entries = [
        entry(organisation(number, partOf={"reference": f"Organization/o{number + 1}"}))
        for number in range(length)
    ]
    return bundle(*entries, entry(last), type_="batch")


def statuses(answer):
    assert answer.status_code == 200, answer.content
    return [one["response"]["status"] for one in answer.json()["entry"]]


def test_a_chain_with_a_faulty_end_falls_at_once(quickly, stored):
    before = stored()

    answer = quickly(chain(3_000, organisation(3_000, nonsense=1)))

    assert set(statuses(answer)) == {"422"}
    told = answer.json()["entry"][0]["response"]["outcome"]["issue"][0]
    assert told["details"]["coding"][0]["code"] == "reference-resolves"
    assert told["expression"] == ["Bundle.entry[0].resource.partOf"]
    assert stored() == before | {"Event": before["Event"] + 1}


def test_a_chain_with_a_sound_end_stands(quickly):
    answer = quickly(chain(3_000, organisation(3_000)))

    assert set(statuses(answer)) == {"201 Created"}
    assert SourceParty.objects.count() == 3_001


def test_what_leans_on_a_fault_found_late_falls_too(quickly):
    """A number that nothing can hold shows only after the references were rewritten."""
    late: dict[str, Any] = {
        "resourceType": "Observation", "id": "late", "status": "final", "code": {"text": "x"},
        "valueQuantity": {"value": 10**400},
    }  # fmt: skip
    leaning: list[dict[str, Any]] = [
        {"resourceType": "Observation", "id": f"l{number}", "status": "final", "code": {"text": "x"},
         "derivedFrom": [{"reference": f"Observation/{'late' if not number else f'l{number - 1}'}"}]}
        for number in range(300)
    ]  # fmt: skip
    other = late | {"id": "other", "valueQuantity": {"value": 7}}

    answer = quickly(bundle(*(entry(one) for one in (*leaning, late, other)), type_="batch"))

    assert statuses(answer) == ["422"] * 300 + ["400", "201 Created"]
    assert [one.source_key for one in ClinicalEntry.objects.all()] == ["other"]


def test_a_faulty_update_leaves_what_it_would_have_updated(push, quickly):
    """What refers to it leads to the version that is stored."""
    push(bundle(entry(organisation(1)), entry(organisation(2))))
    first = SourceParty.objects.get(source_key="o1")
    faulty = entry(organisation(1, nonsense=1))
    by_name = entry(organisation(3, partOf={"reference": "Organization/o1"}))
    by_url = entry(organisation(4, partOf={"reference": faulty["fullUrl"]}))
    several = entry(organisation(5, partOf={"reference": "Organization/o3"}, endpoint=[
        {"reference": by_url["fullUrl"]}]))  # fmt: skip

    answer = quickly(bundle(several, by_url, by_name, faulty, type_="batch"))

    assert statuses(answer) == ["422", "422", "201 Created", "422"]
    assert set(SourceParty.objects.values_list("source_key", "version")) == {
        ("o1", 1), ("o2", 1), ("o3", 1),
    }  # fmt: skip
    kept = ResourceVersion.objects.get(resource_id=SourceParty.objects.get(source_key="o3").id)
    assert json.loads(kept.source)["partOf"] == {"reference": f"Organization/{first.id}"}


def result(number, **parts):
    return {"resourceType": "Observation", "id": f"r{number}", "status": "final",
            "code": {"text": "x"}, **parts}  # fmt: skip


def first_issue(answer):
    issue = answer.json()["issue"][0]
    return issue["details"]["coding"][0]["code"], issue.get("expression", [""])[0]


def test_thousands_are_stored_updated_and_taken_back(quickly):
    made = quickly(bundle(*(entry(result(number)) for number in range(2_000))))
    changed = quickly(bundle(*(
        entry(result(number, status="amended", valueQuantity={"value": number / 2, "unit": "Cel"},
                     category=[{"coding": [{"system": "urn:c", "code": "\\\"{},"}]}]))
        for number in range(2_000)
    )))  # fmt: skip
    row = ClinicalEntry.objects.get(source_key="r1999")
    was = (row.version, row.status_code, row.value_number, row.value_unit, row.categories)
    undone = quickly(bundle(*(
        {"request": {"method": "DELETE", "url": f"Observation/r{number}"}} for number in range(2_000)
    )))  # fmt: skip

    assert [set(statuses(one)) for one in (made, changed, undone)] == [
        {"201 Created"}, {"200 OK"}, {"204 No Content"},
    ]  # fmt: skip
    assert was == (2, "amended", 999.5, "Cel", ['urn:c|\\"{},', '=\\"{},'])
    kept = set(ClinicalEntry.objects.values_list("version", "status_code", "value_number"))
    assert kept == {(3, "entered-in-error", number / 2) for number in range(2_000)}
    assert ResourceVersion.objects.count() == 6_000


def of_size(size):
    """A message of so many bytes: one document."""
    document = {
        "resourceType": "DocumentReference", "id": "d", "status": "current",
        "content": [{"attachment": {"contentType": "application/pdf", "data": ""}}],
    }  # fmt: skip
    message = bundle(entry(document))
    left = size - len(as_bytes(message))
    attachment: dict[str, Any] = document["content"][0]["attachment"]  # type: ignore[index]
    attachment["data"] = "JVBE" * (left // 4)
    return as_bytes(message) + b" " * (left % 4), attachment["data"]


def test_the_largest_message(quickly, system):
    """20 MB are taken in, in some hundred megabytes of memory, and come back as they were."""
    raw, data = of_size(settings.MAX_BODY_BYTES)
    before = getrusage(RUSAGE_SELF).ru_maxrss

    answer = quickly(raw)

    assert (len(raw), statuses(answer)) == (20 * 2**20, ["201 Created"])
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 400 * 2**10  # kilobytes
    location = answer.json()["entry"][0]["response"]["location"]
    back = system.get(f"/fhir/R4/{location}").json()
    assert back["content"][0]["attachment"]["data"] == data


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "消息超过 20971520 字节。请拆分为多个 Bundle"),
     ("en", "The message exceeds 20971520 bytes. Split it into several Bundles")],
)  # fmt: skip
def test_a_byte_more_than_the_largest(language, said, quickly, stored):
    raw, _ = of_size(settings.MAX_BODY_BYTES + 1)
    before = stored()

    answer = quickly(raw, **{"Accept-Language": language})

    assert (answer.status_code, first_issue(answer)) == (413, ("too-large", ""))
    assert answer.json()["issue"][0]["details"]["text"] == said
    assert stored() == before


class Sent(BytesIO):
    """What a client sends without saying how long it is (chunked), as the server hands it on."""

    def post(self, system):
        return system.generic(
            "POST", "/fhir/R4", content_type="application/fhir+json",
            **{"wsgi.input": self, "HTTP_TRANSFER_ENCODING": "chunked"},
        )  # fmt: skip


def test_a_message_in_chunks(system):
    assert statuses(Sent(as_bytes(bundle(entry(organisation(1))))).post(system)) == ["201 Created"]


def test_who_sends_too_much_may_end_the_sentence(system, monkeypatch):
    """A client that is cut off while it sends hears no answer; one that never ends is cut off."""
    monkeypatch.setattr(settings, "MAX_BODY_BYTES", 1024)
    monkeypatch.setattr(negotiation, "CHUNK", 100)
    little, endless = Sent(b" " * 3_000), Sent(b" " * 50_000)

    answers = [one.post(system) for one in (little, endless)]

    assert [(one.status_code, first_issue(one)[0]) for one in answers] == [(413, "too-large")] * 2
    assert (little.tell(), endless.tell()) == (3_000, 1_025 + 4_100)


def test_thousands_of_patients_are_stored_changed_and_taken_back(quickly):
    def patient(number, **parts):
        return {"resourceType": "Patient", "id": f"p{number}", "name": [{"text": f"张{number}"}],
                "telecom": [{"system": "phone", "value": f"1380000{number:04}"}], **parts}  # fmt: skip

    made = quickly(bundle(*(entry(patient(number)) for number in range(2_000))))
    changed = quickly(bundle(*(
        entry(patient(number, birthDate="1990-01-02")) for number in range(2_000)
    )))  # fmt: skip
    undone = quickly(bundle(*(
        {"request": {"method": "DELETE", "url": f"Patient/p{number}"}} for number in range(2_000)
    )))  # fmt: skip

    assert [set(statuses(one)) for one in (made, changed, undone)] == [
        {"201 Created"}, {"200 OK"}, {"204 No Content"},
    ]  # fmt: skip
    rows = PatientRegistration.objects.order_by("id").values_list(
        "name", "birth_date", "version", "deleted"
    )
    assert sorted(rows) == sorted(
        (f"张{number}", date(1990, 1, 2), 3, True) for number in range(2_000)
    )
    assert RegistrationVersion.objects.count() == 4_000
    assert Counter(Event.objects.values_list("name", flat=True)) == {
        "registration.recorded": 2_000, "registration.changed": 4_000, "records.received": 3,
    }  # fmt: skip
    audited = AuditRow.objects.filter(action="record.write").values_list("registration_id")
    assert set(Counter(audited).values()) == {3}


def test_more_entries_than_a_message_may_have(quickly, stored):
    before = stored()

    answer = quickly(bundle(*[{}] * (settings.MAX_ENTRIES + 1)))

    assert (answer.status_code, first_issue(answer)) == (413, ("entry-many", "Bundle.entry"))
    assert stored() == before


def test_more_attachments_than_a_message_may_have(quickly, system, stored):
    part = {"attachment": {"contentType": "text/plain", "data": "AAAA"}}
    document = {"resourceType": "DocumentReference", "id": "d", "status": "current"}
    before = stored()

    many = quickly(bundle(entry(document | {"content": [part] * (settings.MAX_ENTRIES + 1)})))

    assert (many.status_code, first_issue(many)) == (413, ("attachment-many", ""))
    assert stored() == before
    fewer = quickly(bundle(entry(document | {"content": [part] * 1_000})))
    assert statuses(fewer) == ["201 Created"]
    location = fewer.json()["entry"][0]["response"]["location"]
    assert system.get(f"/fhir/R4/{location}").json()["content"] == [part] * 1_000


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_an_answer_does_not_swell(type_, quickly, stored):
    """Fifty faults in each of a thousand entries, in a megabyte."""
    faults = {f"f{number}": 1 for number in range(50)}
    before = stored()

    answer = quickly(bundle(*(entry(result(n, **faults)) for n in range(1_000)), type_=type_))

    listed = answer.content.count(b'"element-unknown"')
    if type_ == "batch":
        assert set(statuses(answer)) == {"422"}
        assert listed == 10_000 + 800  # each further entry keeps its first
    else:
        assert answer.status_code == 422
        assert listed == 100
    assert len(answer.content) < 4_000_000
    assert stored() == before | {"Event": before["Event"] + (type_ == "batch")}


def test_broken_references_do_not_swell_the_answer(quickly):
    broken = [{"reference": f"Practitioner/none-{number}"} for number in range(90)]

    answer = quickly(bundle(
        *(entry(result(number, performer=broken)) for number in range(400)), type_="batch"
    ))  # fmt: skip

    assert set(statuses(answer)) == {"422"}
    assert 10_000 <= answer.content.count(b'"reference-resolves"') <= 10_400


def test_thousands_of_numbers_to_be_cut_out(quickly):
    """Every phone of a patient is looked for in every other text of the message."""
    phones = [{"system": "phone", "value": f"1380000{number:04}"} for number in range(5_000)]
    whose = {"resourceType": "Patient", "id": "p", "telecom": phones}
    told = [entry(result(number, note=[{"text": f"call 0{number:05}x"}])) for number in range(500)]

    answer = quickly(bundle(entry(whose), *told))

    assert set(statuses(answer)) == {"201 Created"}
    sealed = ResourceVersion.objects.filter(sealed__isnull=False)
    assert [one.resource_type for one in sealed] == ["Patient"]
