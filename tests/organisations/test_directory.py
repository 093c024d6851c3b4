"""The directory is open to whoever signed in, page by page."""

import pytest
from django.test import Client

from kernel.actor import Role
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_somebody

pytestmark = pytest.mark.django_db


def test_pages_follow_each_other():
    codes = [OrganisationFactory(code=f"D{number}").code for number in range(5)]
    client, seen = as_somebody(Role.OPERATOR), []
    asked: dict[str, str] = {"limit": "2"}
    for expected in (2, 2, 1):
        page = client.get("/api/v1/organisations", asked).json()
        assert len(page["items"]) == expected
        seen += [one["code"] for one in page["items"]]
        asked["cursor"] = page["next"]

    assert page["next"] is None
    assert seen == codes


def test_one_city_only():
    OrganisationFactory(node="620800", code="P1")
    OrganisationFactory(node="620100", code="L1")

    page = as_somebody(Role.RESIDENT).get("/api/v1/organisations", {"node": "620800"}).json()

    assert [one["code"] for one in page["items"]] == ["P1"]


@pytest.mark.parametrize("cursor", ["!", "bm9wZQ", "WzEsMl0"])
def test_a_made_up_cursor(cursor):
    answer = as_somebody(Role.RESIDENT).get("/api/v1/organisations", {"cursor": cursor})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:problem:cursor-invalid")


def test_a_stranger_sees_nothing():
    answer = Client().get("/api/v1/organisations")

    assert answer.status_code == 401
