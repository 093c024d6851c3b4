"""Code systems, also large ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.loading import Loaded
from registry.terminology.models import CodeSystem, Concept
from registry.terminology.selectors import displays
from registry.terminology.services import load_concepts

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]

URL = "urn:oid:2.16.156.10011.2.3.3.11"


def load(rows):
    return load_concepts(rows, url=URL, name="ICD-10")


def test_concepts_are_found_by_their_code():
    assert load([{"code": "A00.051", "name": "古典型霍乱"}]) == Loaded(created=1)
    assert load([{"code": "A00.051", "name": "霍乱"}]) == Loaded(changed=1)

    assert displays([(URL, "A00.051"), (URL, "Z"), ("urn:x", "A00.051")]) == {
        (URL, "A00.051"): "霍乱"
    }
    assert CodeSystem.objects.count() == 1


def test_a_large_system_goes_in_transactions_of_five_thousand():
    rows = [{"code": f"C{number}", "display": str(number)} for number in range(12_001)]

    with CaptureQueriesContext(connection) as queries:
        assert load(rows) == Loaded(created=12_001)

    assert Concept.objects.count() == 12_001
    looked_up = [one["sql"] for one in queries if one["sql"].startswith("SELECT")]
    assert len([sql for sql in looked_up if 'FROM "terminology_concept"' in sql]) == 3
