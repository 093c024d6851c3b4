"""Delete marks what was entered in error; nothing is erased."""

import pytest

from health_records.models import (
    ClinicalEntry,
    Document,
    DocumentContent,
    Encounter,
    ResourceVersion,
    SourceParty,
)
from health_records.timeline import timeline_of
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.events.models import Event
from registry.patients.models import PatientRegistration
from registry.persons.models import IdentityLink
from tests.factories.fhir import NOTE, bundle, entry, patient, visit
from tests.factories.registry import IdentityLinkFactory, OrganisationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

DOCTOR = {"resourceType": "Practitioner", "id": "dr-1", "name": [{"text": "李明"}]}


def rule_of(answer):
    return answer.json()["issue"][0]["details"]["coding"][0]["code"]


def delete(url, **request):
    return {"request": {"method": "DELETE", "url": url, **request}}


def test_a_result_becomes_entered_in_error(push, system):
    push(visit())
    result = ClinicalEntry.objects.get(resource_type="Observation")
    before = system.get(f"/fhir/R4/Observation/{result.id}").json()

    answer = system.delete(f"/fhir/R4/Observation/{result.id}")

    assert (answer.status_code, answer.content, answer["ETag"]) == (204, b"", 'W/"2"')
    after = system.get(f"/fhir/R4/Observation/{result.id}").json()
    assert after["status"] == "entered-in-error"
    assert {**after, "meta": 0, "status": 0} == {**before, "meta": 0, "status": 0}
    assert system.get(f"/fhir/R4/Observation/{result.id}/_history/1").json() == before
    result.refresh_from_db()
    assert (result.version, result.status_code, result.deleted) == (2, "entered-in-error", False)
    row = AuditRow.objects.filter(action="record.write").order_by("-id")[0]
    assert (row.outcome, row.count) == ("allowed", 1)


def test_the_timeline_shows_it(push, system):
    push(visit())
    whose = PatientRegistration.objects.get()
    IdentityLinkFactory(registration_id=whose.id)
    for type_ in ("Observation", "Condition"):
        system.delete(f"/fhir/R4/{type_}/{ClinicalEntry.objects.get(resource_type=type_).id}")
    push(bundle(entry({"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {
        "reference": f"Patient/{whose.id}"}})))  # fmt: skip
    system.delete("/fhir/R4/Basic/b")

    shown = {
        row.resource_type: row.status
        for row in timeline_of(list(IdentityLink.objects.all()), limit=10)
    }

    assert shown == {
        "Encounter": "finished", "DocumentReference": "current",
        "Observation": "entered-in-error", "Condition": "entered-in-error",
        "Basic": "entered-in-error",
    }  # fmt: skip


def test_a_condition_says_it_by_its_verification(push, system):
    push(visit())

    assert system.delete("/fhir/R4/Condition/con-V1").status_code == 204

    told = system.get(f"/fhir/R4/Condition/{ClinicalEntry.objects.get(source_key='con-V1').id}")
    assert "clinicalStatus" not in told.json()
    assert told.json()["verificationStatus"]["coding"] == [{
        "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
        "code": "entered-in-error",
    }]  # fmt: skip


def test_a_document_keeps_its_content(push, system):
    push(visit())
    document = Document.objects.get()

    system.delete(f"/fhir/R4/DocumentReference/{document.id}")

    document.refresh_from_db()
    assert (document.version, document.status_code, document.parts) == (2, "entered-in-error", 1)
    assert DocumentContent.objects.filter(resource_id=document.id).count() == 2
    content = system.get(f"/api/v1/documents/{document.id}/content")
    assert content.content.decode() == NOTE


def test_what_has_no_such_status_is_gone_and_its_versions_stay(push, system):
    created = push(DOCTOR, path="/fhir/R4/Practitioner").json()
    address = f"/fhir/R4/Practitioner/{created['id']}"

    assert system.delete(address).status_code == 204

    gone = system.get(address)
    assert (gone.status_code, gone.json()["issue"][0]["code"]) == (410, "deleted")
    assert system.get(f"{address}/_history/2").status_code == 410
    assert system.get(f"{address}/_history/1").json() == created
    party = SourceParty.objects.get()
    assert (party.version, party.deleted, party.name) == (2, True, "李明")
    assert ResourceVersion.objects.get(version=2).source == '{"resourceType":"Practitioner"}'


def test_it_may_be_brought_back(push, system):
    push(DOCTOR, path="/fhir/R4/Practitioner")
    system.delete("/fhir/R4/Practitioner/dr-1")

    back = system.put("/fhir/R4/Practitioner/dr-1", DOCTOR, content_type="application/json")

    assert (back.status_code, back["ETag"]) == (201, 'W/"3"')
    assert SourceParty.objects.get().deleted is False


def test_nothing_new_may_refer_to_it(push, system):
    push(DOCTOR, path="/fhir/R4/Practitioner")
    system.delete("/fhir/R4/Practitioner/dr-1")

    answer = push(bundle(entry({
        "resourceType": "PractitionerRole", "id": "r",
        "practitioner": {"reference": "Practitioner/dr-1"},
    })))  # fmt: skip

    assert (answer.status_code, rule_of(answer)) == (422, "reference-resolves")


def test_once_more_changes_nothing(push, system, stored):
    push(visit())
    push(DOCTOR, path="/fhir/R4/Practitioner")
    addresses = ["/fhir/R4/Observation/obs-V1", "/fhir/R4/Practitioner/dr-1"]
    for address in addresses:
        system.delete(address)
    before = stored()

    assert [system.delete(address).status_code for address in addresses] == [204, 204]
    assert stored() | {"Event": 0} == before | {"Event": 0}


@pytest.mark.parametrize("address", ["Observation/nothing", "Observation?identifier=s|7"])
def test_what_is_not_there_needs_no_deleting(address, system, stored):
    answer = system.delete(f"/fhir/R4/{address}", headers={"Prefer": "return=OperationOutcome"})

    assert answer.status_code == 200
    assert answer.json()["issue"][0]["details"]["text"] == "没有需要删除的资源"
    assert stored()["ResourceVersion"] == 0


def test_another_hospitals_is_not_touched(push):
    push(visit())
    result = ClinicalEntry.objects.get(resource_type="Observation")

    answer = as_hospital(OrganisationFactory()).delete(f"/fhir/R4/Observation/{result.id}")

    assert answer.status_code == 204
    result.refresh_from_db()
    assert (result.version, result.status_code) == (1, "final")


def test_a_patient_with_records_is_not_deleted(push, system, stored):
    push(visit())
    before = stored()

    answer = system.delete("/fhir/R4/Patient/pat-00012345")

    assert (answer.status_code, rule_of(answer)) == (409, "in-use")
    assert stored() == before


def test_a_patient_without_records_is_taken_back(push, system):
    created = push(patient(), path="/fhir/R4/Patient").json()
    seen = Event.objects.count()

    answer = system.delete(f"/fhir/R4/Patient/{created['id']}")

    assert answer.status_code == 204
    assert system.get(f"/fhir/R4/Patient/{created['id']}").status_code == 410
    assert system.get(f"/fhir/R4/Patient/{created['id']}/_history/1").json() == created
    row = PatientRegistration.objects.get()
    assert (row.deleted, row.version, row.name) == (True, 2, "张三")
    news = set(Event.objects.order_by("id").values_list("name", flat=True)[seen:])
    assert news == {"registration.changed", "records.received"}


def test_the_same_number_brings_the_patient_back(push, system):
    push(patient(), path="/fhir/R4/Patient")
    system.delete("/fhir/R4/Patient/pat-00012345")

    assert push(visit()).status_code == 200

    row = PatientRegistration.objects.get()
    assert (row.deleted, row.version) == (False, 3)


def test_deletes_in_a_transaction(push):
    push(visit())
    push(DOCTOR, path="/fhir/R4/Practitioner")

    answer = push(bundle(
        delete("Observation/obs-V1"), delete("Practitioner/dr-1"), delete("Device/none"),
        delete("Encounter?identifier=urn:test:visit|V1"),
    ))  # fmt: skip

    assert [one["response"] for one in answer.json()["entry"]] == [
        {"status": "204 No Content", "etag": 'W/"2"'},
        {"status": "204 No Content", "etag": 'W/"2"'},
        {"status": "204 No Content"},
        {"status": "204 No Content", "etag": 'W/"2"'},
    ]
    assert Encounter.objects.get().status_code == "entered-in-error"
    assert SourceParty.objects.get().deleted is True


def test_delete_and_update_of_one_resource_contradict(push, stored):
    push(visit())
    before = stored()
    again = entry({
        name: value for name, value in visit()["entry"][3]["resource"].items()
        if name not in {"subject", "encounter"}
    })  # fmt: skip

    answer = push(
        bundle(again, delete(f"Observation/{ClinicalEntry.objects.get(source_key='obs-V1').id}"))
    )

    assert (answer.status_code, rule_of(answer)) == (422, "resource-once")
    assert stored() == before


def test_of_many_none_is_deleted(push, system, stored):
    for id_ in ("a", "b"):
        push(bundle(entry({"resourceType": "Device", "id": id_, "identifier": [
            {"system": "s", "value": "1"}]})))  # fmt: skip
    before = stored()

    answer = system.delete("/fhir/R4/Device?identifier=s%7C1")

    assert (answer.status_code, rule_of(answer)) == (412, "condition-many")
    assert stored() == before


def test_a_batch_says_which_delete_failed(push):
    push(visit())

    answer = push(bundle(
        delete("Patient/pat-00012345"), delete("Observation/obs-V1"), type_="batch"
    ))  # fmt: skip

    assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == ["409", "204"]


def test_people_do_not_delete(push, hospital):
    push(visit())
    doctor = as_somebody(Role.CLINICIAN, organisation=hospital)

    assert doctor.delete("/fhir/R4/Observation/obs-V1").status_code == 403
    assert ClinicalEntry.objects.get(source_key="obs-V1").version == 1
