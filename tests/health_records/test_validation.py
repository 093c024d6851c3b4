"""Resources are checked against the R4 definitions: exact path and rule."""

from typing import Any

import pytest

from health_records.formats.fhir.issues import Issue
from health_records.formats.fhir.validation import codes
from health_records.formats.fhir.validation.findings import Findings
from health_records.formats.fhir.validation.resources import (
    paths_to,
    validate,
    validate_entry,
    validate_envelope,
)
from tests.health_records.validating import (
    ABSENT,
    CLAIM,
    CLAIM_ITEM,
    CONDITION,
    DIV,
    OBSERVATION,
    PATIENT,
    said,
)


@pytest.mark.parametrize(
    "resource", [PATIENT, OBSERVATION, CONDITION, CLAIM], ids=lambda one: one["resourceType"]
)
def test_sound_resources(resource):
    assert said(resource) == []


NESTED = {"url": "urn:x", "valueBoolean": True}
FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = {
    "unknown element": (PATIENT, {"fhir_comments": "x"}, ("Patient", "element-unknown")),
    "unknown below": (PATIENT, {"name": [{"family": "张", "frist": "三"}]}, ("Patient.name[0]", "element-unknown")),
    "element of another type": (PATIENT, {"status": "final"}, ("Patient", "element-unknown")),
    "a choice of a type not offered": (OBSERVATION, {"valueQuantity": ..., "valueDecimal": 1.5}, ("Observation", "element-unknown")),
    "extension beside an object": (PATIENT, {"_name": [{"id": "x"}]}, ("Patient", "element-unknown")),
    "an object for a list": (OBSERVATION, {"category": {"text": "x"}}, ("Observation.category", "array")),
    "a text for a list": (PATIENT, {"meta": {"profile": "urn:x"}}, ("Patient.meta.profile", "array")),
    "a list for one": (PATIENT, {"gender": ["male"]}, ("Patient.gender", "no-array")),
    "a list for an object": (OBSERVATION, {"code": [{"text": "x"}]}, ("Observation.code", "no-array")),
    "a text for an object": (OBSERVATION, {"code": "8310-5"}, ("Observation.code", "object")),
    "an empty list": (PATIENT, {"name": []}, ("Patient.name", "array-empty")),
    "an empty object": (PATIENT, {"name": [{}]}, ("Patient.name[0]", "object-empty")),
    "an object with an id only": (PATIENT, {"name": [{"id": "x"}]}, ("Patient.name[0]", "object-empty")),
    "an empty text": (PATIENT, {"language": ""}, ("Patient.language", "text-empty")),
    "null": (PATIENT, {"gender": None}, ("Patient.gender", "null")),
    "null for an object": (OBSERVATION, {"code": None}, ("Observation.code", "null")),
    "null for a list": (PATIENT, {"name": None}, ("Patient.name", "null")),
    "null in a list": (PATIENT, {"name": [{"given": ["三", None]}]}, ("Patient.name[0].given[1]", "null")),
    "null in a list of objects": (PATIENT, {"name": [None]}, ("Patient.name[0]", "null")),
    "null with nothing beside it": (
        PATIENT, {"name": [{"given": [None], "_given": [None]}]}, ("Patient.name[0].given[0]", "null")),
    "an empty extension beside": (PATIENT, {"_gender": {}}, ("Patient.gender", "object-empty")),
    "an empty extension beside an item": (
        PATIENT, {"name": [{"given": ["三"], "_given": [{}]}]}, ("Patient.name[0].given[0]", "object-empty")),
    "a list beside one": (PATIENT, {"_gender": [{"id": "x"}]}, ("Patient.gender", "no-array")),
    "one beside a list": (
        PATIENT, {"name": [{"given": ["三"], "_given": {"id": "x"}}]}, ("Patient.name[0].given", "array")),
    "a number for a text": (PATIENT, {"language": 7}, ("Patient.language", "not-string")),
    "a text for a boolean": (PATIENT, {"active": "true"}, ("Patient.active", "not-boolean")),
    "a number for a boolean": (PATIENT, {"active": 1}, ("Patient.active", "not-boolean")),
    "a boolean for a number": (
        OBSERVATION, {"valueQuantity": {"value": True}}, ("Observation.value.ofType(Quantity).value", "not-number")),
    "a text for a number": (
        OBSERVATION, {"valueQuantity": {"value": "38.5"}}, ("Observation.value.ofType(Quantity).value", "not-number")),
    "a boolean for an integer": (
        PATIENT, {"multipleBirthInteger": True}, ("Patient.multipleBirth.ofType(integer)", "not-integer")),
    "a decimal for an integer": (
        PATIENT, {"multipleBirthInteger": 2.0}, ("Patient.multipleBirth.ofType(integer)", "not-integer")),
    "too large an integer": (
        PATIENT, {"multipleBirthInteger": 2**31}, ("Patient.multipleBirth.ofType(integer)", "integer-range")),
    "zero where one is least": (
        CLAIM, {"item": [CLAIM_ITEM | {"sequence": 0}]}, ("Claim.item[0].sequence", "integer-range")),
    **{f"control character {ord(one)}": (PATIENT, {"name": [{"text": f"a{one}b"}]}, ("Patient.name[0].text", "text-characters"))
       for one in ("\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1b", "\x1f")},
    "a control character in a code": (PATIENT, {"language": "z\x1fh"}, ("Patient.language", "text-characters")),
    "a control character in an address": (PATIENT, {"implicitRules": "urn:x\x01"}, ("Patient.implicitRules", "text-characters")),
    "a wide blank in base64": (
        PATIENT, {"photo": [{"contentType": "image/png", "data": "AAEC\u3000AwQF"}]}, ("Patient.photo[0]", "base64")),
    "a line end in an address": (PATIENT, {"implicitRules": "urn:x\n"}, ("Patient.implicitRules", "uri-form")),
    "an element id with a blank": (PATIENT, {"name": [{"id": "a b", "text": "x"}]}, ("Patient.name[0].id", "element-id")),
    "an element id with a blank beside": (PATIENT, {"_gender": {"id": "a b"}}, ("Patient.gender.id", "element-id")),
    "too large an integer for JSON": (
        PATIENT, {"multipleBirthInteger": 10**20}, ("Patient.multipleBirth.ofType(integer)", "integer-range")),
    "a choice beside the reason of another": (
        OBSERVATION, {"_valueString": {"extension": [ABSENT]}}, ("Observation", "choice-once")),
    "two reasons of a choice": (
        OBSERVATION, {"valueQuantity": ..., "_valueString": {"extension": [ABSENT]}, "_valueTime": {"extension": [ABSENT]}},
        ("Observation", "choice-once")),
    "another type than the reference": (
        OBSERVATION, {"subject": {"reference": "Patient/cp", "type": "Group"}}, ("Observation.subject.type", "reference-type")),
    "another type than the reference elsewhere": (
        OBSERVATION, {"subject": {"reference": "https://his.example/r4/Patient/cp/_history/2", "type": "Group"}},
        ("Observation.subject.type", "reference-type")),
    "another type than what is contained": (
        PATIENT, {"managingOrganization": {"reference": "#hospital", "type": "Patient"}},
        ("Patient.managingOrganization.type", "reference-type")),
    "one id for two contained": (
        PATIENT, {"contained": [{"resourceType": "Organization", "id": "hospital", "name": name} for name in ("x", "y")]},
        ("Patient", "contained-id")),
    "a code with a blank": (PATIENT, {"language": " zh"}, ("Patient.language", "code-form")),
    "an address with a blank": (PATIENT, {"implicitRules": "http://a b"}, ("Patient.implicitRules", "uri-form")),
    "a uuid that is none": (PATIENT, {"implicitRules": "urn:uuid:1"}, ("Patient.implicitRules", "uuid-form")),
    "an oid that is none": (PATIENT, {"implicitRules": "urn:oid:x"}, ("Patient.implicitRules", "oid-form")),
    "an id too long": (PATIENT, {"id": "x" * 65}, ("Patient.id", "id-form")),
    "no such day": (PATIENT, {"birthDate": "2026-02-29"}, ("Patient.birthDate", "date")),
    "no leap year": (PATIENT, {"birthDate": "1900-02-29"}, ("Patient.birthDate", "date")),
    "no such month": (PATIENT, {"birthDate": "1990-13-01"}, ("Patient.birthDate", "date")),
    "a time without offset": (
        OBSERVATION, {"effectiveDateTime": "2026-10-01T09:05:00"}, ("Observation.effective.ofType(dateTime)", "date")),
    "an instant without a clock": (OBSERVATION, {"issued": "2026-10-01"}, ("Observation.issued", "instant")),
    "a time that is none": (
        OBSERVATION, {"valueQuantity": ..., "valueTime": "25:00:00"}, ("Observation.value.ofType(time)", "time")),
    "no base64": (PATIENT, {"photo": [{"contentType": "image/png", "data": "a.b"}]}, ("Patient.photo[0]", "base64")),
    "a required element missing": (OBSERVATION, {"code": ...}, ("Observation", "required")),
    "a required choice missing": (
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}, {},
        ("MedicationRequest", "required")),
    "a required text missing": (CLAIM, {"item": [{"sequence": 1}]}, ("Claim.item[0]", "required")),
    "two of a choice": (OBSERVATION, {"valueString": "x"}, ("Observation", "choice-once")),
    "a code of no value set": (OBSERVATION, {"status": "completed"}, ("Observation.status", "code-unknown")),
    "a code with a reason only": (
        OBSERVATION, {"status": ..., "_status": {"extension": [ABSENT]}}, ("Observation.status", "code-required")),
    "a concept of no value set": (
        CONDITION, {"clinicalStatus": {"coding": [{"system": "urn:x", "code": "active"}]}},
        ("Condition.clinicalStatus", "code-unknown")),
    "a concept in words only": (CONDITION, {"clinicalStatus": {"text": "active"}}, ("Condition.clinicalStatus", "code-required")),
    "a system that is no address": (
        OBSERVATION, {"code": {"coding": [{"system": "ICD-10", "code": "x"}]}},
        ("Observation.code.coding[0].system", "coding-system")),
    "a value set as the system": (
        OBSERVATION, {"code": {"coding": [{"system": "http://hl7.org/fhir/ValueSet/x", "code": "x"}]}},
        ("Observation.code.coding[0].system", "coding-system")),
    "a target not allowed": (OBSERVATION, {"subject": {"reference": "Practitioner/1"}}, ("Observation.subject", "reference-target")),
    "a searched target not allowed": (
        OBSERVATION, {"encounter": {"reference": "Patient?identifier=a|b"}}, ("Observation.encounter", "reference-target")),
    "a contained target not allowed": (
        PATIENT, {"managingOrganization": ..., "generalPractitioner": [{"reference": "#x"}],
                  "contained": [{"resourceType": "Patient", "id": "x", "active": True}]},
        ("Patient.generalPractitioner[0]", "reference-target")),
    "nothing of that name contained": (
        PATIENT, {"managingOrganization": {"reference": "#x"}}, ("Patient.managingOrganization", "ref-1")),
    "a fault in what is contained": (
        PATIENT, {"contained": [{"resourceType": "Organization", "id": "hospital", "nmae": "x", "name": "x"}]},
        ("Patient.contained[0]", "element-unknown")),
    "an unknown type contained": (
        PATIENT, {"managingOrganization": ..., "contained": [{"resourceType": "Hospital", "id": "x"}]},
        ("Patient.contained[0].resourceType", "resource-type")),
    "a text contained": (
        PATIENT, {"managingOrganization": ..., "contained": ["x"]}, ("Patient.contained[0]", "object")),
    "contained in contained": (
        PATIENT, {"contained": [{"resourceType": "Organization", "id": "hospital", "name": "x",
                                 "contained": [{"resourceType": "Patient", "id": "y", "active": True}]}]},
        ("Patient", "dom-2")),
    "a version contained": (
        PATIENT, {"contained": [{"resourceType": "Organization", "id": "hospital", "name": "x", "meta": {"versionId": "1"}}]},
        ("Patient", "dom-4")),
    "a label contained": (
        PATIENT, {"contained": [{"resourceType": "Organization", "id": "hospital", "name": "x",
                                 "meta": {"security": [{"code": "x"}]}}]},
        ("Patient", "dom-5")),
    "an extension without value": (PATIENT, {"extension": [{"url": "urn:x"}]}, ("Patient.extension[0]", "ext-1")),
    "an extension with both": (
        PATIENT, {"extension": [{"url": "urn:x", "valueCode": "a", "extension": [NESTED]}]}, ("Patient.extension[0]", "ext-1")),
    "an extension without url": (PATIENT, {"extension": [{"valueCode": "a"}]}, ("Patient.extension[0]", "required")),
    "a fault in an extension": (
        PATIENT, {"extension": [{"url": "urn:x", "valueCodeableConcept": {"txet": "x"}}]},
        ("Patient.extension[0].value.ofType(CodeableConcept)", "element-unknown")),
    "a comparator on a simple quantity": (
        OBSERVATION, {"referenceRange": [{"low": {"value": 1, "comparator": ">"}}]},
        ("Observation.referenceRange[0].low", "element-unknown")),
    "a script": (PATIENT, {"text": {"status": "generated", "div": DIV.format("<script>x</script>")}}, ("Patient.text.div", "txt-1")),
    "a handler": (PATIENT, {"text": {"status": "generated", "div": DIV.format('<p onclick="x">x</p>')}}, ("Patient.text.div", "txt-1")),
    "another namespace": (PATIENT, {"text": {"status": "generated", "div": "<div>x</div>"}}, ("Patient.text.div", "txt-1")),
    "an unknown entity": (PATIENT, {"text": {"status": "generated", "div": DIV.format("&bomb;")}}, ("Patient.text.div", "txt-1")),
    "a document type": (
        PATIENT, {"text": {"status": "generated", "div": '<!DOCTYPE div [<!ENTITY a "b">]>' + DIV.format("&a;")}},
        ("Patient.text.div", "txt-1")),
    "nothing to read": (PATIENT, {"text": {"status": "generated", "div": DIV.format(" &nbsp; ")}}, ("Patient.text.div", "txt-2")),
    "broken tags": (PATIENT, {"text": {"status": "generated", "div": DIV.format("<p>")}}, ("Patient.text.div", "xhtml")),
    "a number as narrative": (PATIENT, {"text": {"status": "generated", "div": 7}}, ("Patient.text.div", "not-string")),
    "null as narrative": (PATIENT, {"text": {"status": "generated", "div": None}}, ("Patient.text.div", "null")),
    "an invariant": (OBSERVATION, {"dataAbsentReason": {"text": "x"}}, ("Observation", "obs-6")),
    "an invariant below": (OBSERVATION, {"referenceRange": [{"age": {"low": {"value": 1}}}]}, ("Observation.referenceRange[0]", "obs-3")),
    "an invariant of an element": (
        {"resourceType": "Organization", "name": "x"}, {"telecom": [{"system": "phone", "value": "1", "use": "home"}]},
        ("Organization.telecom[0]", "org-3")),
    "an unknown people's group": (
        PATIENT, {"extension": [{"url": "urn:x", "valueCoding": {"system": "urn:oid:2.16.156.10011.2.3.3.3", "code": "57"}}]},
        ("Patient.extension[0].value.ofType(Coding).code", "our-code")),
    "an unknown identity document": (
        PATIENT, {"identifier": [{"system": "urn:jianqiao:identity-document:55", "value": "x"}]},
        ("Patient.identifier[0].system", "our-code")),
    "an unknown insurance": (
        {"resourceType": "Coverage", "status": "active", "beneficiary": {"display": "x"}, "payor": [{"display": "x"}]},
        {"type": {"coding": [{"system": "urn:jianqiao:insurance-type", "code": "66"}]}},
        ("Coverage.type.coding[0].code", "our-code")),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault(name):
    resource, changes, expected = FAULTS[name]

    assert said(resource, **changes) == [expected]


SOUND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a resource with nothing": ({"resourceType": "Patient"}, {}),
    "a resource with nothing contained": (
        OBSERVATION, {"contained": [{"resourceType": "Patient"}, {"resourceType": "Patient"}]}),
    "lines, and characters beyond ASCII": (
        PATIENT, {"name": [{"text": "a\tb\r\nc\x7f\x85\u3000"}], "implicitRules": "urn:x:\x7f"}),
    "element ids of any characters": (PATIENT, {"name": [{"id": "a.b:1/名", "text": "x"}]}),
    "a decimal beyond 64 bits": (OBSERVATION, {"valueQuantity": {"value": 10**20}}),
    "a choice with a reason beside it": (
        OBSERVATION, {"valueQuantity": ..., "valueString": "x", "_valueString": {"extension": [ABSENT]}}),
    "the type of the reference": (
        OBSERVATION, {"subject": {"reference": "Patient/cp", "type": "Patient"},
                      "performer": [{"reference": "https://his.example/Patient/1", "type": "http://hl7.org/fhir/StructureDefinition/Patient"},
                                    {"reference": "https://his.example/Person/Card/1", "type": "Patient"},
                                    {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000", "type": "Patient"}]}),
    "an image map and an address": (
        PATIENT, {"text": {"status": "generated", "div": DIV.format(
            '<map name="m"><area shape="rect" coords="0,0,1,1" href="#a" alt="x"/></map><address>某路 1 号</address>')}}),
    "primitives with extensions only": (PATIENT, {"gender": ..., "language": ..., "_language": {"extension": [ABSENT]}}),
    "a required element with a reason only": (
        CLAIM, {"item": [{"productOrService": {"text": "x"}, "_sequence": {"extension": [ABSENT]}}]}),
    "a required choice with a reason only": (
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "x"}, "patient": {"display": "x"},
         "_occurrenceString": {"extension": [ABSENT]}}, {}),
    "other servers and fragments": (OBSERVATION, {"subject": {"reference": "https://elsewhere.example/Practitioner/1"}}),
    "the container itself": (
        PATIENT, {"managingOrganization": ..., "contained": [{
            "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "#"}}]}),
    "a long id contained": (
        PATIENT, {"managingOrganization": ..., "contained": [{"resourceType": "Organization", "id": "x" * 65, "name": "x"}]}),
    "codes of other countries": (
        OBSERVATION, {"code": {"coding": [{"system": "urn:oid:1.2.3", "code": "57"}]}, "language": "zh-CN"}),
    "our codes": (
        PATIENT, {"extension": [{"url": "urn:x", "valueCoding": {"system": "urn:oid:2.16.156.10011.2.3.3.3", "code": "26"}}],
                  "identifier": [{"system": "urn:jianqiao:identity-document:A1", "value": "810000199003070018"}]}),
    "a system of ours without code": (
        OBSERVATION, {"code": {"coding": [{"system": "urn:jianqiao:insurance-type", "display": "x"}]}}),
    "an image alone": (PATIENT, {"text": {"status": "generated", "div": DIV.format('<img src="#a" alt="x"/>')}}),
    "a leap second and a century": (
        OBSERVATION, {"effectiveDateTime": "2000-02-29T23:59:60.5Z", "issued": "2016-12-31T23:59:60+00:00"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_what_is_allowed(name):
    resource, changes = SOUND[name]

    assert said(resource, **changes) == []


def test_all_faults_are_told_at_once():
    assert said(
        OBSERVATION, status="gone", code=..., referenceRange=[{}], valueString="x", issued="now"
    ) == [
        ("Observation.status", "code-unknown"),
        ("Observation.issued", "instant"),
        ("Observation.referenceRange[0]", "object-empty"),
        ("Observation.referenceRange[0]", "obs-3"),
        ("Observation", "required"),
        ("Observation", "choice-once"),
    ]


def test_very_many_faults_are_cut_off():
    assert len(said(PATIENT, name=[{}] * 5_000)) == 100
    assert len(said(PATIENT, **{f"x{place}": 1 for place in range(5_000)})) == 100
    assert len(said(PATIENT, name=[{"given": ["x"], "_given": [{}] * 5_000}])) == 100


@pytest.mark.parametrize(
    "circle",
    [
        lambda inner: {"url": "urn:x", "extension": [inner]},
        lambda inner: {"url": "urn:x", "valueReference": {"identifier": {"extension": [inner]}}},
    ],
)
def test_circles_end(circle):
    inner = NESTED
    for _ in range(80):
        inner = circle(inner)

    (path, rule), *others = said(PATIENT, extension=[inner])

    assert (rule, others) == ("json-depth", [])
    assert path.startswith("Patient.extension[0].")


def test_resources_within_resources_end():
    inner = {"resourceType": "Patient", "id": "x", "active": True}
    for _ in range(80):
        inner = {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": inner}]}

    assert [rule for _, rule in said(inner)] == ["json-depth"]


def test_no_resource():
    assert validate("x", "Bundle.entry[0].resource") == [
        Issue("object", "Bundle.entry[0].resource")
    ]
    assert validate({}, "Bundle.entry[0].resource") == [
        Issue("resource-type", "Bundle.entry[0].resource.resourceType", "None")
    ]


def test_a_coding_known_again_is_still_looked_at(monkeypatch):
    monkeypatch.setattr(codes, "MOST_REMEMBERED", 1)
    sound = {"system": "urn:s", "code": "c", "display": "x"}

    assert said(OBSERVATION, code={"coding": [sound, sound, sound | {"code": "d"}, sound]}) == []
    for odd, rule in (
        ({"system": "urn:s", "code": "c", "dipslay": "x"}, "element-unknown"),
        (sound | {"version": 1}, "not-string"),
        (sound | {"display": None}, "null"),
        (sound | {"code": ["c"]}, "no-array"),
        ([sound], "no-array"),
    ):
        assert [one for _, one in said(OBSERVATION, code={"coding": [sound, odd]})] == [rule]


def test_findings():
    found = Findings()

    validate(
        PATIENT | {"link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}]},
        "Patient",
        found,
    )

    assert [(one["reference"], sorted(targets or ())) for one, targets in found.references] == [
        ("#hospital", ["Organization"]),
        ("Patient/2", ["Patient", "RelatedPerson"]),
    ]


def test_the_paths_to_references():
    extension = {"url": "urn:x", "valueReference": {"reference": "urn:uuid:1"}}
    resource = OBSERVATION | {"extension": [extension]}
    found = Findings()
    validate(resource, "Observation", found)
    first, second = (holder for holder, _ in found.references)

    assert paths_to([first, second, {"reference": "elsewhere"}], resource, "a.b") == {
        id(extension["valueReference"]): "a.b.extension[0].value.ofType(Reference)",
        id(resource["subject"]): "a.b.subject",
    }


def test_the_envelope():
    entry = {
        "resource": {},
        "request": {"method": "POST", "url": "Patient"},
        "fullUrl": "urn:uuid:1",
    }
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry], "total": 1, "tpye": "x"}

    assert validate_envelope(bundle) == [
        Issue("element-unknown", "Bundle", "tpye"),
        Issue("bdl-1", "Bundle"),
    ]
    del bundle["total"], bundle["tpye"]
    assert validate_envelope(bundle) == []
    for part, rule in (("search", "bdl-2"), ("response", "bdl-4")):
        with_part = bundle | {"entry": [entry, entry | {part: {}}]}
        assert validate_envelope(with_part) == [Issue(rule, "Bundle")]
    assert validate_entry(entry | {"fullUrl": "Patient/1"}, "Bundle.entry[0]") == [
        Issue("full-url", "Bundle.entry[0]")
    ]
    assert validate_entry(entry, "Bundle.entry[0]") == [
        Issue("uuid-form", "Bundle.entry[0].fullUrl", "urn:uuid:1")
    ]
    assert validate_entry({"fullUrl": "urn:x:1"}, "Bundle.entry[0]") == [
        Issue("bdl-5", "Bundle.entry[0]")
    ]
