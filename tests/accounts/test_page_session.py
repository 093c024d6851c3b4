"""The session of a page: a cookie that scripts cannot read and other sites cannot use."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kernel.actor import Role
from registry.accounts.models import AccessToken, Account
from registry.accounts.rules import SESSION_LIFE, SESSION_LONGEST
from registry.accounts.services import issue_token, renew_session
from registry.accounts.sessions import COOKIE
from tests.factories.registry import PASSWORD, AccountFactory, OrganisationFactory
from tests.factories.signed_in import as_hospital

pytestmark = pytest.mark.django_db

PAGE = "/api/v1/session"
OURS = {"Sec-Fetch-Site": "same-origin"}
OTHERS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://elsewhere.example"},
    {"Origin": "null"},
    {},
]


def sign_in(client, login, password=PASSWORD, headers=OURS):
    return client.post(
        PAGE, {"login": login, "password": password}, content_type="application/json",
        headers=headers,
    )  # fmt: skip


@pytest.fixture
def signed_in():
    """A browser in which somebody signed in."""
    client = Client()
    assert sign_in(client, AccountFactory(login="li", name="李桂兰").login).status_code == 200
    return client


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client):
    account = AccountFactory(login="li", name="李桂兰")

    answer = sign_in(client, "li")

    told = answer.json()
    assert told.pop("expires_at") > timezone.now().isoformat()
    assert told == {
        "login": "li", "name": "李桂兰", "role": account.role, "person_id": None,
    }  # fmt: skip
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert (cookie["domain"], cookie["secure"]) == ("", "")  # over plain HTTP, as on a laptop
    assert cookie.value not in answer.content.decode()


def test_behind_https_the_cookie_is_for_this_host_only(client, monkeypatch):
    monkeypatch.setattr("registry.accounts.sessions.IS_SECURE", True)

    answer = sign_in(client, AccountFactory().login)

    assert answer.cookies[COOKIE]["secure"] is True


def test_the_session_reads(signed_in):
    assert signed_in.get(PAGE).json()["name"] == "李桂兰"
    assert signed_in.get("/api/v1/organisations").status_code == 200


def test_an_origin_of_ours_does_where_a_browser_is_old(client):
    login = AccountFactory().login

    assert sign_in(client, login, headers={"Origin": "http://testserver"}).status_code == 200


@pytest.mark.parametrize("headers", OTHERS)
def test_another_site_signs_nobody_in(client, headers):
    answer = sign_in(client, AccountFactory().login, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:from-another-site")
    assert not answer.cookies
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("headers", OTHERS)
def test_another_site_cannot_write_with_the_session(signed_in, headers):
    answer = signed_in.delete(PAGE, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:from-another-site")
    assert signed_in.get(PAGE).status_code == 200


def test_a_wrong_password_leaves_no_cookie(client):
    answer = sign_in(client, AccountFactory().login, "wrong-horse-1")

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:problem:sign-in-refused")
    assert not answer.cookies


def test_signing_out_ends_the_session_and_forgets_the_cookie(signed_in):
    token = signed_in.cookies[COOKIE].value

    answer = signed_in.delete(PAGE, headers=OURS)

    assert answer.status_code == 204
    assert answer.cookies[COOKIE].value == ""
    assert not AccessToken.objects.exists()
    assert Client(headers={"Cookie": f"{COOKIE}={token}"}).get(PAGE).status_code == 401


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_stranger_has_no_session(client, method):
    path = f"{PAGE}/renewal" if method == "post" else PAGE

    assert getattr(client, method)(path, headers=OURS).status_code == 401


def test_a_hospitals_system_has_none_either():
    system = as_hospital(OrganisationFactory())

    assert system.get(PAGE).status_code == 401
    assert system.post(f"{PAGE}/renewal").status_code == 401


def test_a_page_in_use_renews_its_session(signed_in):
    soon = timezone.now() + timedelta(minutes=1)
    AccessToken.objects.update(expires_at=soon)

    answer = signed_in.post(f"{PAGE}/renewal", headers=OURS)

    ends = AccessToken.objects.get().expires_at
    assert answer.status_code == 200
    assert ends > soon + SESSION_LIFE / 2


def test_no_session_lasts_for_ever(signed_in):
    began = timezone.now() - SESSION_LONGEST + timedelta(minutes=1)
    AccessToken.objects.update(issued_at=began)

    signed_in.post(f"{PAGE}/renewal", headers=OURS)

    assert AccessToken.objects.get().expires_at == began + SESSION_LONGEST


def test_what_has_ended_is_not_renewed():
    over = issue_token(ends=timezone.now() - timedelta(seconds=1), account_id=AccountFactory().id)

    assert renew_session(token=over) is None
    assert AccessToken.objects.get().expires_at < timezone.now()


def test_a_suspended_account_is_out_at_once():
    account = AccountFactory(role=Role.RESIDENT, status="suspended")
    token = issue_token(ends=timezone.now() + timedelta(minutes=5), account_id=account.id)

    assert Client(headers={"Cookie": f"{COOKIE}={token}"}).get(PAGE).status_code == 401


def test_an_account_turned_off_in_a_session_renews_nothing(signed_in, arrives):
    ends = AccessToken.objects.get().expires_at
    with arrives():
        Account.objects.update(status="suspended")

    answer = signed_in.post(f"{PAGE}/renewal", headers=OURS)

    assert answer.status_code == 401
    assert AccessToken.objects.get().expires_at == ends
