"""What a hospital pushes is stored whole, once, and comes back as it went in."""

import json

import pytest

from health_records.models import ClinicalEntry, Document, Encounter, Message, ResourceVersion
from health_records.states import MessageState
from kernel.audit.models import AuditRow
from kernel.events.models import Event
from registry.patients.models import PatientRegistration, RegistrationVersion
from tests.factories.fhir import NOTE, NUMBER, PHONE, bundle, entry, visit

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]


def test_a_visit_is_stored_with_its_columns(push, hospital):
    answer = push(visit())

    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["type"] == "transaction-response"
    assert [one["response"]["status"] for one in told["entry"]] == ["201 Created"] * 5
    registration = PatientRegistration.objects.get()
    assert (registration.organisation_id, registration.local_id) == (hospital.id, "00012345")
    assert (registration.name, registration.sex) == ("张三", "1")
    assert registration.birth_date.isoformat() == "1990-03-07"
    encounter = Encounter.objects.get()
    assert encounter.registration_id == registration.id
    assert encounter.class_code == "AMB"
    assert encounter.occurred_at.isoformat() == "2026-10-01T01:00:00+00:00"
    temperature = ClinicalEntry.objects.get(resource_type="Observation")
    assert (temperature.code_system, temperature.code) == ("http://loinc.org", "8310-5")
    assert (temperature.value_number, temperature.value_unit) == (38.5, "Cel")
    assert temperature.encounter_id == encounter.id
    assert Document.objects.get().parts == 1
    assert ResourceVersion.objects.count() == 5
    assert RegistrationVersion.objects.get().version == 1


def test_a_patient_without_any_number_is_a_new_one_each_time(push, system):
    nobody = {"resourceType": "Patient", "name": [{"text": "不详"}]}

    first, second = (push(nobody, path="/fhir/R4/Patient", **{"X-Message-Id": x}) for x in "ab")

    assert (first.status_code, second.status_code) == (201, 201)
    ids = [answer.json()["id"] for answer in (first, second)]
    rows = PatientRegistration.objects.order_by("id").values_list("id", "local_id", "source_keys")
    assert sorted((str(id_), *names) for id_, *names in rows) == sorted(
        (id_, f"urn:uuid:{id_}", []) for id_ in ids
    )
    about = {
        "resourceType": "Basic",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{ids[1]}"},
    }
    push(about, path="/fhir/R4/Basic")
    assert str(ClinicalEntry.objects.get().registration_id) == ids[1]
    again = system.put(
        f"/fhir/R4/Patient/{ids[0]}", nobody | {"id": ids[0], "gender": "male"},
        content_type="application/fhir+json",
    )  # fmt: skip
    assert (again.status_code, again.json()["meta"]["versionId"]) == (200, "2")
    assert PatientRegistration.objects.count() == 2


def test_a_patient_of_whom_nothing_is_said(push, stored):
    assert push({"resourceType": "Patient"}, path="/fhir/R4/Patient").status_code == 201
    assert push(bundle(entry({"resourceType": "Patient"}))).status_code == 200
    assert stored()["PatientRegistration"] == 2


@pytest.mark.parametrize("wanted", ["minimal", "representation", "OperationOutcome"])
@pytest.mark.parametrize("type_", ["transaction", "batch"])
def test_a_message_without_entries_is_kept_and_answered(type_, wanted, push, hospital, stored):
    message = {"resourceType": "Bundle", "type": type_}

    first, again = (push(message, Prefer=f"return={wanted}") for _ in range(2))

    kept = Message.objects.get(organisation=hospital)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert first.json() == {
        "resourceType": "Bundle",
        "id": str(kept.id),
        "type": f"{type_}-response",
    }
    assert (kept.state, kept.resources) == (MessageState.ACCEPTED, 0)
    assert {name: count for name, count in stored().items() if count} == {"Event": 1}


@pytest.mark.parametrize("digits", ["100000000000000000000", "-123456789012345678901234567890"])
def test_a_decimal_of_many_digits_comes_back_as_written(digits, push, system):
    observation = visit()["entry"][3]["resource"] | {"valueQuantity": {"value": int(digits)}}
    del observation["subject"], observation["encounter"]

    created = push(observation, path="/fhir/R4/Observation")

    assert created.status_code == 201, created.content
    address = f"/fhir/R4/Observation/{created.json()['id']}"
    for path in (
        address,
        f"{address}?_elements=value",
        "/fhir/R4/Observation?_id=" + address[-36:],
    ):
        assert f'"value":{digits}'.encode() in system.get(path).content.replace(b'": ', b'":')


def test_events_and_audit_are_written_with_it(push):
    push(visit())

    registration = PatientRegistration.objects.get()
    names = dict(Event.objects.values_list("name", "subject_id"))
    assert names["registration.recorded"] == registration.id
    assert Event.objects.get(name="records.received").related == [registration.id]
    row = AuditRow.objects.get(action="record.write")
    assert (row.outcome, row.registration_id, row.count) == ("allowed", registration.id, 5)


def test_what_went_in_comes_out(push, system):
    message = visit()
    locations = [one["response"]["location"] for one in push(message).json()["entry"]]

    for sent_entry, location in zip(message["entry"], locations, strict=True):
        type_, id_, _, _ = location.split("/")
        answer = system.get(f"/fhir/R4/{type_}/{id_}")
        assert answer.status_code == 200, answer.content
        assert answer["ETag"] == 'W/"1"'
        back, sent = answer.json(), sent_entry["resource"]
        assert back.pop("id") == id_
        assert back.pop("meta")["versionId"] == "1"
        sent = {key: value for key, value in sent.items() if key != "id"}
        for name in ("subject", "encounter", "context"):
            back.pop(name, None)
            sent.pop(name, None)
        assert back == sent


def test_no_number_stands_in_clear(push):
    push(visit())

    for row in ResourceVersion.objects.all():
        assert NUMBER not in row.source
        assert PHONE not in row.source
        assert NOTE not in row.source
    patient = ResourceVersion.objects.get(resource_type="Patient")
    assert json.loads(patient.source)["telecom"] == [{"system": "phone", "use": "mobile"}]
    assert patient.sealed is not None
    document = ResourceVersion.objects.get(resource_type="DocumentReference")
    assert json.loads(document.source)["text"] == {"status": "generated"}


def test_the_same_message_again_gets_the_first_answer(push, stored):
    message = visit()
    first, before = push(message), stored()

    again = push(message)

    assert (again.status_code, again.content) == (200, first.content)
    assert stored() == before


def with_visit_in(status, *, method="PUT"):
    """A message without an id that is the same each time: a patient, and the visit in this status."""
    whose, when = visit()["entry"][:2]
    del whose["fullUrl"], when["fullUrl"]
    when["resource"] |= {"status": status, "subject": {"reference": "Patient/pat-00012345"}}
    url = "Encounter/enc-V1" if method == "PUT" else "Encounter"
    return bundle(whose, when | {"request": {"method": method, "url": url}})


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_message_without_an_id_brings_an_older_state_back(method, push, stored):
    first = push(with_visit_in("in-progress", method=method))
    push(with_visit_in("onleave", method=method))

    third = push(with_visit_in("in-progress", method=method))
    before = stored()
    fourth = push(with_visit_in("in-progress", method=method))

    assert [one.status_code for one in (first, third)] == [200, 200]
    assert (fourth.status_code, fourth.content) == (200, third.content)
    (_, told) = third.json()["entry"]
    assert (told["response"]["status"], told["response"]["etag"]) == ("200 OK", 'W/"3"')
    assert Encounter.objects.get().status_code == "in-progress"
    assert (stored(), Message.objects.count()) == (before, 2)


def test_with_an_id_it_is_a_repetition_all_the_same(push):
    named = {"identifier": {"system": "urn:m", "value": "7"}}
    first = push(with_visit_in("in-progress") | named)
    push(with_visit_in("onleave"))

    again = push(with_visit_in("in-progress") | named)

    assert (again.status_code, again.content) == (200, first.content)
    assert Encounter.objects.get().status_code == "onleave"


def test_what_was_deleted_can_be_sent_anew(push, system):
    thing = {"resourceType": "Basic", "code": {"text": "x"}}
    first = push(thing, path="/fhir/R4/Basic").json()
    repeated = push(thing, path="/fhir/R4/Basic").json()
    system.delete(f"/fhir/R4/Basic/{first['id']}")

    anew = push(thing, path="/fhir/R4/Basic")

    assert (repeated, anew.status_code) == (first, 201)
    assert anew.json()["id"] != first["id"]
    assert system.get(f"/fhir/R4/Basic/{first['id']}").status_code == 410


def test_what_a_batch_was_refused_is_looked_at_again(push):
    """It waited for its patient; with the very bytes it is no repetition any more."""
    _, waiting = with_visit_in("finished")["entry"]
    waiting["resource"]["id"] = "waiting"
    waiting["request"]["url"] = "Encounter/waiting"
    message = bundle(waiting, type_="batch")
    refused = push(message)
    push(with_visit_in("finished"))

    taken, again = push(message), push(message)

    told = [one.json()["entry"][0]["response"]["status"] for one in (refused, taken, again)]
    assert told == ["422", "201 Created", "201 Created"]
    assert Encounter.objects.filter(source_key="waiting").count() == 1


def test_a_message_with_nameless_ones_is_repeated_whatever_became_of_the_others(push, stored):
    nameless = {
        "resource": {"resourceType": "Basic", "code": {"text": "x"}},
        "request": {"method": "POST", "url": "Basic"},
    }
    message = with_visit_in("in-progress")
    message["entry"].append(nameless)
    first = push(message)
    push(with_visit_in("onleave"))
    before = stored()

    again = push(message)

    assert (again.status_code, again.content) == (200, first.content)
    assert stored() == before


def test_the_same_id_with_other_bytes_is_refused(push, stored):
    assert push(visit() | {"identifier": {"system": "urn:m", "value": "7"}}).status_code == 200
    before = stored()

    answer = push(visit("00099999") | {"identifier": {"system": "urn:m", "value": "7"}})

    assert answer.status_code == 409
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "message-id-reused"
    assert stored() == before


def test_a_changed_resource_becomes_a_new_version(push, system):
    push(visit())
    encounter = Encounter.objects.get()
    message = visit()
    message["entry"][1]["resource"]["status"] = "cancelled"

    statuses = [one["response"]["status"] for one in push(message).json()["entry"]]

    assert statuses == ["200 OK"] * 5
    encounter.refresh_from_db()
    assert (encounter.version, encounter.status_code) == (2, "cancelled")
    assert ClinicalEntry.objects.get(resource_type="Observation").version == 1
    assert ResourceVersion.objects.count() == 6
    old = system.get(f"/fhir/R4/Encounter/{encounter.id}/_history/1").json()
    new = system.get(f"/fhir/R4/Encounter/{encounter.id}").json()
    assert (old["status"], new["status"]) == ("finished", "cancelled")


def test_only_a_changed_number_is_a_new_version_too(push):
    push(visit())

    push(visit(number="620102199003070034"))

    registration = PatientRegistration.objects.get()
    assert registration.version == 2
    assert list(RegistrationVersion.objects.order_by("version").values_list("version")) == [
        (1,),
        (2,),
    ]
    assert Event.objects.filter(name="registration.changed").count() == 1
