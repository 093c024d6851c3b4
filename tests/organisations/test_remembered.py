"""The hospital that pushes is remembered, and what was remembered of it lets nothing in once it has changed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from health_records.models import Message
from kernel.access import context
from kernel.audit.models import AuditRow
from kernel.homes import uuid7
from registry.organisations.models import Organisation
from registry.organisations.selectors import _remembered, organisation
from tests.conftest import arriving
from tests.factories.fhir import as_bytes
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]

DOCTOR = {"resourceType": "Practitioner", "name": [{"text": "李明"}]}


@pytest.fixture(autouse=True)
def none_remembered():
    _remembered.cache_clear()


@pytest.fixture
def hospital():
    return OrganisationFactory()


@pytest.fixture
def create(hospital):
    system = as_hospital(hospital)

    def post(name):
        body = as_bytes({**DOCTOR, "name": [{"text": name}]})
        return system.post("/fhir/R4/Practitioner", body, content_type="application/fhir+json")

    return post


def move(hospital, **values):
    with arriving():
        Organisation.objects.filter(pk=hospital.pk).update(**values)


@pytest.mark.parametrize(
    ("changed", "then"), [({"node": "629900"}, 421), ({"code": "62099999"}, 201)]
)
def test_one_that_moved_is_asked_for_once_more(hospital, create, changed, then):
    assert create("first").status_code == 201
    rows = AuditRow.objects.count()
    move(hospital, **changed)

    refused = create("second")

    assert refused.status_code == 401
    assert (Message.objects.count(), AuditRow.objects.count()) == (1, rows)
    assert create("second").status_code == then


def test_it_is_read_once(hospital, create):
    create("first")

    with CaptureQueriesContext(connection) as asked:
        assert create("second").status_code == 201

    assert not [one for one in asked if one["sql"].startswith('SELECT "organisations')]


def test_outside_a_request_it_is_always_read(hospital, django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(1):
            assert organisation(hospital.pk) == hospital


def test_one_that_is_not_there_yet_is_not_remembered_as_absent():
    late = uuid7()
    with context.request() as request:
        request.proof = context.Proof("true", {}, lambda: None)
        assert organisation(late) is None
        OrganisationFactory(pk=late)

        assert organisation(late).pk == late
