"""People sign in with a password; five failures lock a login for a while."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from registry.accounts import services
from registry.accounts.errors import KeyUnfit, PasswordTooWeak, SignInLocked, SignInRefused
from registry.accounts.models import AccessToken, Account, HospitalClient, SignInFailures
from registry.accounts.rules import password_is_strong
from registry.accounts.selectors import actor_of_token
from registry.accounts.services import create_account, register_hospital_client
from tests.factories.registry import PASSWORD, AccountFactory, OrganisationFactory
from tests.factories.signed_in import authenticator_of

pytestmark = pytest.mark.django_db


def sign_in(client, login, password=PASSWORD, **more):
    body = {"login": login, "password": password, **more}
    return client.post("/api/v1/sign-in", body, content_type="application/json")


@pytest.mark.covers("S000-33")
def test_the_right_password_gives_a_session(client):
    hospital = OrganisationFactory()
    account = AccountFactory(role=Role.CLINICIAN, organisation=hospital)

    answer = sign_in(client, account.login, code=authenticator_of(account)())

    assert answer.status_code == 200
    actor = actor_of_token(answer.json()["access_token"])
    assert (actor.id, actor.role, actor.purpose) == (account.id, Role.CLINICIAN, "TREAT")
    assert actor.organisation_id == hospital.id


def sign_ins():
    rows = AuditRow.objects.filter(action="session.open").order_by("id")
    return list(rows.values_list("actor_id", "actor_role", "resource_id", "outcome"))


def test_a_sign_in_is_audited_as_the_accounts_and_a_refused_one_as_the_nodes(client, settings):
    hospital = OrganisationFactory()
    account = AccountFactory(login="doctor", role=Role.CLINICIAN, organisation=hospital)
    away = AccountFactory(login="away", status="suspended")
    node = Actor.of_node(settings.NODE_CODE).id
    settings.SECOND_FACTOR_ROLES = []

    for login, password in [
        ("doctor", PASSWORD), ("doctor", "wrong-horse-1"), ("away", PASSWORD), ("nobody", "x")
    ]:  # fmt: skip
        sign_in(client, login, password)

    assert sign_ins() == [
        (account.id, "clinician", None, "allowed"),
        (node, "node", account.id, "refused"),
        (node, "node", away.id, "refused"),
        (node, "node", None, "refused"),
    ]
    refused = AuditRow.objects.get(resource_id=account.id)
    assert (refused.resource_type, refused.organisation_id) == ("Account", hospital.id)


@pytest.mark.parametrize("login", ["user-known", "nobody"])
def test_a_locked_login_leaves_one_row_however_often_it_is_tried(login, client, settings):
    AccountFactory(login="user-known")
    known = Account.objects.filter(login=login).values_list("id", flat=True).first()
    for _ in range(5):
        sign_in(client, login, "wrong-horse-1")

    answers = [sign_in(client, login) for _ in range(20)]

    assert [one.status_code for one in answers] == [429] * 20
    until = SignInFailures.objects.get().locked_until
    assert answers[-1].json()["facts"]["until"] == until.isoformat()
    assert sign_ins() == [(Actor.of_node(settings.NODE_CODE).id, "node", known, "refused")] * 6


@pytest.mark.covers("S000-33")
@pytest.mark.parametrize("login", ["user-known", "nobody", "a\u3000b"])
def test_five_failures_lock_known_and_unknown_alike(login, client):
    AccountFactory(login="user-known")

    answers = [sign_in(client, login, "wrong-horse-1") for _ in range(5)]
    locked = sign_in(client, login)

    assert [one.status_code for one in answers] == [401] * 5
    assert (locked.status_code, locked.json()["type"]) == (429, "urn:problem:sign-in-locked")
    assert not AccessToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twelve_at_once_get_five_guesses(client, monkeypatch):
    """None of the looks at the password ends before all have come."""
    AccountFactory(login="user-known")
    guesses, all_came = [], threading.Event()

    def slow_check(password, encoded):
        guesses.append(password)
        all_came.wait(120)
        return False

    monkeypatch.setattr(services, "check_password", slow_check)

    def guess(number):
        try:
            services.sign_in(login="user-known", password=f"wrong-horse-{number}")
        except (SignInLocked, SignInRefused) as refusal:
            return refusal.status
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as many:
        waiting = [many.submit(guess, number) for number in range(12)]
        locked = [one.result() for one in islice(as_completed(waiting, timeout=60), 7)]
        all_came.set()
        looked_at = [one.result(60) for one in waiting]

    assert locked == [429] * 7
    assert sorted(looked_at) == [401] * 5 + [429] * 7
    assert len(guesses) == 5


def test_a_success_forgets_what_failed_before(client):
    account = AccountFactory()
    for _ in range(4):
        sign_in(client, account.login, "wrong-horse-1")

    assert sign_in(client, account.login).status_code == 200
    assert not SignInFailures.objects.exists()


def test_the_lock_opens_after_its_time(client):
    account = AccountFactory()
    for _ in range(5):
        sign_in(client, account.login, "wrong-horse-1")
    SignInFailures.objects.update(locked_until=timezone.now() - timedelta(seconds=1))

    assert sign_in(client, account.login).status_code == 200
    assert not SignInFailures.objects.exists()


def test_after_the_lock_counting_begins_anew(client):
    account = AccountFactory()
    for _ in range(5):
        sign_in(client, account.login, "wrong-horse-1")
    SignInFailures.objects.update(locked_until=timezone.now() - timedelta(seconds=1))

    sign_in(client, account.login, "wrong-horse-1")

    left = SignInFailures.objects.get()
    assert (left.count, left.locked_until) == (1, None)


def test_a_suspended_account_stays_out_and_its_session_ends(client):
    account = AccountFactory(login="s1", status="suspended")

    assert sign_in(client, account.login).status_code == 401


def test_sign_out_ends_the_session(client):
    token = sign_in(client, AccountFactory().login).json()["access_token"]

    answer = client.post("/api/v1/sign-out", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 204
    assert actor_of_token(token) is None


@pytest.mark.parametrize("body", [{"login": "a\0", "password": "x"}, {"login": "a"}, {}])
def test_what_is_no_sign_in(body, client):
    answer = client.post("/api/v1/sign-in", body, content_type="application/json")

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:problem:input-invalid")


@pytest.mark.parametrize("token", ["", "x", "\ud800"])
def test_a_token_nobody_got(token):
    assert actor_of_token(token) is None


@pytest.mark.parametrize(
    ("password", "strong"),
    [("abcdefg1", True), ("abcdefg", False), ("abcdefgh", False), ("12345678", False)],
)
def test_strong_passwords(password, strong):
    assert password_is_strong(password) is strong


@pytest.mark.node("hub")
def test_an_account_of_staff_reaches_the_hospitals_city():
    hospital: Any = OrganisationFactory(node="620800")

    made = create_account(
        login="doctor", password=PASSWORD, role=Role.CLINICIAN, organisation=hospital
    )
    again = create_account(
        login="doctor", password=PASSWORD, role=Role.CLINICIAN, organisation=hospital, name="李医生"
    )

    assert made.id == again.id
    assert (again.audience, again.name) == (["620800"], "李医生")
    assert PASSWORD not in Account.objects.get().password


@pytest.mark.node("hub")
def test_a_weak_password_makes_no_account():
    with pytest.raises(PasswordTooWeak):
        create_account(login="weak", password="short", role=Role.OPERATOR)  # noqa: S106

    assert not Account.objects.exists()


@pytest.mark.node("hub")
@pytest.mark.parametrize(
    "keys", [[], [{"kty": "oct", "k": "x"}], [{"kty": "OKP", "crv": "Ed25519", "x": "x", "d": "x"}]]
)
def test_unfit_keys_register_no_system(keys):
    hospital: Any = OrganisationFactory()
    with pytest.raises(KeyUnfit):
        register_hospital_client(client_id="his", organisation=hospital, public_keys=keys)

    assert not HospitalClient.objects.exists()


@pytest.mark.node("hub")
def test_a_system_may_change_its_keys():
    hospital: Any = OrganisationFactory()
    for x in ("old", "new"):
        register_hospital_client(
            client_id="his", organisation=hospital,
            public_keys=[{"kty": "OKP", "crv": "Ed25519", "x": x}],
        )  # fmt: skip

    assert [key["x"] for key in HospitalClient.objects.get().public_keys] == ["new"]
