"""One visit as the FHIR R4 transaction bundle a hospital system would send."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from config.model_province import observations, resources
from config.model_province.activity import BEIJING, Visit
from config.model_province.chance import chance_of
from config.model_province.clinic import ALLERGENS, ALLERGIC, BLOOD_PRESSURE, VACCINES
from config.model_province.coding import Json, message_numbers
from config.model_province.population import Resident
from config.model_province.registrations import Registration, registration_of
from config.model_province.sources import Hospital

NAMESPACE = UUID("6a1c5f0e-6200-5000-8000-000000620000")
INOCULATED = 0.5
"""How often a small child that comes to a primary institution is also vaccinated."""

IMAGED, DOCUMENTED = 0.5, 0.35
ENROLLED_AT = datetime(2026, 7, 2, 9, tzinfo=BEIJING)


def bundle_of(visit: Visit, *, seed: int, registration: Registration | None = None) -> Json:
    """The bundle of a visit; the same visit always gives the same bundle."""
    registration = registration or registration_of(visit.resident, visit.hospital, seed=seed)
    message = f"{visit.starts:%Y%m%d%H%M}-{registration.local_number}"
    return _bundle(
        visit.hospital,
        message,
        visit.starts + timedelta(hours=2),
        _resources(visit, registration, message, seed),
    )


def enrolment_of(
    residents: Sequence[Resident], hospital: Hospital, *, number: int, seed: int
) -> Json:
    """The bundle by which an institution puts residents on file (建档): their Patients alone.

    Its identifier tells number and size of the list, so that a longer list is another message.
    """
    registrations = [registration_of(one, hospital, seed=seed) for one in residents]
    return _bundle(
        hospital,
        f"JD-{seed}-{number}-{len(residents)}",
        ENROLLED_AT,
        [(_patient_id(hospital, one), resources.patient(one, hospital)) for one in registrations],
    )


def as_bytes(bundle: Json) -> bytes:
    """The bundle as it goes over the wire and into files."""
    return json.dumps(bundle, ensure_ascii=False, indent=1).encode() + b"\n"


def _bundle(
    hospital: Hospital, message: str, sent: datetime, content: Iterable[tuple[UUID, Json]]
) -> Json:
    return {
        "resourceType": "Bundle",
        "identifier": {"system": message_numbers(hospital), "value": message},
        "type": "transaction",
        "timestamp": resources.moment(sent),
        "entry": [_entry(identity, resource) for identity, resource in content],
    }


def _patient_id(hospital: Hospital, registration: Registration) -> UUID:
    return uuid5(NAMESPACE, f"{hospital.code}:{registration.local_number}:patient")


def _entry(identity: UUID, resource: Json) -> Json:
    kind = resource["resourceType"]
    return {
        "fullUrl": identity.urn,
        "resource": {"resourceType": kind, "id": str(identity), **resource},
        "request": {"method": "POST", "url": kind},
    }


def _resources(
    visit: Visit, registration: Registration, message: str, seed: int
) -> Iterator[tuple[UUID, Json]]:
    """Resources with the ids by which the others of the bundle refer to them."""
    chance = chance_of(seed, "bundle", visit.hospital.code, message)

    def of_message(kind: str) -> UUID:
        return uuid5(NAMESPACE, f"{visit.hospital.code}:{message}:{kind}")

    patient = _patient_id(visit.hospital, registration)
    encounter, condition = of_message("encounter"), of_message("condition")
    scene = resources.Scene(visit, patient, encounter, condition)

    yield patient, resources.patient(registration, visit.hospital)
    yield encounter, resources.encounter(scene, message)
    yield condition, resources.condition(scene)
    yield of_message("bp"), observations.blood_pressure(scene, BLOOD_PRESSURE, chance)
    for item, mean in observations.vital_signs(visit):
        yield of_message(item.loinc), observations.vital_sign(scene, item, mean, chance)
    for number, panel in enumerate(visit.complaint.panels):
        results = []
        for item in panel.items:
            identity = of_message(f"{number}:{item.loinc}")
            results.append(identity)
            yield identity, observations.laboratory_result(scene, item, chance)
        yield of_message(f"report:{number}"), observations.laboratory_report(scene, panel, results)
    if visit.complaint.imaging is not None and chance.random() < IMAGED:
        report = observations.imaging_report(scene, visit.complaint.imaging, chance)
        yield of_message("imaging"), report
    for number, drug in enumerate(visit.complaint.drugs):
        yield of_message(f"drug:{number}"), resources.medication_request(scene, drug)
    allergy = uuid5(patient, "allergy")
    yield from _sometimes(scene, allergy, of_message("dose"), chance, seed)
    if chance.random() < DOCUMENTED:
        yield of_message("document"), resources.document(scene, registration)


def _sometimes(
    scene: resources.Scene, allergy: UUID, dose: UUID, chance: Random, seed: int
) -> Iterator[tuple[UUID, Json]]:
    """A known allergy, told at every visit; a vaccine for small children."""
    visit = scene.visit
    lasting = chance_of(seed, "allergy", visit.resident.key)
    if lasting.random() < ALLERGIC:
        substance, category = lasting.choice(ALLERGENS)
        yield allergy, resources.allergy(scene, substance, category)
    age = visit.resident.age_on(visit.starts.date())
    due = [vaccine for vaccine in VACCINES if vaccine[2] <= age <= vaccine[2] + 1]
    primary = visit.hospital.type in {"B100", "C220"}
    if primary and due and chance.random() < INOCULATED:
        code, name, _ = chance.choice(due)
        yield dose, resources.immunization(scene, code, name, chance)
