"""The real and the made samples go through the door whole and leave no number in clear."""

import bz2
import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from config.model_province.activity import visits_of
from config.model_province.bundles import as_bytes, bundle_of
from config.model_province.population import residents_of
from config.model_province.sources import hospitals
from health_records.models import ClinicalEntry, Encounter, ResourceVersion, SourceParty
from registry.patients.models import PatientRegistration
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

SYNTHEA = Path(__file__).parents[2] / "samples" / "fhir" / "synthea"


def comparable(value):
    """JSON without references, which are rewritten to our ids."""
    if isinstance(value, dict):
        return {key: comparable(one) for key, one in value.items() if key != "reference"}
    return [comparable(one) for one in value] if isinstance(value, list) else value


def clear_text():
    """Everything the database holds in clear, as one text."""
    parts = []
    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')
            parts += [row for (row,) in cursor.fetchall()]
    return "\n".join(parts)


def test_synthea_goes_in_whole_and_comes_out_the_same(push, system):
    files = sorted(
        SYNTHEA.glob("*.bz2"), key=lambda path: (path.name[:2] != "0-", path.stat().st_size)
    )
    numbers, resources = set(), 0
    for path in files[:4]:
        raw = bz2.decompress(path.read_bytes())
        answer = push(raw)
        assert answer.status_code == 200, answer.content[:500]
        sent = json.loads(raw)["entry"]
        resources += len(sent)
        for entry, told in list(zip(sent, answer.json()["entry"], strict=True))[::11]:
            assert told["response"]["status"] == "201 Created"
            type_, id_, *_ = told["response"]["location"].split("/")
            back = system.get(f"/fhir/R4/{type_}/{id_}").json()
            given = {
                key: one for key, one in entry["resource"].items() if key not in {"id", "meta"}
            }
            back = {key: one for key, one in back.items() if key not in {"id", "meta"}}
            assert comparable(back) == comparable(given)
        patient = sent[0]["resource"]
        if patient["resourceType"] == "Patient":
            numbers |= {one["value"] for one in patient["telecom"]}
            numbers |= {one["value"] for one in patient["identifier"][2:]}

    assert ResourceVersion.objects.count() == resources
    assert SourceParty.objects.filter(resource_type="Practitioner").count() > 10
    assert PatientRegistration.objects.count() == 2
    assert ClinicalEntry.objects.filter(registration=None, resource_type="Observation").count() == 0
    assert ClinicalEntry.objects.filter(encounter=None, resource_type="Observation").count() == 0
    text = clear_text()
    assert numbers
    assert [number for number in numbers if number in text] == []


def test_bundles_of_the_model_province(settings):
    node = settings.NODE_CODE
    hospital = next(one for one in hospitals().values() if one.node == node)
    organisation = OrganisationFactory(code=hospital.code, name=hospital.name)
    system = as_hospital(organisation)
    numbers, visits = set(), 0
    for resident, _ in zip(residents_of(node, seed=7), range(60), strict=False):
        for visit in visits_of(
            resident, first=date(2026, 1, 1), last=date(2026, 12, 31), cities=[node], seed=7
        ):
            if visit.hospital.code != hospital.code:
                continue
            raw = gzip.compress(as_bytes(bundle_of(visit, seed=7)))
            answer = system.post(
                "/fhir/R4", raw, content_type="application/fhir+json",
                headers={"Content-Encoding": "gzip"},
            )  # fmt: skip
            assert answer.status_code == 200, answer.content[:500]
            visits += 1
            numbers |= {resident.identity_number, resident.phone}

    assert visits > 10
    assert Encounter.objects.count() == visits
    text = clear_text()
    assert [number for number in numbers - {None} if number in text] == []
