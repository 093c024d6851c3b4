"""A decision leaves its audit row, whatever it was, before anything leaves the node."""

import json
from uuid import UUID

import pytest
from django.conf import settings as node
from django.db import DatabaseError, transaction

from config import middleware
from kernel.access import context
from kernel.access.errors import NotVisible, Refused
from kernel.access.services import authorise, authorise_write
from kernel.audit.models import AuditPending, AuditRow
from tests.access import urls
from tests.access.urls import PERSON, RESIDENT, SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def routes(settings):
    settings.ROOT_URLCONF = "tests.access.urls"


def test_an_allowed_read_leaves_one_row(client):
    response = client.get("/asked/7", HTTP_X_REQUEST_ID="request-0001")

    assert (response.status_code, response.content) == (200, b"a record")
    assert response["X-Request-Id"] == "request-0001"
    row = AuditRow.objects.get()
    assert (row.actor_id, row.actor_role, row.actor_node) == (
        RESIDENT.id,
        "resident",
        node.NODE_CODE,
    )
    assert (row.action, row.purpose, row.outcome, row.reason) == (
        "timeline.read",
        "PATRQT",
        "allowed",
        "own_record",
    )
    assert (row.person_id, row.registration_id, row.resource_id, row.count) == (
        PERSON,
        None,
        None,
        3,
    )
    assert row.facts == ["own_record"]
    assert (row.request_id, row.route, row.ip) == (
        "request-0001",
        "GET /asked/<str:which>",
        "127.0.0.1",
    )
    assert (row.node, row.audience) == (node.NODE_CODE, [])
    assert AuditPending.objects.get().row_id == row.id


@pytest.mark.parametrize("given", ["", "short", "with space and\nline", "x" * 65])
def test_a_request_id_that_could_spoil_a_log_is_replaced(client, given):
    response = client.get("/missing", headers={"X-Request-Id": given})

    assert len(response["X-Request-Id"]) == 32
    assert response["X-Request-Id"] != given


def test_a_proxy_header_does_not_say_who_asks(client):
    client.get("/asked/7", HTTP_X_FORWARDED_FOR="9.9.9.9")

    assert AuditRow.objects.get().ip == "127.0.0.1"


@pytest.mark.parametrize("path", ["/unasked", "/away", "/streamed"])
def test_an_answer_nobody_asked_about_is_withheld(client, path):
    urls.closed.clear()
    client.raise_request_exception = False

    response = client.get(path, HTTP_ACCEPT_LANGUAGE="en")

    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content) == {
        "type": "urn:problem:access-not-decided",
        "title": "Withheld: access was not decided",
        "status": 500,
    }
    assert not AuditRow.objects.exists()
    assert urls.closed == (["closed"] if path == "/streamed" else [])


@pytest.mark.parametrize("path", ["/healthz", "/static/site.css"])
def test_what_speaks_of_nobody_needs_no_decision(client, path):
    assert client.get(path).status_code == 200


def test_a_decision_of_one_request_does_not_serve_the_next(client):
    assert client.get("/asked/7").status_code == 200
    client.raise_request_exception = False
    assert client.get("/unasked").status_code == 500


def test_a_refused_read_leaves_its_row_and_looks_like_nothing_there(client):
    response = client.get("/refused")

    assert response.status_code == 404
    assert response.json()["type"] == "urn:problem:not-found"
    row = AuditRow.objects.get()
    assert (row.outcome, row.reason, row.person_id) == ("refused", "no-fact", PERSON)


@pytest.mark.django_db(transaction=True)
def test_a_refusal_outlives_the_transaction_it_ended(client):
    response = client.get("/refused-inside")

    assert response.status_code == 403
    row = AuditRow.objects.get()
    assert (row.outcome, row.action, row.resource_type) == ("refused", "record.write", "Bundle")
    assert row.route == "GET /refused-inside"
    assert AuditPending.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refusal_outside_of_a_request_outlives_its_transaction_too():
    with pytest.raises(Refused), transaction.atomic():
        authorise_write(SYSTEM, "record.write", facts={"authenticated"}, resource_type="Bundle")

    row = AuditRow.objects.get()
    assert (row.outcome, row.resource_type, row.request_id) == ("refused", "Bundle", "")
    assert AuditPending.objects.get().row_id == row.id


@pytest.mark.django_db(transaction=True)
def test_a_refusal_that_cannot_be_audited_is_an_internal_error(client, monkeypatch):
    def broken(refusals):
        raise DatabaseError

    monkeypatch.setattr(middleware, "write_refusals", broken)

    assert client.get("/refused-inside").status_code == 500


@pytest.mark.django_db(transaction=True)
def test_an_allowed_write_is_audited_in_its_transaction(client):
    assert client.get("/written").status_code == 200

    row = AuditRow.objects.get()
    assert (row.outcome, row.reason) == ("allowed", "own_organisation")
    assert row.organisation_id == SYSTEM.organisation_id


def write_about(registration_ids, facts):
    with transaction.atomic():
        authorise_write(
            SYSTEM, "record.write", facts=facts, registration_ids=registration_ids,
            resource_type="Message", count=7,
        )  # fmt: skip
    rows = AuditRow.objects.order_by("id")
    return list(rows.values_list("registration_id", "outcome", "resource_type", "count"))


def test_a_write_about_several_leaves_a_row_for_each(django_assert_num_queries):
    whose = [UUID(int=number) for number in (4, 3, 5)]
    with context.request() as request, django_assert_num_queries(2 + 2):  # savepoint, rows, release
        rows = write_about(whose, {"own_organisation"})

    assert rows == [(one, "allowed", "Message", 7) for one in whose]
    assert request.decisions == 1


def test_a_write_about_nobody_leaves_a_row():
    assert write_about([], {"own_organisation"}) == [(None, "allowed", "Message", 7)]


@pytest.mark.django_db(transaction=True)
def test_a_write_about_several_that_is_refused_leaves_a_row_for_the_first():
    with pytest.raises(NotVisible):
        write_about([UUID(int=4), UUID(int=3)], {"authenticated"})

    row = AuditRow.objects.get()
    assert (row.registration_id, row.outcome, row.count) == (UUID(int=4), "refused", 7)


@pytest.mark.django_db(transaction=True)
def test_a_write_that_fails_later_was_no_write():
    with transaction.atomic():
        authorise_write(SYSTEM, "record.write", facts={"own_organisation"})
        transaction.set_rollback(True)

    assert not AuditRow.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_write_outside_a_transaction_is_a_mistake():
    with pytest.raises(transaction.TransactionManagementError):
        authorise_write(SYSTEM, "record.write", facts={"own_organisation"})

    assert not AuditRow.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_row_of_a_read_is_committed_before_the_answer():
    with context.request() as request:
        authorise(RESIDENT, "timeline.read", facts={"own_record"}, person_id=PERSON)
        assert request.decisions == 1
        assert AuditRow.objects.count() == 1
        with pytest.raises(NotVisible):
            authorise(RESIDENT, "timeline.read", person_id=PERSON)
        assert AuditRow.objects.count() == 2
        assert request.unwritten == []


@pytest.mark.parametrize(
    ("about", "error"),
    [
        ({"person_id": PERSON}, NotVisible),
        ({"registration_id": PERSON}, NotVisible),
        ({"resource_id": PERSON}, NotVisible),
        ({"resource_id": None}, NotVisible),
        ({"person_id": None}, Refused),
        ({}, Refused),
    ],
)
def test_what_one_may_not_see_is_not_there(about, error):
    with pytest.raises(error):
        authorise(RESIDENT, "record.read", **about)

    assert AuditRow.objects.get().reason == "no-fact"


def test_what_a_role_never_does_is_refused_openly():
    with pytest.raises(Refused):
        authorise(RESIDENT, "operations.write", resource_id=UUID(int=5))

    assert AuditRow.objects.get().reason == "no-rule"
