"""Staff sign in with a one-time code beside the password, and each code serves once."""

import io
import json
import threading
from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from registry.accounts import services
from registry.accounts.errors import CodeRefused
from registry.accounts.management.commands import second_factor as command
from registry.accounts.models import AccessToken, SecondFactor, SignInFailures, UsedCode
from registry.accounts.rules import (
    code_at,
    secret_in_words,
    secret_of_words,
    step_at,
    step_of,
)
from tests.factories.registry import PASSWORD, AccountFactory
from tests.factories.signed_in import SECRET, authenticator_of

pytestmark = pytest.mark.django_db

RFC_SECRET = b"12345678901234567890"
NOW = 1_795_248_000


def post(client, address, **body):
    return client.post(f"/api/v1/{address}", body, content_type="application/json")


def sign_in(client, account, password=PASSWORD, **more):
    return post(client, "sign-in", login=account.login, password=password, **more)


def offered(client, account, password=PASSWORD):
    return post(client, "sign-in/second-factor", login=account.login, password=password)


def kind(answer):
    return answer.status_code, answer.json()["type"].removeprefix("urn:problem:")


@pytest.fixture
def doctor():
    return AccountFactory(role=Role.CLINICIAN, login="doctor")


@pytest.mark.parametrize(
    ("timestamp", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
    ],
)
def test_codes_are_those_of_the_rfc(timestamp, code):
    """The test vectors of RFC 6238, appendix B, of which six digits are shown."""
    assert code_at(RFC_SECRET, step_at(timestamp)) == code
    assert step_of(RFC_SECRET, code, timestamp) == step_at(timestamp)


def test_a_clock_may_be_one_step_off():
    codes = {away: code_at(SECRET, step_at(NOW) + away) for away in range(-2, 3)}

    found = {away: step_of(SECRET, code, NOW) for away, code in codes.items()}

    now = step_at(NOW)
    assert found == {-2: None, -1: now - 1, 0: now, 1: now + 1, 2: None}


def test_a_secret_is_written_and_read():
    assert secret_of_words(secret_in_words(RFC_SECRET)) == RFC_SECRET
    assert secret_of_words("gezd gnbv gy3t qojq gezd gnbv gy3t qojq") == RFC_SECRET
    assert secret_of_words(secret_in_words(b"seventeen letters")) == b"seventeen letters"


def test_the_first_sign_in_sets_up_an_authenticator(client, doctor, settings):
    assert kind(sign_in(client, doctor)) == (401, "second-factor-not-enrolled")

    offer = offered(client, doctor).json()
    address = urlsplit(offer["address"])
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    asked = parse_qs(address.query)
    assert asked["secret"] == [offer["secret"]]
    assert asked["issuer"] == [f"Jianqiao {settings.NODE_CODE}"]
    secret = b32decode(offer["secret"])
    assert len(secret) == 20
    stored = SecondFactor.objects.get()
    assert (stored.account_id, stored.confirmed_at) == (doctor.id, None)
    assert secret not in bytes(stored.sealed)
    assert kind(sign_in(client, doctor)) == (401, "second-factor-not-enrolled")

    code = code_at(secret, step_at(timezone.now().timestamp()))
    answer = sign_in(client, doctor, code=code)

    assert answer.status_code == 200, answer.content
    assert kind(sign_in(client, doctor)) == (401, "second-factor-missing")
    assert kind(offered(client, doctor)) == (409, "second-factor-enrolled")
    assert not SignInFailures.objects.filter(count__gt=0).exists()


def test_only_the_latest_secret_counts(client, doctor):
    secrets = [b32decode(offered(client, doctor).json()["secret"]) for _ in range(2)]
    step = step_at(timezone.now().timestamp())

    assert kind(sign_in(client, doctor, code=code_at(secrets[0], step)))[0] == 401
    assert sign_in(client, doctor, code=code_at(secrets[1], step)).status_code == 200


def test_nobody_gets_a_secret_without_the_password(client, doctor):
    assert kind(offered(client, doctor, "wrong-horse-1")) == (401, "sign-in-refused")
    assert not SecondFactor.objects.exists()


def test_a_resident_signs_in_without(client):
    resident = AccountFactory(role=Role.RESIDENT)

    assert sign_in(client, resident).status_code == 200
    assert kind(offered(client, resident)) == (409, "second-factor-not-needed")
    assert not SecondFactor.objects.exists()


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.COMMISSION_ANALYST, Role.OPERATOR])
def test_which_roles_need_it_is_a_setting(role, client, settings):
    account = AccountFactory(role=role)
    needed = sign_in(client, account)
    settings.SECOND_FACTOR_ROLES = sorted({*settings.SECOND_FACTOR_ROLES} - {role})

    assert kind(needed) == (401, "second-factor-not-enrolled")
    assert sign_in(client, account).status_code == 200


def test_a_code_serves_once(client, doctor):
    code = authenticator_of(doctor)()

    first, second = sign_in(client, doctor, code=code), sign_in(client, doctor, code=code)

    assert (first.status_code, kind(second)) == (200, (401, "second-factor-refused"))
    assert AccessToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_with_one_code_one_gets_in(doctor):
    code = authenticator_of(doctor)()
    together = threading.Barrier(2)

    def attempt(_):
        try:
            together.wait(60)
            services.sign_in(login="doctor", password=PASSWORD, code=code)
        except CodeRefused:
            return "refused"
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(2) as two:
        assert sorted(two.map(attempt, range(2))) == ["in", "refused"]


def test_wrong_codes_lock_like_wrong_passwords(client, doctor, settings):
    code = authenticator_of(doctor)
    wrong = wrong_code()

    answers = [kind(sign_in(client, doctor, code=wrong)) for _ in range(5)]

    assert answers == [(401, "second-factor-refused")] * 5
    assert kind(sign_in(client, doctor, code=code())) == (429, "sign-in-locked")
    rows = AuditRow.objects.filter(action="session.open")
    assert set(rows.values_list("actor_id", "resource_id", "outcome")) == {
        (Actor.of_node(settings.NODE_CODE).id, doctor.id, "refused")
    }


def test_asking_without_a_code_is_no_guess_and_forgives_none(client, doctor):
    """Between guesses of the code the password alone must not set the count back."""
    authenticator_of(doctor)
    wrong = wrong_code()

    told = []
    for _ in range(6):
        told += [kind(sign_in(client, doctor))[0], kind(sign_in(client, doctor, code=wrong))[0]]

    assert told == [401] * 10 + [429] * 2
    assert SignInFailures.objects.get().locked_until is not None


def test_ten_looks_without_a_code_lock_nobody(client, doctor):
    code = authenticator_of(doctor)

    assert [kind(sign_in(client, doctor))[1] for _ in range(10)] == ["second-factor-missing"] * 10
    assert sign_in(client, doctor, code=code()).status_code == 200


def test_an_attempt_is_taken_back_only_where_one_was_counted():
    services._take_back_attempt(b"\0" * 32)
    SignInFailures.objects.create(login_digest=b"\1" * 32, count=0)
    SignInFailures.objects.create(login_digest=b"\2" * 32, count=7, locked_until=timezone.now())

    for digest in (b"\1" * 32, b"\2" * 32):
        services._take_back_attempt(digest)

    left = SignInFailures.objects.order_by("login_digest")
    assert [(one.count, one.locked_until is None) for one in left] == [(0, True), (6, False)]


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "١٢٣٤٥٦", ""])
def test_what_is_no_code(code, client, doctor):
    assert kind(sign_in(client, doctor, code=code)) == (422, "input-invalid")


def test_used_codes_are_forgotten_once_they_cannot_be_used(client, doctor):
    sign_in(client, doctor, code=authenticator_of(doctor)())
    assert UsedCode.objects.count() == 1

    services.forget_expired()
    assert UsedCode.objects.count() == 1
    UsedCode.objects.update(expires_at=timezone.now())
    services.forget_expired()

    assert not UsedCode.objects.exists()


def run(monkeypatch, **wanted):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(wanted)))
    told = io.StringIO()
    call_command("second_factor", stdout=told)
    return json.loads(told.getvalue())


def test_who_lost_the_authenticator_is_reset_by_the_operator(client, doctor, monkeypatch, settings):
    code = authenticator_of(doctor)
    AccountFactory(login="other", role=Role.CLINICIAN)

    assert run(monkeypatch, reset=["doctor", "other", "nobody"]) == {"reset": ["doctor"]}

    assert kind(sign_in(client, doctor, code=code())) == (401, "second-factor-not-enrolled")
    row = AuditRow.objects.filter(action="second_factor.write", resource_id=doctor.id).latest("id")
    assert (row.actor_id, row.outcome) == (Actor.of_node(settings.NODE_CODE).id, "allowed")
    assert offered(client, doctor).status_code == 200


def test_a_secret_somebody_has_already_is_given_by_command(client, doctor, monkeypatch):
    run(monkeypatch, give={"doctor": secret_in_words(SECRET)})

    code = code_at(SECRET, step_at(now()))
    assert sign_in(client, doctor, code=code).status_code == 200


def test_an_account_that_does_not_come_is_named(monkeypatch):
    monkeypatch.setattr(command, "ACCOUNT_KNOWN_WITHIN", 0.3)

    with pytest.raises(CommandError, match="nobody"):
        run(monkeypatch, give={"nobody": secret_in_words(SECRET)})


def wrong_code():
    """None of the codes of these minutes."""
    near = {code_at(SECRET, step_at(now()) + away) for away in range(-9, 10)}
    return next(code for n in range(99) if (code := f"{n:06d}") not in near)


def now():
    return timezone.now().timestamp()
