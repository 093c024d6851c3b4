"""FHIR resources of a visit: who, where, why, what was prescribed and written."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1
from random import Random
from uuid import UUID

from config.model_province.activity import Visit
from config.model_province.clinic import Drug
from config.model_province.coding import (
    CVX,
    DEPARTMENT,
    ETHNIC_GROUP,
    ETHNIC_GROUPS,
    GENDERS,
    ICD_10,
    IDENTITY_CARD,
    INPATIENT_NUMBER,
    OUTPATIENT_NUMBER,
    SHARED_DOCUMENT,
    TERMINOLOGY,
    Json,
    coding,
    concept,
    hl7,
    organisation,
    patient_numbers,
    practitioner,
    quantity,
)
from config.model_province.registrations import Registration
from config.model_province.sources import Hospital, department_names, diagnoses, divisions

ETHNIC_GROUP_EXTENSION = "urn:jianqiao:extension:ethnic-group"
STAY = timedelta(days=6)
CONSULTATION = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class Scene:
    """A visit and the ids of what its resources keep referring to."""

    visit: Visit
    patient: UUID
    encounter: UUID
    condition: UUID

    @property
    def links(self) -> Json:
        """Subject and encounter, as most resources carry them."""
        return {
            "subject": {"reference": self.patient.urn},
            "encounter": {"reference": self.encounter.urn},
        }


def moment(when: datetime) -> str:
    """ISO 8601 with the offset of Beijing."""
    return when.isoformat(timespec="seconds")


def patient(registration: Registration, hospital: Hospital) -> Json:
    """The person as this hospital knows them."""
    identifiers: list[Json] = [
        {
            "use": "usual",
            "type": concept("患者编号", hl7("v2-0203", "MR", "Medical record number")),
            "system": patient_numbers(hospital),
            "value": registration.local_number,
            "assigner": organisation(hospital),
        }
    ]
    if registration.identity_number is not None:
        identifiers.append(
            {
                "use": "official",
                "type": concept(
                    "居民身份证", hl7("v2-0203", "NI", "National unique individual identifier")
                ),
                "system": IDENTITY_CARD,
                "value": registration.identity_number,
            }
        )
    group = registration.ethnic_group
    name = {"use": "official", "text": registration.name}
    if registration.family_name:
        name["family"] = registration.family_name
    return {
        "resourceType": "Patient",
        "extension": [
            {
                "url": ETHNIC_GROUP_EXTENSION,
                "valueCoding": coding(ETHNIC_GROUP, group, ETHNIC_GROUPS[group]),
            }
        ],
        "identifier": identifiers,
        "active": True,
        "name": [{**name, "given": [registration.given_name]}],
        "telecom": [{"system": "phone", "value": registration.phone, "use": "mobile"}],
        "gender": GENDERS[registration.sex],
        "birthDate": registration.birth_date.isoformat(),
        "address": [_address(registration)],
        "managingOrganization": organisation(hospital),
    }


def _address(registration: Registration) -> Json:
    county = divisions()[registration.township[:6]]
    return {
        "use": "home",
        "text": registration.address,
        "state": divisions()["620000"].name,
        "city": divisions()[county.parent].name,
        "district": county.name,
        "country": "CN",
    }


def encounter(scene: Scene, message: str) -> Json:
    """The visit, or the stay of an admitted patient."""
    visit = scene.visit
    department = visit.hospital.departments[visit.department]
    kind = ("IMP", "住院") if visit.admitted else ("AMB", "门诊")
    if visit.department == "A20" and not visit.admitted:
        kind = ("EMER", "急诊")
    return {
        "resourceType": "Encounter",
        "identifier": [
            {
                "system": INPATIENT_NUMBER if visit.admitted else OUTPATIENT_NUMBER,
                "value": message,
            }
        ],
        "status": "finished",
        "class": hl7("v3-ActCode", *kind),
        "serviceType": concept(
            department, coding(DEPARTMENT, visit.department, department_names()[visit.department])
        ),
        "subject": {"reference": scene.patient.urn},
        "participant": [{"individual": practitioner(visit.doctor)}],
        "period": {
            "start": moment(visit.starts),
            "end": moment(visit.starts + (STAY if visit.admitted else CONSULTATION)),
        },
        "reasonCode": [concept(visit.complaint.says)],
        "diagnosis": [{"condition": {"reference": scene.condition.urn}}],
        "serviceProvider": organisation(visit.hospital),
    }


def condition(scene: Scene) -> Json:
    """The diagnosis."""
    visit = scene.visit
    name = diagnoses()[visit.complaint.icd10]
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [hl7("condition-clinical", "active", "Active")]},
        "verificationStatus": {"coding": [hl7("condition-ver-status", "confirmed", "Confirmed")]},
        "category": [
            concept("诊断", hl7("condition-category", "encounter-diagnosis", "Encounter Diagnosis"))
        ],
        "code": concept(name, coding(ICD_10, visit.complaint.icd10, name)),
        **scene.links,
        "recordedDate": moment(visit.starts + timedelta(minutes=15)),
        "recorder": practitioner(visit.doctor),
    }


def medication_request(scene: Scene, drug: Drug) -> Json:
    """One line of a prescription."""
    visit = scene.visit
    return {
        "resourceType": "MedicationRequest",
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": concept(drug.name),
        **scene.links,
        "authoredOn": moment(visit.starts + timedelta(minutes=20)),
        "requester": practitioner(visit.doctor),
        "reasonReference": [{"reference": scene.condition.urn}],
        "dosageInstruction": [
            {
                "text": f"{drug.route}，每次{drug.dose:g}{drug.unit}，每日{drug.times_a_day}次",
                "timing": {
                    "repeat": {"frequency": drug.times_a_day, "period": 1, "periodUnit": "d"}
                },
                "route": concept(drug.route),
                "doseAndRate": [{"doseQuantity": quantity(drug.dose, drug.unit)}],
            }
        ],
        "dispenseRequest": {
            "expectedSupplyDuration": quantity(drug.days, "d"),
        },
    }


def allergy(scene: Scene, substance: str, category: str) -> Json:
    """What the patient does not bear."""
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [hl7("allergyintolerance-clinical", "active", "Active")]},
        "verificationStatus": {
            "coding": [hl7("allergyintolerance-verification", "confirmed", "Confirmed")]
        },
        "type": "allergy",
        "category": [category],
        "code": concept(f"{substance}过敏"),
        "patient": {"reference": scene.patient.urn},
        "recorder": practitioner(scene.visit.doctor),
    }


def immunization(scene: Scene, code: str, name: str, chance: Random) -> Json:
    """A dose given at this visit."""
    visit = scene.visit
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": concept(name, coding(CVX, code, name)),
        "patient": {"reference": scene.patient.urn},
        "encounter": {"reference": scene.encounter.urn},
        "occurrenceDateTime": moment(visit.starts + timedelta(minutes=22)),
        "primarySource": True,
        "lotNumber": f"{visit.starts:%Y}{chance.randrange(10**6):06d}",
        "doseQuantity": quantity(0.5, "mL"),
        "performer": [
            {
                "function": {"coding": [hl7("v2-0443", "AP", "Administering Provider")]},
                "actor": practitioner(visit.doctor),
            }
        ],
    }


def document(scene: Scene, registration: Registration) -> Json:
    """The written note of the visit with its text attached."""
    visit = scene.visit
    code, title = ("C0053", "出院小结") if visit.admitted else ("C0002", "门（急）诊病历")
    text = _note(visit, registration, title).encode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "final",
        "type": concept(title, coding(SHARED_DOCUMENT, code, title)),
        "subject": {"reference": scene.patient.urn},
        "date": moment(visit.starts + timedelta(minutes=25)),
        "author": [practitioner(visit.doctor)],
        "custodian": organisation(visit.hospital),
        "description": f"{visit.hospital.departments[visit.department]}{title}",
        "securityLabel": [{"coding": [coding(TERMINOLOGY + "v3-Confidentiality", "N", "normal")]}],
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "language": "zh-CN",
                    "data": b64encode(text).decode(),
                    "size": len(text),
                    "hash": b64encode(sha1(text, usedforsecurity=False).digest()).decode(),
                    "title": title,
                    "creation": moment(visit.starts + timedelta(minutes=25)),
                }
            }
        ],
        "context": {"encounter": [{"reference": scene.encounter.urn}]},
    }


def _note(visit: Visit, registration: Registration, title: str) -> str:
    """Names the patient by local number only: identity numbers stay in the identifiers."""
    drugs = "；".join(f"{drug.name} {drug.route}" for drug in visit.complaint.drugs) or "对症处理"
    return (
        f"{visit.hospital.name}\n{title}\n\n"
        f"患者编号：{registration.local_number}　科室：{visit.hospital.departments[visit.department]}\n"
        f"就诊时间：{visit.starts:%Y-%m-%d %H:%M}\n"
        f"主诉：{visit.complaint.says}。\n"
        f"现病史：患者{visit.complaint.says}，无明显诱因，为求诊治来我院。\n"
        f"诊断：{diagnoses()[visit.complaint.icd10]}\n"
        f"处理：{drugs}。不适随诊。\n"
        f"医师：{visit.doctor.name}\n"
    )
