"""By which names later messages find a patient, and which resource an id means."""

import pytest

from health_records.models import ClinicalEntry, SourceParty
from registry.patients.models import PatientRegistration, RegistrationVersion
from registry.patients.rules import MOST_NAMES, with_name
from tests.factories.fhir import as_bytes, bundle, entry, patient
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

JSON = "application/fhir+json"


def called(id_, local="A", **parts):
    return patient(local, number=None) | {"id": id_} | parts


def about(reference, id_="c"):
    return bundle(entry({
        "resourceType": "Condition", "id": id_, "subject": {"reference": reference},
    }))  # fmt: skip


def rule_of(answer):
    issue = answer.json()["issue"][0]
    return issue["details"]["coding"][0]["code"], issue["expression"][0]


def names():
    return dict(PatientRegistration.objects.values_list("local_id", "source_keys"))


@pytest.fixture
def put(system):
    """PUT a resource to its address."""

    def send(address, resource, **headers):
        return system.put(f"/fhir/R4/{address}", as_bytes(resource), JSON, headers=headers)

    return send


def test_an_update_by_our_id_leaves_the_hospitals_name_alone(push, put):
    push(bundle(entry(called("p1"))))
    ours = str(PatientRegistration.objects.get().id)

    updated = put(f"Patient/{ours}", called(ours, gender="female"))

    assert updated.status_code == 200, updated.content
    assert names() == {"A": ["p1"]}
    answers = [push(about(f"Patient/{name}", name)) for name in ("p1", ours)]
    assert [one.status_code for one in answers] == [200, 200]
    assert {str(one.registration_id) for one in ClinicalEntry.objects.all()} == {ours}


@pytest.mark.parametrize("more", [{}, {"gender": "female"}], ids=["unchanged", "changed"])
def test_every_name_is_kept(more, push):
    push(bundle(entry(called("p1"))))

    answer = push(bundle(entry(called("p2", **more)), {
        "request": {"method": "DELETE", "url": "Condition/none"},
    }))  # fmt: skip

    assert answer.status_code == 200, answer.content
    assert names() == {"A": ["p1", "p2"]}
    assert RegistrationVersion.objects.count() == (2 if more else 1)
    assert push(about("Patient/p1", "c1")).status_code == 200
    assert push(about("Patient/p2", "c2")).status_code == 200
    assert push(bundle(entry(called("p2", **more)), type_="batch")).status_code == 200
    assert names() == {"A": ["p1", "p2"]}


def test_a_condition_adds_the_name_that_it_was_told(push, put):
    push(bundle(entry(called("p1"))))

    answer = put("Patient?identifier=urn:test:mrn|A", called("p9"))

    assert answer.status_code == 200, answer.content
    assert names() == {"A": ["p1", "p9"]}


def test_a_fullurl_is_no_name(push):
    bare = called("x")
    del bare["id"]

    assert push(bundle(entry(bare))).status_code == 200
    assert names() == {"A": []}


def test_a_name_of_two_patients_means_neither(push, stored):
    push(bundle(entry(called("p1"))))
    push(bundle(entry(called("p1", "B"))))
    assert names() == {"A": ["p1"], "B": ["p1"]}
    before = stored()

    answer = push(about("Patient/p1"))

    assert rule_of(answer) == ("reference-unique", "Bundle.entry[0].resource.subject")
    assert stored() == before
    inside = entry(called("p1", "B"))
    told = push(bundle(inside, about("Patient/p1")["entry"][0]))
    assert told.status_code == 200, told.content
    whose = ClinicalEntry.objects.get().registration
    assert whose.local_id == "B"


def test_a_name_of_two_patients_deletes_neither(push, system, stored):
    push(bundle(entry(called("p1"))))
    push(bundle(entry(called("p1", "B"))))
    before = stored()

    answer = system.delete("/fhir/R4/Patient/p1")

    assert (answer.status_code, rule_of(answer)) == (422, ("reference-unique", "http.url"))
    assert stored() == before
    assert system.delete("/fhir/R4/Patient?_id=p1").status_code == 412
    one = PatientRegistration.objects.get(local_id="A").id
    assert system.delete(f"/fhir/R4/Patient/{one}").status_code == 204
    assert push(about("Patient/p1")).status_code == 200


def test_another_hospitals_patient_of_that_name_is_another(push):
    push(bundle(entry(called("p1"))))
    other = as_hospital(OrganisationFactory())
    other.post("/fhir/R4", as_bytes(bundle(entry(called("p1", "B")))), content_type=JSON)
    assert names() == {"A": ["p1"], "B": ["p1"]}

    assert push(about("Patient/p1")).status_code == 200
    assert ClinicalEntry.objects.get().registration.local_id == "A"


def test_our_id_with_another_patients_number_is_refused(push, put, stored):
    push(bundle(entry(called("p1")), entry(called("p2", "B"))))
    ours = PatientRegistration.objects.get(local_id="A").id
    before = stored()

    for number in ("B", "C"):
        answer = put(f"Patient/{ours}", called(str(ours), number, gender="female"))
        assert (answer.status_code, rule_of(answer)) == (422, ("condition-differs", "Patient"))

    assert stored() == before
    assert set(PatientRegistration.objects.values_list("sex", "version")) == {("1", 1)}


def test_our_id_goes_before_a_name(push, put):
    """A hospital may have stored our id as its own id of something else."""
    push(bundle(entry({"resourceType": "Practitioner", "id": "dr"})))
    ours = str(SourceParty.objects.get().id)
    push(bundle(entry({"resourceType": "Practitioner", "id": ours, "gender": "male"})))
    assert SourceParty.objects.count() == 2

    updated = put(
        f"Practitioner/{ours}", {"resourceType": "Practitioner", "id": ours, "gender": "female"}
    )
    answer = push(bundle(entry({
        "resourceType": "PractitionerRole", "id": "r",
        "practitioner": {"reference": f"Practitioner/{ours}"},
    })))  # fmt: skip

    assert updated.status_code == 200, updated.content
    assert updated.json()["id"] == ours
    assert answer.status_code == 200, answer.content
    assert set(SourceParty.objects.values_list("source_key", "version")) == {
        ("dr", 2), (ours, 1), ("r", 1),
    }  # fmt: skip


def test_the_oldest_names_go_when_there_are_very_many():
    many = [str(number) for number in range(MOST_NAMES)]

    assert with_name(many, "5") == many
    assert with_name(many, "") == many
    assert with_name(many, "new") == [*many[1:], "new"]
    assert with_name([], "p1") == ["p1"]
