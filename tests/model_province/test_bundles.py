"""Visits and the bundles made of them."""

import json
from collections import Counter
from datetime import date
from itertools import islice

import pytest

from config.model_province.activity import visits_of
from config.model_province.bundles import as_bytes, bundle_of
from config.model_province.clinic import COMPLAINTS, VACCINES
from config.model_province.population import residents_of, shares
from config.model_province.sources import department_names, diagnoses, hospitals
from config.model_province.traffic import Traffic, messages_of

CITIES = ("620100", "620800")
FIRST, LAST = date(2026, 8, 1), date(2026, 9, 30)


def visits(first=FIRST, last=LAST, seed=1, size=1_500):
    return [
        visit
        for resident in islice(residents_of("620800", seed=seed), size)
        for visit in visits_of(resident, first=first, last=last, cities=CITIES, seed=seed)
    ]


@pytest.fixture(scope="module")
def bundles():
    return [bundle_of(visit, seed=1) for visit in visits()]


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_same_seed_same_bytes(bundles):
    again = [as_bytes(bundle_of(visit, seed=1)) for visit in visits()]

    assert again == [as_bytes(bundle) for bundle in bundles]
    assert [as_bytes(bundle_of(visit, seed=2)) for visit in visits(seed=2)] != again


def test_a_longer_time_holds_the_same_visits_and_more():
    longer = {visit.key for visit in visits(last=date(2026, 10, 20))}
    shorter = {visit.key for visit in visits(first=date(2026, 8, 15))}

    assert shorter < longer


def test_residents_go_as_often_as_meant(bundles):
    assert len(bundles) / 1_500 == pytest.approx(5.0 * 61 / 365, abs=0.15)


def test_some_go_to_the_capital():
    nodes = Counter(visit.hospital.node for visit in visits())

    assert nodes["620100"] / nodes.total() == pytest.approx(0.08, abs=0.03)
    assert set(nodes) == set(CITIES)


def test_every_reference_resolves_inside_the_bundle(bundles):
    for bundle in bundles:
        known = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(known)) == len(known)
        assert set(references(bundle)) <= set(known)


def test_bundles_are_transactions_with_an_identifier_of_their_own(bundles):
    identifiers = {tuple(bundle["identifier"].values()) for bundle in bundles}

    assert len(identifiers) == len(bundles)
    for bundle in bundles:
        assert bundle["type"] == "transaction"
        for entry in bundle["entry"]:
            resource = entry["resource"]
            assert entry["request"] == {"method": "POST", "url": resource["resourceType"]}
            assert entry["fullUrl"] == f"urn:uuid:{resource['id']}"


def test_all_kinds_of_resources_occur(bundles):
    kinds = Counter(entry["resource"]["resourceType"] for b in bundles for entry in b["entry"])

    assert set(kinds) == {
        "Patient",
        "Encounter",
        "Condition",
        "Observation",
        "DiagnosticReport",
        "MedicationRequest",
        "DocumentReference",
        "AllergyIntolerance",
        "Immunization",
    }


def test_a_patient_keeps_id_and_number_at_a_hospital(bundles):
    seen: dict[str, set[str]] = {}
    for bundle in bundles:
        patient = bundle["entry"][0]["resource"]
        seen.setdefault(patient["id"], set()).add(json.dumps(patient))

    assert any(count > 1 for count in Counter(b["entry"][0]["fullUrl"] for b in bundles).values())
    assert all(len(versions) == 1 for versions in seen.values())


def test_text_is_chinese_and_readable():
    data = as_bytes(bundle_of(visits(size=50)[0], seed=1))

    assert "居民身份证" in data.decode() or "患者编号" in data.decode()
    assert b"\\u" not in data
    assert json.loads(data)["resourceType"] == "Bundle"


def test_the_clinic_uses_codes_that_exist():
    assert {complaint.icd10 for complaint in COMPLAINTS} <= set(diagnoses())
    assert {d for complaint in COMPLAINTS for d in complaint.departments} <= set(department_names())
    assert all(age >= 0 for _, _, age in VACCINES)


def test_doctors_work_where_they_are_named():
    for visit in visits(size=300):
        hospital = hospitals()[visit.hospital.code]
        assert visit.doctor in hospital.doctors_of[visit.department]


def test_traffic_of_a_city_puts_all_on_file_and_keeps_the_order_of_time():
    traffic = Traffic(CITIES, 300, FIRST, LAST, seed=3)
    sent = list(messages_of("620800", traffic))
    lists = [message for message in sent if "|JD-" in message.message_id]
    patients = [entry for message in lists for entry in json.loads(message.body)["entry"]]
    times = [message.message_id.rpartition("|")[2] for message in sent[len(lists) :]]

    assert len({patient["fullUrl"] for patient in patients}) == shares(CITIES, 300)["620800"]
    assert {message.hospital.node for message in sent} == {"620800"}
    assert {message.hospital.type for message in lists} <= {"B100", "C220"}
    assert [time[:12] for time in times] == sorted(time[:12] for time in times)
    assert len({(message.hospital.code, message.message_id) for message in sent}) == len(sent)
    assert list(messages_of("620800", traffic)) == sent


def test_another_seed_is_another_population():
    first, second = (
        {
            entry["fullUrl"]
            for message in messages_of("620800", Traffic(CITIES, 300, FIRST, LAST, seed=seed))
            for entry in json.loads(message.body)["entry"]
        }
        for seed in (3, 4)
    )

    assert not first & second


def test_a_greater_population_holds_the_smaller():
    small, great = (
        {
            entry["fullUrl"]: entry["resource"]
            for message in messages_of("620800", Traffic(CITIES, size, FIRST, LAST, seed=3))
            for entry in json.loads(message.body)["entry"]
        }
        for size in (100, 300)
    )

    assert small.items() <= great.items()


def test_every_visit_of_the_province_is_sent_by_exactly_one_city():
    traffic = Traffic(CITIES, 200, FIRST, LAST, seed=3)
    sent = [message for city in CITIES for message in messages_of(city, traffic)]
    people = [
        person
        for city, share in shares(CITIES, 200).items()
        for person in islice(residents_of(city, seed=3), share)
    ]
    visited = [
        visit
        for person in people
        for visit in visits_of(person, first=FIRST, last=LAST, cities=CITIES, seed=3)
    ]

    lists = [message for message in sent if "|JD-" in message.message_id]
    assert len(sent) == len(lists) + len(visited)


def test_nobody_is_seen_before_birth():
    long_ago = date(2000, 1, 1)
    for resident in islice(residents_of("620800", seed=1), 40):
        for visit in visits_of(resident, first=long_ago, last=LAST, cities=CITIES, seed=1):
            assert visit.starts.date() >= resident.birth_date
