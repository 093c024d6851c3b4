"""Every failure is a problem that a client can act on, also where no view could answer."""

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

PROBLEM = "application/problem+json"
FHIR = "application/fhir+json; charset=utf-8"


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture
def failing(monkeypatch):
    """Make whoever looks a token up fail with an error."""

    def fail_with(error):
        def fail(token):
            raise error

        monkeypatch.setattr("config.api.actor_of_token", fail)
        monkeypatch.setattr("health_records.formats.fhir.views.actor_of_token", fail)

    return fail_with


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_an_unknown_address_is_a_problem(client, language):
    answer = client.get("/nothing/here", headers={"Accept-Language": language})

    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
    assert answer.json()["type"] == "urn:problem:address-unknown"
    assert answer.json()["title"] == {
        "zh-hans": "没有这个地址", "en": "There is nothing at this address",
    }[language]  # fmt: skip


@pytest.mark.parametrize("error", [OperationalError("server closed"), InterfaceError("closed")])
def test_a_database_that_is_away_is_a_503_that_may_be_repeated(client, failing, error):
    failing(error)

    answer = client.get("/api/v1/organisations", headers={"Authorization": "Bearer x"})

    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
    assert answer.json()["type"] == "urn:problem:storage-away"


@pytest.mark.django_db(transaction=True)
def test_the_record_door_says_so_as_an_operation_outcome(client):
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SET ROLE NONE; SELECT pg_terminate_backend(pg_backend_pid())")

    answer = client.post(
        "/fhir/R4", b"{}", content_type="application/fhir+json",
        headers={"Authorization": "Bearer x"},
    )  # fmt: skip
    connection.close()

    assert (answer.status_code, answer["Content-Type"]) == (503, FHIR)
    assert answer.json()["resourceType"] == "OperationOutcome"
    (issue,) = answer.json()["issue"]
    assert [one["code"] for one in issue["details"]["coding"]] == ["storage-away"]


def test_a_broken_view_is_a_problem_with_the_id_of_the_request(client, failing):
    failing(ZeroDivisionError("a bug"))

    answer = client.get("/api/v1/organisations", headers={"Authorization": "Bearer x"})

    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert answer.json()["type"] == "urn:problem:internal-error"
    assert answer["X-Request-Id"]
    assert "a bug" not in answer.content.decode()


@pytest.mark.parametrize(("path", "status"), [("/fhir/R4/Patient", 500), ("/fhir/nothing", 404)])
def test_below_fhir_what_broke_is_an_operation_outcome_too(client, failing, path, status):
    failing(ZeroDivisionError("a bug"))

    answer = client.post(
        path, b"{}", content_type="application/json", headers={"Authorization": "Bearer x"}
    )

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "a bug" not in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/fhir/R4/Patient/%00", "/fhir/R4/Patient?name=a%00", "/api/v1/organisations?node=%00"]
)
def test_a_nul_in_an_address_is_refused_before_it_reaches_the_database(client, path):
    answer = client.get(path)

    assert answer.status_code == 400
    assert "%00" in answer.content.decode()


class _Full(OperationalError):
    """As Django wraps an error of PostgreSQL."""

    def __init__(self, code):
        super().__init__("said")
        self.__cause__ = type("Cause", (Exception,), {"pgcode": code})()


@pytest.mark.parametrize("path", ["/api/v1/organisations", "/fhir/R4/Patient"])
@pytest.mark.parametrize(
    ("code", "status"), [("57P01", 503), ("53300", 503), ("54000", 500), ("22021", 500)]
)
def test_only_what_passes_by_itself_may_be_repeated(client, failing, path, code, status):
    failing(_Full(code))

    answer = client.get(path, headers={"Authorization": "Bearer x"})

    assert answer.status_code == status
