"""A resident signs in on a page: the same code, the session in a cookie."""

import pytest
from django.test import Client

from registry.accounts.models import AccessToken
from registry.accounts.sessions import COOKIE
from tests.residents.conftest import PHONE

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]

OURS = {"Sec-Fetch-Site": "same-origin"}


def sign_in(client, code, headers=OURS):
    return client.post(
        "/api/v1/session/phone", {"phone": PHONE, "code": code},
        content_type="application/json", headers=headers,
    )  # fmt: skip


@pytest.fixture
def code(phone):
    """The code that the phone was sent."""
    mine = phone()
    mine.ask()
    return mine.codes()[0]


def test_the_session_of_a_phone_is_kept_in_the_cookie(client, code):
    answer = sign_in(client, code)

    told = answer.json()
    cookie = answer.cookies[COOKIE]
    assert (answer.status_code, told["role"], told["name"], told["person_id"]) == (
        200,
        "resident",
        "",
        None,
    )
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert cookie.value not in answer.content.decode()
    assert client.get("/api/v1/session").json() == told


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_signs_nobody_in_and_uses_up_no_code(client, code, headers):
    refused = sign_in(client, code, headers)

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:problem:from-another-site")
    assert not refused.cookies
    assert not AccessToken.objects.exists()
    assert sign_in(Client(), code).status_code == 200


def test_a_wrong_code_leaves_no_cookie(client, code):
    answer = sign_in(client, f"{(int(code) + 1) % 1_000_000:06}")

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:problem:code-refused")
    assert not answer.cookies
