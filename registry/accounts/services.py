"""Making accounts, signing in and out."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.utils import timezone

from kernel.access.errors import Refused
from kernel.access.rules import Fact
from kernel.access.services import About, authorise
from kernel.actor import Actor, Role
from registry.accounts import second_factor
from registry.accounts.errors import (
    CodeMissing,
    CodeRefused,
    KeyUnfit,
    NoSecondFactor,
    NotEnrolled,
    PasswordTooWeak,
    SignInLocked,
    SignInRefused,
)
from registry.accounts.models import (
    AccessToken,
    Account,
    HospitalClient,
    SignInFailures,
    UsedAssertion,
    UsedCode,
)
from registry.accounts.rules import (
    FAILURES_BEFORE_LOCK,
    LOCKED_FOR,
    SESSION_LIFE,
    SESSION_LONGEST,
    algorithms_of,
    password_is_strong,
)
from registry.accounts.selectors import actor_of, token_digest
from registry.accounts.states import AccountStatus, ClientStatus, RealNameLevel
from registry.organisations.models import Organisation

SIGN_IN = "session.open"


@transaction.atomic
def register_hospital_client(
    *, client_id: str, organisation: Organisation, public_keys: Sequence[dict[str, Any]]
) -> HospitalClient:
    """Register a hospital's system, or replace its public keys; KeyUnfit for a key of another kind."""
    if not public_keys or not all(algorithms_of(key) for key in public_keys):
        raise KeyUnfit
    if any("d" in key for key in public_keys):
        raise KeyUnfit({"zh": "不得提交私钥", "en": "This is a private key"})
    client, _ = HospitalClient.objects.update_or_create(
        client_id=client_id,
        defaults={
            "organisation": organisation,
            "public_keys": list(public_keys),
            "status": ClientStatus.ACTIVE,
        },
    )
    return client


@transaction.atomic
def create_account(
    *,
    login: str,
    password: str,
    role: Role,
    name: str = "",
    organisation: Organisation | None = None,
    person_id: UUID | None = None,
) -> Account:
    """Make an account, or bring the one of that login up to date.

    A resident's stays at the hub; a member of staff's goes to the hospital's city too.
    """
    if not password_is_strong(password):
        raise PasswordTooWeak
    account = Account.objects.filter(login=login).first() or Account(login=login)
    account.role, account.name = role, name
    account.organisation, account.person_id = organisation, person_id
    account.real_name_level = RealNameLevel.SELF_DECLARED if person_id else RealNameLevel.UNVERIFIED
    account.status = AccountStatus.ACTIVE
    account.audience = [organisation.node] if organisation else []
    if not account.password or not check_password(password, account.password):
        account.password = make_password(password)
    account.save()
    return account


def create_resident() -> Account:
    """An account without a password, of a resident of whom nothing is known yet."""
    account = Account(role=Role.RESIDENT, password=make_password(None))
    account.login = f"resident-{account.id}"
    account.save(force_insert=True)
    return account


def bind_to_person(*, account_id: UUID, person_id: UUID, name: str, level: RealNameLevel) -> bool:
    """Let a resident's account stand for a person of this name; False when it stands for one already."""
    free = Account.objects.filter(pk=account_id, person_id__isnull=True)
    return bool(free.update(person_id=person_id, name=name, real_name_level=level))


def sign_in(*, login: str, password: str, code: str | None = None) -> tuple[str, datetime]:
    """A bearer token for the account of that login and password, and when it ends.

    Roles with a second factor give a one-time code too; without one NotEnrolled or CodeMissing says what
    is wanted, and nothing counts as failed. Five failures lock the login for a while, whether or not
    there is such an account. Each failure is audited; of the attempts on a locked login the first, so
    that nobody floods the log.
    """
    account, digest = _with_password(login, password)
    if second_factor.is_needed(account):
        try:
            second_factor.require_code(account, code)
        except (CodeMissing, NotEnrolled):
            _take_back_attempt(digest)
            raise
        except CodeRefused:
            audit_refused_sign_in(account)
            raise
    SignInFailures.objects.filter(login_digest=digest).delete()
    return open_session(account)


def offer_second_factor(*, login: str, password: str) -> second_factor.Offer:
    """A secret for the authenticator of who has the password and no second factor yet.

    The next sign-in with a code of it confirms it. NoSecondFactor for roles without one.
    """
    account, digest = _with_password(login, password)
    _take_back_attempt(digest)
    if not second_factor.is_needed(account):
        raise NoSecondFactor
    return second_factor.offer(account)


def _with_password(login: str, password: str) -> tuple[Account, bytes]:
    """The account of that login and password, and the login's digest, under which the attempt counts."""
    now = timezone.now()
    digest = sha256(login.encode("utf-8", "surrogatepass")).digest()
    account = Account.objects.filter(login=login).first()
    attempt = _count_attempt(digest, now)
    if attempt.locked_until and attempt.count > FAILURES_BEFORE_LOCK:
        if attempt.count == FAILURES_BEFORE_LOCK + 1:
            audit_refused_sign_in(account)
        raise SignInLocked(facts={"until": attempt.locked_until.isoformat()})
    may = account if account and account.status == AccountStatus.ACTIVE else None
    # An unknown login costs the same time as a wrong password.
    fits = check_password(password, may.password if may else _nobodys_password())
    if may is None or not fits:
        audit_refused_sign_in(account)
        raise SignInRefused
    return may, digest


def open_session(account: Account) -> tuple[str, datetime]:
    """A bearer token for an account that proved itself, and when it ends; audited."""
    somebody = actor_of(
        account.id,
        Role(account.role),
        organisation_id=account.organisation_id,
        person_id=account.person_id,
    )
    authorise(somebody, SIGN_IN, facts={Fact.AUTHENTICATED})
    ends = timezone.now() + SESSION_LIFE
    return issue_token(ends=ends, account_id=account.id), ends


def audit_refused_sign_in(claimed: Account | HospitalClient | None) -> None:
    """Leave the row of a sign-in that proved nobody.

    Its actor is the node; the account or system that was named is what the row is about.
    """
    about: About = {}
    if claimed is not None:
        about = {
            "resource_type": type(claimed).__name__,
            "resource_id": claimed.id,
            "organisation_id": claimed.organisation_id,
        }
    with suppress(Refused):
        authorise(Actor.of_node(settings.NODE_CODE), SIGN_IN, **about)


def sign_out(*, token: str) -> None:
    """End the session of a token."""
    AccessToken.objects.filter(digest=token_digest(token)).delete()


def renew_session(*, token: str) -> datetime | None:
    """Let the live session of a person last anew from now; when it ends, None when it has ended.

    However often it is renewed, it ends `SESSION_LONGEST` after the sign-in.
    """
    now = timezone.now()
    found = AccessToken.objects.filter(
        digest=token_digest(token), account_id__isnull=False, expires_at__gt=now
    )
    issued_at = found.values_list("issued_at", flat=True).first()
    if issued_at is None:
        return None
    ends = min(now + SESSION_LIFE, issued_at + SESSION_LONGEST)
    return ends if found.update(expires_at=ends) else None


def issue_token(
    *,
    ends: datetime,
    account_id: UUID | None = None,
    client_id: UUID | None = None,
    scope: str = "",
) -> str:
    """A new opaque token; what is kept cannot be turned back into it."""
    token = secrets.token_urlsafe(32)
    AccessToken.objects.create(
        digest=token_digest(token),
        account_id=account_id,
        client_id=client_id,
        scope=scope,
        expires_at=ends,
    )
    return token


def use_assertion(*, client_id: UUID, jti: str, ends: datetime) -> bool:
    """Mark a client assertion as used; False when it was used before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_usedassertion (client_id, jti, expires_at) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [client_id, jti, ends],
        )
        return bool(cursor.rowcount)


@transaction.atomic
def forget_expired() -> int:
    """Delete tokens, used assertions and codes that ended, and stale failure counts; how many."""
    now = timezone.now()
    gone, _ = AccessToken.objects.filter(expires_at__lt=now).delete()
    used, _ = UsedAssertion.objects.filter(expires_at__lt=now).delete()
    codes, _ = UsedCode.objects.filter(expires_at__lt=now).delete()
    stale, _ = SignInFailures.objects.filter(last_at__lt=now - 2 * LOCKED_FOR).delete()
    return gone + used + codes + stale


@transaction.atomic
def _count_attempt(digest: bytes, now: datetime) -> SignInFailures:
    """Count the attempt as failed before it is looked at; the sixth and all after are not looked at.

    So five are looked at however many come at once. What is beyond the sixth is not written.
    """
    failures, _ = SignInFailures.objects.select_for_update().get_or_create(login_digest=digest)
    if failures.locked_until and failures.locked_until <= now:
        failures.count, failures.locked_until = 0, None
    failures.count += 1
    if failures.count > FAILURES_BEFORE_LOCK + 1:
        return failures
    failures.last_at = now
    if failures.count == FAILURES_BEFORE_LOCK:
        failures.locked_until = now + LOCKED_FOR
    failures.save(update_fields=["count", "last_at", "locked_until"])
    return failures


@transaction.atomic
def _take_back_attempt(digest: bytes) -> None:
    """What was no guess does not count; the lock opens only when fewer failures are left than close it."""
    failures = SignInFailures.objects.select_for_update().filter(login_digest=digest).first()
    if failures is None or failures.count == 0:
        return
    failures.count -= 1
    if failures.count < FAILURES_BEFORE_LOCK:
        failures.locked_until = None
    failures.save(update_fields=["count", "locked_until"])


_nobody: list[str] = []


def _nobodys_password() -> str:
    if not _nobody:
        _nobody.append(make_password(secrets.token_hex(16)))
    return _nobody[0]
