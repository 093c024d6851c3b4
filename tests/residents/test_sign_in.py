"""Residents sign in with a phone and a one-time code; guessing gets nobody far."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hmac import compare_digest
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from kernel.keys import rotation
from registry.accounts.models import AccessToken, Account
from registry.accounts.selectors import actor_of_token
from registry.residents import services
from registry.residents.errors import CodeRefused, PhoneTaken, PhoneUnfit
from registry.residents.models import AccountPhone, Attempt, SignInCode
from registry.residents.selectors import account_of_phone, masked_phone
from registry.sms.models import TextMessage
from tests.factories.registry import AccountFactory
from tests.residents.conftest import PHONE

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]

OTHER = "13800000002"


def problem(answer):
    return answer.status_code, answer.json()["type"]


REFUSED = (401, "urn:problem:code-refused")


def sign_ins():
    rows = AuditRow.objects.filter(action="session.open").order_by("id")
    return list(rows.values_list("actor_role", "resource_id", "outcome"))


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


def later(monkeypatch, **span):
    """Let the clock of this app run ahead."""
    at = timezone.now() + timedelta(**span)
    monkeypatch.setattr(timezone, "now", lambda: at)


def test_the_first_sign_in_makes_an_account_and_the_next_finds_it(phone, monkeypatch):
    mine = phone()

    asked = mine.ask()
    signed_in = mine.sign_in(mine.codes()[0])

    assert (asked.status_code, asked.json()) == (202, {"valid_for": 300, "again_after": 60})
    assert signed_in.status_code == 200
    account = Account.objects.get()
    actor = actor_of_token(signed_in.json()["access_token"])
    assert (actor.id, actor.role, actor.person_id) == (account.id, Role.RESIDENT, None)
    assert (account.audience, account.has_usable_password()) == ([], False)
    assert account.real_name_level == "unverified"
    assert sign_ins() == [("resident", None, "allowed")]

    later(monkeypatch, minutes=2)
    assert mine.signed_in().get("/api/v1/me").json()["account_id"] == str(account.id)
    assert Account.objects.count() == 1


@pytest.mark.parametrize("typed", ["+86 139 1234 5678", "0086-13912345678"])
def test_one_phone_however_it_is_typed(phone, typed):
    assert phone(typed).ask().status_code == 202
    (code,) = phone(PHONE).codes()

    assert phone(typed).sign_in(code).status_code == 200
    assert account_of_phone(PHONE) == Account.objects.get()


def test_wrong_phone_wrong_code_and_expired_code_are_answered_alike(phone, monkeypatch):
    mine, strange = phone(), phone(OTHER)
    mine.ask()
    (code,) = mine.codes()

    answers = [mine.sign_in(wrong(code)), strange.sign_in(code)]
    later(monkeypatch, minutes=5)
    answers.append(mine.sign_in(code))

    assert [problem(one) for one in answers] == [REFUSED] * 3
    assert len({one.content for one in answers}) == 1
    assert not Account.objects.exists()
    assert not AccessToken.objects.exists()
    assert sign_ins() == [("node", None, "refused")] * 3


def test_a_refused_sign_in_is_audited_about_the_account_that_has_the_phone(phone, settings):
    account: Any = AccountFactory()
    services.give_phone(account=account, phone=PHONE)

    phone().sign_in("000000")

    refused = AuditRow.objects.get(action="session.open")
    assert (refused.resource_type, refused.resource_id) == ("Account", account.id)
    assert refused.actor_id == Actor.of_node(settings.NODE_CODE).id


def test_a_code_works_once(phone):
    mine = phone()
    mine.ask()
    (code,) = mine.codes()

    assert [mine.sign_in(code).status_code for _ in range(3)] == [200, 401, 401]


def test_a_code_may_be_tried_five_times(phone):
    mine = phone()
    mine.ask()
    (code,) = mine.codes()

    for _ in range(5):
        mine.sign_in(wrong(code))

    assert problem(mine.sign_in(code)) == REFUSED
    for _ in range(5):
        mine.sign_in(code)
    assert sign_ins() == [("node", None, "refused")] * 6  # the log cannot be flooded


def test_the_fifth_try_may_be_the_right_one(phone):
    mine = phone()
    mine.ask()
    (code,) = mine.codes()
    for _ in range(4):
        mine.sign_in(wrong(code))

    assert mine.sign_in(code).status_code == 200


def test_a_new_code_replaces_the_old_one_and_may_be_tried_anew(phone, monkeypatch):
    mine = phone()
    mine.ask()
    (old,) = mine.codes()
    for _ in range(6):
        mine.sign_in(wrong(old))
    later(monkeypatch, minutes=2)
    monkeypatch.setattr(secrets, "randbelow", lambda most: int(wrong(old)))
    mine.ask()

    assert mine.sign_in(old).status_code == 401
    assert mine.sign_in(wrong(old)).status_code == 200


@pytest.mark.parametrize(
    ("minutes", "sent"),
    [([0, 0.5], 1), ([0, 1], 2), ([0, 2, 4, 6, 8, 10], 5), ([0, 2, 4, 6, 8, 60], 6)],
)
def test_a_phone_gets_one_code_a_minute_and_five_an_hour(phone, monkeypatch, minutes, sent):
    start, answers = timezone.now(), []
    for minute in minutes:
        at = start + timedelta(minutes=minute)
        monkeypatch.setattr(timezone, "now", lambda at=at: at)
        answers.append(phone().ask())

    assert {one.status_code for one in answers} == {202}
    assert len({one.content for one in answers}) == 1
    assert TextMessage.objects.count() == sent


def test_an_address_may_ask_so_often_and_others_go_on(phone, settings):
    settings.SIGN_IN_CODES_PER_ADDRESS = 3

    here = [phone(f"1390000000{n}").ask(REMOTE_ADDR="192.0.2.1") for n in range(4)]
    elsewhere = phone(OTHER).ask(REMOTE_ADDR="192.0.2.2")

    assert [one.status_code for one in here] == [202, 202, 202, 429]
    assert problem(here[-1]) == (429, "urn:problem:too-many-codes")
    assert elsewhere.status_code == 202
    assert not phone("13900000003").codes()


def test_what_is_no_phone_gets_no_code(phone):
    assert problem(phone("12345").ask()) == (422, "urn:problem:phone-unfit")
    assert problem(phone("12345").sign_in("000000")) == (422, "urn:problem:phone-unfit")
    assert not Attempt.objects.exists()


@pytest.mark.node("both")
@pytest.mark.parametrize("adapter", ["", "registry.sms.mailbox.deliver"])
def test_a_node_that_cannot_sign_in_by_phone_says_so(phone, settings, adapter):
    answers = phone()
    settings.SMS_ADAPTER = adapter

    answer = answers.ask()

    offers = bool(adapter) and settings.ROLE == "province"
    assert answer.status_code == (202 if offers else 404)
    assert TextMessage.objects.exists() is offers


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_may_not_sign_in_stays_out(phone, status):
    account: Any = AccountFactory(status=status)
    services.give_phone(account=account, phone=PHONE)
    mine = phone()
    mine.ask()

    assert problem(mine.sign_in(mine.codes()[0])) == REFUSED
    assert not AccessToken.objects.exists()
    assert sign_ins() == [("node", account.id, "refused")]


def test_a_phone_is_one_accounts():
    one: Any = AccountFactory()
    other: Any = AccountFactory()
    services.give_phone(account=one, phone=PHONE)
    services.give_phone(account=one, phone=PHONE)
    with pytest.raises(PhoneTaken):
        services.give_phone(account=other, phone=PHONE)

    assert account_of_phone(PHONE) == one
    services.give_phone(account=one, phone=OTHER)
    assert account_of_phone(PHONE) is None
    assert masked_phone(one.id) == "138******02"
    with pytest.raises(PhoneUnfit):
        services.give_phone(account=one, phone="1")


def test_no_phone_stands_in_clear(phone):
    mine = phone()
    mine.signed_in()
    mine.ask()

    with connection.cursor() as cursor:
        for model in (AccountPhone, SignInCode, Attempt, TextMessage, Account, AuditRow):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {model._meta.db_table} t")
            (text,) = cursor.fetchone()
            assert PHONE not in str(text), model
            assert PHONE.encode().hex() not in str(text), model


def test_a_phone_is_found_after_the_keys_were_changed(phone, monkeypatch):
    mine = phone()
    before = mine.signed_in().get("/api/v1/me").json()
    index = bytes(AccountPhone.objects.get().index)

    rotation.rotate(grace=0)

    row = AccountPhone.objects.get()
    assert (bytes(row.index) != index, row.index_next) == (True, None)
    later(monkeypatch, minutes=2)
    assert mine.signed_in().get("/api/v1/me").json() == before


def test_what_ended_is_forgotten(phone, monkeypatch):
    phone().ask()
    assert services.forget_expired() == 0

    later(monkeypatch, days=1, seconds=1)

    assert services.forget_expired() == 3  # the code, and what was counted of phone and address
    assert not SignInCode.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_with_the_right_code_one_gets_in(phone, monkeypatch):
    mine = phone()
    mine.ask()
    (code,) = mine.codes()
    together = threading.Barrier(4)

    def all_compare_before_one_uses_it(given, kept):
        together.wait(120)
        return compare_digest(given, kept)

    monkeypatch.setattr(services, "compare_digest", all_compare_before_one_uses_it)

    def enter(_):
        try:
            services.sign_in(phone=PHONE, code=code)
        except CodeRefused as refusal:
            return refusal.status
        finally:
            connection.close()
        return 200

    with ThreadPoolExecutor(4) as many:
        assert sorted(many.map(enter, range(4))) == [200, 401, 401, 401]
    assert (Account.objects.count(), AccessToken.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_many_requests_at_once_send_one_code(phone):
    phone()

    def ask(_):
        try:
            services.request_code(phone=PHONE, address="192.0.2.1")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as many:
        list(many.map(ask, range(8)))

    assert TextMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_sign_ins_at_once_make_one_account():
    """Each with a code of its own, as when the second was asked for while the first was used."""

    def first(_):
        try:
            return services._first_account(PHONE).id
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as many:
        assert len(set(many.map(first, range(4)))) == 1
    assert Account.objects.count() == AccountPhone.objects.count() == 1
