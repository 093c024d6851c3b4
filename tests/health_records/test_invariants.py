"""Every invariant in the table: what breaks it, what keeps it."""

from typing import Any

import pytest

from health_records.formats.fhir.issues import RULES
from health_records.formats.fhir.parsing import Decimal
from health_records.formats.fhir.validation.conditions import UCUM
from health_records.formats.fhir.validation.invariants import INVARIANTS
from health_records.formats.fhir.validation.structure import BEYOND_DEFINITIONS, definitions

HL7 = "http://terminology.hl7.org/CodeSystem/"


def concept(table, code):
    return {"coding": [{"system": HL7 + table, "code": code}]}


ERROR_ALLERGY = concept("allergyintolerance-verification", "entered-in-error")
ERROR_CONDITION = concept("condition-ver-status", "entered-in-error")
MANY: list[dict[str, Any]] = [{}, {}]
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # key: (broken, kept)
    "qty-3": ({"code": "kg"}, {"code": "kg", "system": UCUM}),
    "age-1": ({"value": 0, "code": "a", "system": UCUM}, {"value": 7, "code": "a", "system": UCUM}),
    "cnt-3": ({"value": Decimal("1.5"), "code": "1"}, {"value": Decimal("1e2"), "code": "1"}),
    "dis-1": ({"value": 1}, {"value": 1, "code": "m", "system": UCUM}),
    "drt-1": ({"value": 1, "code": "d", "system": "urn:x"}, {"value": 1, "code": "d", "system": UCUM}),
    "att-1": ({"data": "AA=="}, {"data": "AA==", "contentType": "text/plain"}),
    "cpt-2": ({"value": "1"}, {"value": "1", "system": "phone"}),
    "exp-1": ({"language": "text/cql"}, {"expression": "x"}),
    "per-1": ({"start": "2026-02", "end": "2026-01"}, {"start": "2026-01", "end": "2025"}),
    "rng-2": ({"low": {"value": 2}, "high": {"value": 1}}, {"low": {"value": 2, "code": "g"}, "high": {"value": 1, "code": "kg"}}),
    "rat-1": ({"numerator": {}}, {"extension": [{}]}),
    "tim-1": ({"duration": 1}, {"duration": 1, "durationUnit": "h"}),
    "tim-2": ({"period": 1}, {"period": 1, "periodUnit": "h"}),
    "tim-4": ({"duration": -1}, {"duration": 0}),
    "tim-5": ({"period": Decimal("-0.5")}, {}),
    "tim-6": ({"periodMax": 1}, {"periodMax": 1, "period": 1}),
    "tim-7": ({"durationMax": 1}, {"durationMax": 1, "duration": 1}),
    "tim-8": ({"countMax": 1}, {"countMax": 1, "count": 1}),
    "tim-9": ({"offset": 1, "when": ["C"]}, {"offset": 1, "when": ["HS"]}),
    "tim-10": ({"timeOfDay": [], "when": []}, {"when": []}),
    "trd-1": ({"data": [], "timingDate": "2026"}, {"data": []}),
    "trd-2": ({"condition": {}}, {"condition": {}, "data": []}),
    "trd-3": ({"type": "periodic"}, {"type": "named-event", "name": "x"}),
    "drq-1": ({"path": "x", "searchParam": "x"}, {"path": "x"}),
    "drq-2": ({}, {"searchParam": "x"}),
    "ait-1": ({}, {"verificationStatus": ERROR_ALLERGY}),
    "ait-2": ({"verificationStatus": ERROR_ALLERGY, "clinicalStatus": {}}, {"clinicalStatus": {}}),
    "cpl-3": ({"detail": {}, "reference": {}}, {"detail": {}}),
    "con-1": ({}, {"summary": {}}),
    "con-2": ({}, {"detail": []}),
    "con-4": ({"abatementString": "x", "clinicalStatus": concept("condition-clinical", "active")},
              {"abatementString": "x", "clinicalStatus": concept("condition-clinical", "resolved")}),
    "con-5": ({"verificationStatus": ERROR_CONDITION, "clinicalStatus": {}}, {"verificationStatus": ERROR_CONDITION}),
    "fhs-1": ({"ageString": "1", "bornString": "1"}, {"ageString": "1"}),
    "fhs-2": ({"estimatedAge": True}, {"estimatedAge": True, "_ageString": {}}),
    "gol-1": ({"detailInteger": 1}, {"detailInteger": 1, "measure": {}}),
    "imm-1": ({}, {"reference": "x"}),
    "imr-1": ({}, {"targetDisease": {}}),
    "mad-1": ({}, {"rateQuantity": {}}),
    "mdd-1": ({"whenPrepared": "2026-01-02T00:00:00Z", "whenHandedOver": "2026-01-01T00:00:00Z"},
              {"whenPrepared": "2026-01-01T00:00:00Z", "whenHandedOver": "2026-01-01T07:59:60-02:00"}),
    "msq-3": ({"coordinateSystem": 2}, {"coordinateSystem": 0}),
    "msq-5": ({"chromosome": {}}, {}),
    "msq-6": ({"referenceSeqId": {}, "referenceSeqString": "x"}, {"referenceSeqId": {}}),
    "obs-3": ({"age": {}}, {"text": "x"}),
    "obs-6": ({"dataAbsentReason": {}, "valueString": "x"}, {"dataAbsentReason": {}, "values": "x"}),
    "obs-7": ({"code": concept("x", "1"), "valueString": "x", "component": [{"code": concept("x", "1")}]},
              {"code": concept("x", "1"), "component": [{"code": concept("x", "1")}]}),
    "prr-1": ({"orderDetail": []}, {"orderDetail": [], "code": {}}),
    "ras-2": ({"probabilityDecimal": 101}, {"probabilityRange": {}}),
    "rqg-1": ({}, {"action": []}),
    "app-1": ({}, {"actor": {}}),
    "app-2": ({"start": "x"}, {"start": "x", "end": "x"}),
    "app-3": ({"status": "booked"}, {"status": "waitlist"}),
    "app-4": ({"status": "booked", "cancelationReason": {}}, {"status": "no-show", "cancelationReason": {}}),
    "apr-1": ({}, {"participantType": []}),
    "org-1": ({"active": True}, {"_name": {}}),
    "org-2": ({"use": "home"}, {"use": "work"}),
    "org-3": ({"use": "home"}, {}),
    "pat-1": ({"gender": "male"}, {"organization": {}}),
    "grp-1": ({"actual": False, "member": []}, {"actual": True, "member": []}),
    "ipn-1": ({}, {"name": "x"}),
    "ppc-1": ({}, {"policyRule": {}}),
    "ces-1": ({}, {"category": {}}),
    "cmp-1": ({"title": "x"}, {"section": []}),
    "cmp-2": ({"emptyReason": {}, "entry": []}, {"emptyReason": {}}),
    "lnk-1": ({"item": [{}]}, {"item": MANY}),
    "lst-1": ({"emptyReason": {}, "entry": []}, {"entry": []}),
    "lst-2": ({"mode": "working", "entry": [{"deleted": True}]}, {"mode": "changes", "entry": [{"deleted": True}]}),
    "lst-3": ({"mode": "changes", "entry": [{"date": "2026"}]}, {"mode": "working", "entry": [{"date": "2026"}]}),
    "qrs-1": ({"answer": [], "item": []}, {"answer": []}),
    "que-1": ({"type": "group"}, {"type": "group", "item": []}),
    "que-2": ({"item": [{"linkId": "1", "item": [{"linkId": "1"}]}]}, {"item": [{"linkId": "1", "item": [{"linkId": "2"}, {}]}, {}]}),
    "que-3": ({"type": "display", "code": []}, {"type": "string", "code": []}),
    "que-4": ({"answerOption": [], "answerValueSet": "x"}, {"answerOption": []}),
    "que-5": ({"type": "boolean", "answerOption": []}, {"type": "choice", "answerOption": []}),
    "que-6": ({"type": "display", "required": True}, {"type": "string", "required": True}),
    "que-8": ({"type": "group", "initial": []}, {"type": "string", "initial": []}),
    "que-9": ({"type": "display", "readOnly": True}, {"type": "display"}),
    "que-10": ({"type": "date", "maxLength": 1}, {"type": "text", "maxLength": 1}),
    "que-11": ({"answerOption": [], "initial": []}, {"initial": []}),
    "que-12": ({"enableWhen": [{}, {}, {}]}, {"enableWhen": MANY}),
    "que-13": ({"initial": MANY}, {"initial": MANY, "repeats": True}),
    "que-7": ({"operator": "exists", "answerString": "x"}, {"operator": "exists", "answerBoolean": True}),
    "sev-1": ({"name": "x", "query": "x"}, {"name": "x"}),
    "bdl-1": ({"type": "batch", "total": 1}, {"type": "searchset", "total": 1}),
    "bdl-2": ({"type": "batch", "entry": [{"search": {}}]}, {"type": "searchset", "entry": [{"search": {}}]}),
    "bdl-3": ({"type": "collection", "entry": [{"request": {}}]}, {"type": "batch", "entry": [{"request": {}}]}),
    "bdl-4": ({"type": "batch-response", "entry": [{}]}, {"type": "batch", "entry": [{}]}),
    "bdl-5": ({"fullUrl": "urn:x"}, {"resource": {}}),
    "bdl-7": ({"type": "batch", "entry": [{"fullUrl": "urn:x"}, {"fullUrl": "urn:x"}]},
              {"type": "history", "entry": [{"fullUrl": "urn:x"}, {"fullUrl": "urn:x"}]}),
    "bdl-8": ({"fullUrl": "http://x/Patient/1/_history/1"}, {}),
    "bdl-9": ({"type": "document", "identifier": {"value": "x"}}, {"type": "document", "identifier": {"value": "x", "system": "urn:x"}}),
    "bdl-10": ({"type": "document"}, {"type": "batch"}),
    "bdl-11": ({"type": "document", "entry": [{"resource": {"resourceType": "Patient"}}]},
               {"type": "document", "entry": [{"resource": {"resourceType": "Composition"}}]}),
    "bdl-12": ({"type": "message"}, {"type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"}}]}),
    "cpb-1": ({}, {"rest": []}),
    "cpb-2": ({}, {"software": {}}),
    "cpb-7": ({"document": MANY}, {"document": [{"mode": "producer"}, {"mode": "consumer"}]}),
    "cpb-9": ({"resource": [{"type": "Patient"}, {"type": "Patient"}]}, {"resource": [{"type": "Patient"}]}),
    "cpb-12": ({"searchParam": [{"name": "x"}, {"name": "x"}]}, {}),
    "cpb-14": ({"kind": "instance"}, {"kind": "instance", "implementation": {}}),
    "cpb-15": ({"kind": "capability"}, {"kind": "capability", "software": {}}),
    "cpb-16": ({"kind": "requirements", "software": {}}, {"kind": "requirements"}),
    "csd-1": ({"concept": [{"code": "1", "concept": [{"code": "1"}]}]}, {"concept": [{"code": "1"}, {"code": "2"}]}),
    "cmd-1": ({"equivalence": "narrower"}, {"equivalence": "narrower", "comment": "x"}),
    "cmd-2": ({"mode": "fixed"}, {"mode": "fixed", "code": "x"}),
    "cmd-3": ({"mode": "other-map"}, {"mode": "provided"}),
    "nsd-1": ({"kind": "root", "uniqueId": [{"type": "uuid"}]}, {"kind": "root", "uniqueId": [{"type": "oid"}]}),
    "nsd-2": ({"uniqueId": [{"type": "oid", "preferred": True}] * 2}, {"uniqueId": [{"type": "oid"}] * 2}),
    "opd-1": ({}, {"part": []}),
    "opd-2": ({"searchType": "token", "type": "code"}, {"searchType": "token", "type": "string"}),
    "opd-3": ({"targetProfile": [], "type": "code"}, {"targetProfile": [], "type": "Reference"}),
    "spd-1": ({"xpath": "x"}, {"xpath": "x", "xpathUsage": "normal"}),
    "spd-2": ({"chain": [], "type": "token"}, {"chain": [], "type": "reference"}),
    "sdf-2": ({}, {"uri": "x"}),
    "sdf-4": ({"abstract": False}, {"abstract": True}),
    "sdf-6": ({}, {"snapshot": {}}),
    "smp-1": ({"element": "x"}, {"element": "x", "context": "x"}),
    "smp-2": ({"context": "x"}, {"context": "x", "contextType": "variable"}),
    "tcp-2": ({}, {"description": "x"}),
    "tcp-3": ({"kind": "instance"}, {"kind": "capability"}),
    "tcp-4": ({"kind": "capability", "software": {}, "implementation": {}}, {"kind": "capability", "software": {}}),
    "tcp-5": ({"kind": "requirements", "implementation": {}}, {"kind": "requirements"}),
    "vsd-1": ({}, {"system": "urn:x"}),
    "vsd-2": ({"filter": []}, {"filter": [], "system": "urn:x"}),
    "vsd-3": ({"concept": [], "filter": []}, {"concept": []}),
    "vsd-6": ({}, {"display": "x"}),
    "vsd-9": ({}, {"abstract": True}),
    "vsd-10": ({"code": "x"}, {"code": "x", "system": "urn:x"}),
    "full-url": ({"fullUrl": "Patient/1"}, {}),
    "include-system": ({"system": "#1"}, {"system": "urn:x"}),
}  # fmt: skip


@pytest.mark.parametrize("key", INVARIANTS)
def test_what_breaks_it_and_what_keeps_it(key):
    broken, kept = CASES[key]

    assert not INVARIANTS[key].holds(broken)
    assert INVARIANTS[key].holds(kept)


MORE = [
    ("age-1", {"value": 1, "code": "a", "system": "urn:x"}, False),
    ("cnt-3", {"value": 2, "code": "1", "system": UCUM}, True),
    ("cnt-3", {"value": 2, "code": "2", "system": UCUM}, False),
    ("per-1", {"start": "2026-01-01T08:00:00+08:00", "end": "2026-01-01T00:00:00Z"}, True),
    ("per-1", {"start": "2026-01-01T08:00:00+08:00", "end": "2026-01-01T07:00:00+08:00"}, False),
    ("per-1", {"start": "2026-01-01T08:00:00Z", "end": "2026-01-01T08:00:00+08:00"}, False),
    ("per-1", {"start": 7, "end": "2026"}, True),
    ("rat-1", {}, False),
    ("rat-1", {"numerator": {}, "denominator": {}}, True),
    ("tim-9", {}, True),
    ("trd-3", {"type": "periodic", "timingDate": "2026"}, True),
    ("trd-3", {"type": "data-added"}, False),
    ("con-4", {"abatementAge": {}}, False),
    ("con-4", {}, True),
    ("que-1", {"type": "display", "item": []}, False),
    ("bdl-12", {"type": "batch"}, True),
    ("bdl-7", {"entry": [{"fullUrl": "urn:x", "resource": {"meta": {"versionId": "1"}}}, {"fullUrl": "urn:x"}, {}]}, True),
]  # fmt: skip


@pytest.mark.parametrize(("key", "node", "holds"), MORE)
def test_more_of_them(key, node, holds):
    assert INVARIANTS[key].holds(node) is holds


def test_each_is_an_invariant_of_the_definitions_and_has_a_text():
    keys = {
        key
        for type_ in definitions()["types"].values()
        for one in (type_, *type_["elements"].values())
        for key in one.get("rules", ())
    }

    assert INVARIANTS.keys() - keys == {key for keys in BEYOND_DEFINITIONS.values() for key in keys}
    assert {RULES[key].type for key in INVARIANTS} == {"invariant"}
    assert len({one.zh for one in INVARIANTS.values()}) > 90
