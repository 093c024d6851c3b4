"""Sound resources, and what validation says of changed ones."""

import copy
from typing import Any

from health_records.formats.fhir.parsing import parse
from health_records.formats.fhir.validation.resources import validate
from tests.factories.fhir import as_bytes

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
ABSENT = {
    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "valueCode": "unknown",
}
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2026-10-01T09:00:00.123+08:00", "profile": ["urn:x:profile"]},
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "620102199003070018"}],
    "active": True,
    "name": [{"text": "张三", "given": ["三", None], "_given": [None, {"extension": [ABSENT]}]}],
    "telecom": [{"system": "phone", "value": "13812345678"}],
    "gender": "male",
    "birthDate": "1992-02-29",
    "_birthDate": {"id": "b", "extension": [ABSENT]},
    "multipleBirthInteger": 2,
    "photo": [{"contentType": "image/png", "data": "AAEC\r\nAwQF"}],
    "text": {"status": "generated", "div": DIV.format("<p>张&nbsp;三 &amp; <br/></p>")},
    "contact": [{"name": {"text": "李四"}, "period": {"start": "2020", "end": "2021-01-01"}}],
    "managingOrganization": {"reference": "#hospital"},
    "contained": [{"resourceType": "Organization", "id": "hospital", "name": "某院"}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}], "text": "体温"},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-10-01T09:05:00+08:00",
    "issued": "2026-10-01T09:05:00Z",
    "valueQuantity": {
        "value": 38.50,
        "unit": "Cel",
        "system": "http://unitsofmeasure.org",
        "code": "Cel",
    },
    "referenceRange": [{"high": {"value": 37.5, "unit": "Cel"}}],
    "component": [{"code": {"text": "腋下"}, "valueBoolean": False}],
}
CONDITION = {
    "resourceType": "Condition",
    "subject": {"display": "张三"},
    "clinicalStatus": {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
        ]
    },
}
CLAIM_ITEM = {"sequence": 1, "productOrService": {"text": "x"}}
CLAIM = {
    "resourceType": "Claim", "status": "active", "type": {"text": "x"}, "use": "claim",
    "patient": {"reference": "Patient/p1"}, "created": "2026-10", "provider": {"display": "x"},
    "priority": {"text": "x"}, "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "x"}}],
    "item": [CLAIM_ITEM],
}  # fmt: skip


def said(resource: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    """Path and rule of each issue of a changed resource; a value of None takes the element away."""
    changed = copy.deepcopy(resource) | changes
    changed = {key: value for key, value in changed.items() if value is not ...}
    return [
        (one.path, one.rule)
        for one in validate(parse(as_bytes(changed)), str(changed["resourceType"]))
    ]
