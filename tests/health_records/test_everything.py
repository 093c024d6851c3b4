"""The whole record of a patient, page by page, and what search results refer to."""

from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import pytest

from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.factories.fhir import entry, visit
from tests.factories.registry import IdentityLinkFactory, OrganisationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]


@pytest.fixture
def pushed(push):
    """Two visits of one patient and one of another, with a doctor, a medicine and a prescription."""
    message = visit("A-1", visit="V1")
    whose = {"reference": message["entry"][0]["fullUrl"]}
    doctor = entry({
        "resourceType": "Practitioner", "name": [{"text": "李医生"}],
        "identifier": [{"system": "urn:doctors", "value": "D1"}],
    })  # fmt: skip
    medicine = entry({"resourceType": "Medication", "code": {"text": "阿莫西林"}})
    order = entry({
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "subject": whose, "authoredOn": "2026-10-01T09:15:00+08:00",
        "requester": {"reference": doctor["fullUrl"]},
        "medicationReference": {"reference": medicine["fullUrl"]},
    })  # fmt: skip
    stranger = entry({"resourceType": "Practitioner", "name": [{"text": "旁人"}]})
    message["entry"] += [doctor, medicine, order, stranger]
    answer = push(message)
    assert answer.status_code == 200, answer.content
    push(visit("A-1", visit="V2"))
    push(visit("B-2", visit="V3"))
    return [one["response"]["location"].split("/")[1] for one in answer.json()["entry"]]


def everything(client, id_, **asked):
    return client.get(f"/fhir/R4/Patient/{id_}/$everything", asked)


def types(bundle):
    return [one["resource"]["resourceType"] for one in bundle.get("entry", [])]


def test_the_patient_what_happened_and_what_it_refers_to(system, pushed):
    answer = everything(system, pushed[0])

    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert [link["relation"] for link in told["link"]] == ["self"]
    assert types(told)[0] == "Patient"
    assert "旁人" not in str(told)
    assert Counter(types(told)) == {
        "Patient": 1, "Encounter": 2, "Condition": 2, "Observation": 2, "DocumentReference": 2,
        "MedicationRequest": 1, "Practitioner": 1, "Medication": 1,
    }  # fmt: skip
    modes = {one["resource"]["resourceType"]: one["search"]["mode"] for one in told["entry"]}
    assert modes["Practitioner"] == modes["Medication"] == "include"
    for one in told["entry"]:
        read = system.get(one["fullUrl"].removeprefix("http://testserver"))
        assert read.json() == one["resource"]


@pytest.mark.parametrize("size", [1, 2, 5, 9, 10, 11, 12])
def test_pages_join(size, system, pushed):
    whole = [one["fullUrl"] for one in everything(system, pushed[0]).json()["entry"]]

    seen, page = [], everything(system, pushed[0], _count=size).json()
    while page is not None:
        assert 0 < len(page["entry"]) <= size
        seen += [one["fullUrl"] for one in page["entry"]]
        links = {one["relation"]: urlsplit(one["url"]) for one in page["link"]}
        after = links.get("next")
        page = system.get(after.path, dict(parse_qsl(after.query))).json() if after else None

    assert seen == whole
    assert len(seen) == 12


def test_narrowed(system, pushed):
    def only(**asked):
        return Counter(types(everything(system, pushed[0], **asked).json()))

    assert only(_type="Observation,Practitioner") == {"Observation": 2, "Practitioner": 1}
    assert only(_type="Patient") == {"Patient": 1}
    assert only(_since="2020-01-01")["Encounter"] == 2
    assert only(_since="2100-01-01") == {}
    assert only(start="2026-10-02")["Encounter"] == 0
    assert only(start="2026-10-01", end="2026-10-01")["Encounter"] == 2
    assert only(end="2026-09-30")["Encounter"] == 0
    assert only(start="2026-10-02")["Patient"] == 1


def test_what_is_not_understood(system, pushed):
    lenient = everything(system, pushed[0], favourite="x").json()
    strict = system.get(
        f"/fhir/R4/Patient/{pushed[0]}/$everything?favourite=x",
        headers={"Prefer": "handling=strict"},
    )

    assert lenient["entry"][-1]["search"]["mode"] == "outcome"
    assert strict.status_code == 400
    for name, text in [("_type", "Nothing"), ("_since", "x"), ("_count", "0"), ("start", "x"),
                       ("start", "le2026"), ("_cursor", "x")]:  # fmt: skip
        assert everything(system, pushed[0], **{name: text}).status_code == 400


def test_who_sees_it_and_what_is_left_behind(system, pushed):
    link = IdentityLinkFactory(registration_id=pushed[0])
    resident = as_somebody(Role.RESIDENT, person_id=link.person_id)
    stranger, office = as_hospital(OrganisationFactory()), as_somebody(Role.OPERATOR)

    statuses = [
        everything(one, pushed[0]).status_code for one in (system, resident, stranger, office)
    ]

    assert statuses == [200, 200, 404, 403]
    assert "Practitioner" in types(everything(resident, pushed[0]).json())
    rows = AuditRow.objects.filter(action="record.search", registration_id=pushed[0])
    assert list(rows.order_by("id").values_list("outcome", "reason", "count")) == [
        ("allowed", "source_hospital", 12), ("allowed", "own_record", 12),
        ("refused", "no-fact", None), ("refused", "no-rule", None), ("allowed", "own_record", 12),
    ]  # fmt: skip


@pytest.mark.parametrize("id_", ["0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d", "nobody"])
def test_nobody_has_no_record(id_, system):
    assert everything(system, id_).status_code == 404


def test_includes(system, pushed):
    def ask(*includes, type_="MedicationRequest"):
        query = "&".join(f"_include={one}" for one in includes)
        told = system.get(f"/fhir/R4/{type_}?patient={pushed[0]}&{query}").json()
        return {
            (one["resource"]["resourceType"], one["search"]["mode"]) for one in told["entry"]
        }  # fmt: skip

    match = ("MedicationRequest", "match")
    assert ask("MedicationRequest:requester") == {match, ("Practitioner", "include")}
    assert ask("MedicationRequest:patient") == {match, ("Patient", "include")}
    assert ask("MedicationRequest:subject:Patient", "MedicationRequest:medication") == {
        match, ("Patient", "include"), ("Medication", "include")
    }  # fmt: skip
    assert ask("MedicationRequest:requester:Organization") == {match}
    assert ask("Observation:encounter", type_="Observation") == {
        ("Observation", "match"), ("Encounter", "include")
    }  # fmt: skip


def test_each_include_once_and_no_match_twice(system, pushed):
    told = system.get(
        f"/fhir/R4/Observation?patient={pushed[0]}&_include=Observation:subject"
    ).json()

    assert types(told) == ["Observation", "Observation", "Patient"]
