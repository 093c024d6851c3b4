"""The door lets in only what is valid, and tells everything that is not."""

import copy
from typing import Any

import pytest

from registry.terminology.models import CodeSystem, Concept
from tests.factories.fhir import bundle, entry, patient, visit

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

INSURANCE = "urn:jianqiao:insurance-type"


def told(answer):
    return [
        (one["expression"][0], one["details"]["coding"][0]["code"])
        for one in answer.json()["issue"]
    ]


def test_everything_wrong_with_a_transaction_is_told(push, stored):
    message = visit()
    message["entry"][0]["resource"] |= {"gender": "男", "birthDate": "1990-3-7"}
    message["entry"][1]["resource"]["klass"] = message["entry"][1]["resource"].pop("class")
    message["entry"][2]["resource"]["recorder"] = {"reference": "Practitioner/nobody"}

    answer = push(message)

    assert answer.status_code == 422
    assert told(answer) == [
        ("Bundle.entry[0].resource.gender", "code-unknown"),
        ("Bundle.entry[0].resource.birthDate", "date"),
        ("Bundle.entry[1].resource", "element-unknown"),
        ("Bundle.entry[1].resource", "required"),
        ("Bundle.entry[2].resource.recorder", "reference-resolves"),
    ]
    assert set(stored().values()) == {0}


def test_a_batch_keeps_the_valid_ones(push, stored):
    good, bad = entry(patient("1")), entry(patient("2") | {"gender": "男"})

    answer = push(bundle(good, bad, type_="batch"))

    first, second = (one["response"] for one in answer.json()["entry"])
    assert (first["status"], second["status"]) == ("201 Created", "422")
    assert second["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]
    assert stored()["PatientRegistration"] == 1


@pytest.mark.parametrize("method", ["post", "put"])
def test_a_single_resource(method, system, stored):
    path = "/fhir/R4/Patient" + ("/pat-00012345" if method == "put" else "")
    send = getattr(system, method)

    answer = send(path, patient() | {"gender": "男"}, content_type="application/json")

    assert (answer.status_code, told(answer)) == (422, [("Patient.gender", "code-unknown")])
    assert set(stored().values()) == {0}


def test_the_bundle_itself(push, stored):
    answer = push(visit() | {"tpye": "batch"})
    assert told(answer) == [("Bundle", "element-unknown")]

    odd = visit()
    odd["entry"][1]["request"]["ifMatch"] = 7
    assert told(push(odd)) == [("Bundle.entry[1].request.ifMatch", "not-string")]
    assert set(stored().values()) == {0}


def test_a_reference_inside_leads_to_an_allowed_type(push, stored):
    message = visit()
    place = message["entry"][1]["fullUrl"]
    message["entry"][2]["resource"]["subject"] = {"reference": place}

    answer = push(message)

    (issue,) = answer.json()["issue"]
    assert told(answer) == [("Bundle.entry[2].resource.subject", "reference-target")]
    assert issue["details"]["text"] == "引用的资源类型不允许：Encounter ≠ Group | Patient"
    assert set(stored().values()) == {0}


def test_codes_that_the_province_added(push, stored, arrives):
    with arrives():
        system = CodeSystem.objects.create(url=INSURANCE, name="险种")
        Concept.objects.create(system=system, code="310", display="职工基本医疗保险")
    coverage: dict[str, Any] = {
        "resourceType": "Coverage", "id": "c", "status": "active",
        "beneficiary": {"display": "张三"}, "payor": [{"display": "医保局"}],
        "type": {"coding": [{"system": INSURANCE, "code": "310"}]},
    }  # fmt: skip
    other = copy.deepcopy(coverage)
    other["type"]["coding"][0]["code"] = "666"

    refused = push(bundle(entry(other)))

    assert told(refused) == [("Bundle.entry[0].resource.type.coding[0].code", "our-code")]
    assert stored()["ClinicalEntry"] == 0
    assert push(bundle(entry(coverage))).status_code == 200
    assert stored()["ClinicalEntry"] == 1
