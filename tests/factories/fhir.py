"""FHIR bundles of a visit."""

import base64
import json
from typing import Any
from uuid import uuid4

NUMBER, OTHER_NUMBER = "620102199003070018", "620102199003070026"
PHONE = "13812345678"
NOTE = f"患者张三，电话{PHONE}，主诉咳嗽三天。"


def entry(resource: dict[str, Any], **request: Any) -> dict[str, Any]:
    """An entry that creates the resource under a fresh urn."""
    return {
        "fullUrl": f"urn:uuid:{uuid4()}",
        "resource": resource,
        "request": {"method": "POST", "url": resource.get("resourceType", ""), **request},
    }


def patient(
    local: str = "00012345", *, number: str | None = NUMBER, name: str = "张三"
) -> dict[str, Any]:
    """A man with a patient number, a citizen number and a phone."""
    identifiers = [{
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
        "system": "urn:test:mrn", "value": local,
    }]  # fmt: skip
    if number:
        identifiers.append({"system": "urn:oid:2.16.156.10011.1.3", "value": number})
    return {
        "resourceType": "Patient", "id": f"pat-{local}", "identifier": identifiers,
        "name": [{"use": "official", "text": name}], "gender": "male", "birthDate": "1990-03-07",
        "telecom": [{"system": "phone", "value": PHONE, "use": "mobile"}],
    }  # fmt: skip


def bundle(*entries: dict[str, Any], type_: str = "transaction", **more: Any) -> dict[str, Any]:
    """A message."""
    return {"resourceType": "Bundle", "type": type_, **more, "entry": list(entries)}


def visit(local: str = "00012345", *, visit: str = "V1", **about: Any) -> dict[str, Any]:
    """A patient with a visit, a diagnosis, two results and a written note."""
    whose = entry(patient(local, **about))
    when = entry({
        "resourceType": "Encounter", "id": f"enc-{visit}", "status": "finished",
        "identifier": [{"system": "urn:test:visit", "value": visit}],
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": whose["fullUrl"]},
        "period": {"start": "2026-10-01T09:00:00+08:00", "end": "2026-10-01T09:20:00+08:00"},
        "serviceType": {"text": "呼吸内科"},
    })  # fmt: skip
    of_visit = {
        "subject": {"reference": whose["fullUrl"]}, "encounter": {"reference": when["fullUrl"]}
    }  # fmt: skip
    condition = entry({
        "resourceType": "Condition", "id": f"con-{visit}", **of_visit,
        "clinicalStatus": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active",
        }]},
        "code": {"coding": [{"system": "urn:icd", "code": "J06.903", "display": "上呼吸道感染"}]},
        "recordedDate": "2026-10-01T09:10:00+08:00",
    })  # fmt: skip
    result = entry({
        "resourceType": "Observation", "id": f"obs-{visit}", "status": "final", **of_visit,
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5", "display": "体温"}]},
        "effectiveDateTime": "2026-10-01T09:05:00+08:00",
        "valueQuantity": {"value": 38.50, "unit": "Cel"},
    })  # fmt: skip
    note = entry({
        "resourceType": "DocumentReference", "id": f"doc-{visit}", "status": "current",
        "type": {"text": "门诊病历"}, "subject": {"reference": whose["fullUrl"]},
        "date": "2026-10-01T09:25:00+08:00",
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">联系电话 {PHONE}</div>'},
        "content": [{"attachment": {
            "contentType": "text/plain; charset=utf-8", "title": "门诊病历",
            "data": base64.b64encode(NOTE.encode()).decode(),
        }}],
        "context": {"encounter": [{"reference": when["fullUrl"]}]},
    })  # fmt: skip
    return bundle(whose, when, condition, result, note)


def as_bytes(value: Any) -> bytes:
    """The message as it goes over the wire."""
    return json.dumps(value, ensure_ascii=False).encode()
