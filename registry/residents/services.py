"""Signing residents in by phone, and binding their accounts to persons."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from kernel.access.errors import NotVisible
from kernel.access.rules import Fact
from kernel.access.services import authorise_write
from kernel.actor import Actor
from kernel.homes import is_written_here
from kernel.postgres import locks
from registry.accounts import services as accounts
from registry.accounts.models import Account
from registry.accounts.states import AccountStatus, RealNameLevel
from registry.names import normalise_name
from registry.patients.rules import identifying_number, identity_text
from registry.persons.selectors import same_person, stated_holder
from registry.residents import selectors
from registry.residents.errors import (
    BindingRefused,
    BoundAlready,
    CodeRefused,
    DocumentUnfit,
    NoPhoneSignIn,
    PhoneTaken,
    PhoneUnfit,
    TooManyBindings,
    TooManyCodes,
)
from registry.residents.models import AccountPhone, Attempt, SignInCode
from registry.residents.rules import (
    CODE_DIGITS,
    CODE_LIFE,
    CODE_PAUSE,
    DAY,
    HOUR,
    TRIES_PER_CODE,
    Limit,
    is_within,
    may_bind,
    mobile_number_of,
    origin_of,
)
from registry.residents.sealing import account_phone, digest_of
from registry.sms import services as sms

BINDING = "binding.write"
TEMPLATE = "sign-in-code"
# A phone without a code leaves a row too, so that it costs what a wrong code costs.
TRY = """
INSERT INTO residents_signincode (digest, code_digest, tries, expires_at)
VALUES (%(digest)s, '', 1, %(until)s)
ON CONFLICT (digest) DO UPDATE SET tries = least(residents_signincode.tries + 1, 1000)
RETURNING code_digest, tries, expires_at
"""


def request_code(*, phone: str, address: str) -> None:
    """Send a new code to a phone, unless it got too many lately; that is not told.

    NoPhoneSignIn at a node that sends none; PhoneUnfit; TooManyCodes from this IP address.
    """
    if not settings.SMS_ADAPTER or not is_written_here(Account):
        raise NoPhoneSignIn
    number = _mobile(phone)
    now = timezone.now()
    per_address = [Limit(settings.SIGN_IN_CODES_PER_ADDRESS, HOUR)]
    if not _counted("codes from", origin_of(address), per_address, now):
        raise TooManyCodes
    per_phone = [Limit(1, CODE_PAUSE), Limit(settings.SIGN_IN_CODES_PER_PHONE, HOUR)]
    if _counted("codes to", number, per_phone, now):
        _send_code(number, now)


def sign_in(*, phone: str, code: str) -> tuple[str, datetime]:
    """A bearer token for the account of that phone, made now if there is none, and when it ends.

    CodeRefused, the same for a phone without a code, an expired and a wrong one. Each is audited; of
    the tries beyond the last that is looked at the first.
    """
    number = _mobile(phone)
    account = selectors.account_of_phone(number)
    fits, tries = _try(number, code, timezone.now())
    if not fits:
        if tries <= TRIES_PER_CODE + 1:
            accounts.audit_refused_sign_in(account)
        raise CodeRefused
    account = account or _first_account(number)
    if account.status != AccountStatus.ACTIVE:
        accounts.audit_refused_sign_in(account)
        raise CodeRefused
    return accounts.open_session(account)


@transaction.atomic
def give_phone(*, account: Account, phone: str) -> None:
    """Let an account sign in with this phone and with no other; PhoneTaken when it is another's."""
    number = _mobile(phone)
    _hold_phone(number)
    holder = selectors.account_of_phone(number)
    if holder is not None and holder.pk != account.pk:
        raise PhoneTaken
    if holder is None:
        AccountPhone.objects.filter(account_id=account.pk).delete()
        account_phone(account.pk, number).save(force_insert=True)


def bind(*, name: str, document_type: str, number: str, by: Actor) -> None:
    """Bind a resident's account to the person who holds the document under this name.

    DocumentUnfit, BoundAlready and TooManyBindings speak of what was typed and of the own account;
    BindingRefused is the one answer to everything that concerns others.
    """
    plain = identifying_number(document_type, number)
    if plain is None:
        raise DocumentUnfit
    if by.person_id is not None:
        raise BoundAlready
    now, limits = timezone.now(), [Limit(settings.BINDING_TRIES_PER_DAY, DAY)]
    if not _counted("bindings by", by.id.hex, limits, now):
        raise TooManyBindings
    is_open = _counted("bindings to", identity_text(document_type, plain), limits, now)
    try:
        _bind(name.strip(), document_type, plain, is_open=is_open, by=by)
    except NotVisible:
        raise BindingRefused from None


@transaction.atomic
def forget_expired() -> int:
    """Delete codes that ended and attempts that no limit counts any more; how many."""
    now = timezone.now()
    codes, _ = SignInCode.objects.filter(expires_at__lt=now).delete()
    attempts, _ = Attempt.objects.filter(at__lt=now - DAY).delete()
    return codes + attempts


@transaction.atomic
def _bind(name: str, kind: str, number: str, *, is_open: bool, by: Actor) -> None:
    """Refused by the access decision, about the holder, unless everything agrees."""
    holder, holders_name = stated_holder(kind, number) or (None, None)
    meant = holder or by.id  # the same work where nobody holds the document
    locks.hold([f"binding {meant}"])
    bound = selectors.accounts_bound_to(same_person(meant) or [meant])
    agrees = may_bind(normalise_name(name), holders_name, bound, settings.ACCOUNTS_PER_PERSON)
    authorise_write(
        by,
        BINDING,
        facts={Fact.IDENTITY_STATED} if is_open and agrees else frozenset(),
        person_id=holder,
        resource_type="Account",
        resource_id=by.id,
    )
    if holder is None or not accounts.bind_to_person(
        account_id=by.id, person_id=holder, name=name, level=RealNameLevel.SELF_DECLARED
    ):
        raise BoundAlready


@transaction.atomic
def _send_code(number: str, now: datetime) -> None:
    """The new code and its message, both or neither."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    row = SignInCode(
        digest=digest_of("phone", number),
        code_digest=digest_of("code", number, code),
        expires_at=now + CODE_LIFE,
    )
    SignInCode.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["code_digest", "tries", "expires_at"],
    )
    minutes = str(int(CODE_LIFE.total_seconds() // 60))
    sms.send(
        phone=number,
        template=TEMPLATE,
        parameters={"code": code, "minutes": minutes},
        expires_at=row.expires_at,
    )


def _try(number: str, code: str, now: datetime) -> tuple[bool, int]:
    """Use up a code if it is the right one, and how often one was tried; the try counts first."""
    digest = digest_of("phone", number)
    with connection.cursor() as cursor:
        cursor.execute(TRY, {"digest": digest, "until": now + CODE_LIFE})
        kept, tries, expires_at = cursor.fetchone()
    given = digest_of("code", number, code)
    fits = compare_digest(given, bytes(kept)) and tries <= TRIES_PER_CODE and expires_at > now
    # Of two with the right code one deletes it.
    used = fits and SignInCode.objects.filter(digest=digest, code_digest=given).delete()[0] == 1
    return bool(used), tries


@transaction.atomic
def _first_account(number: str) -> Account:
    """The account of a phone that had none when it was looked up."""
    _hold_phone(number)
    account = selectors.account_of_phone(number)
    if account is None:
        account = accounts.create_resident()
        account_phone(account.pk, number).save(force_insert=True)
    return account


def _hold_phone(number: str) -> None:
    locks.hold([f"phone of an account {number}"])


@transaction.atomic
def _counted(kind: str, value: str, limits: Sequence[Limit], now: datetime) -> bool:
    """Count an attempt if it keeps the limits, else leave the count; many at once come one by one."""
    digest = digest_of(kind, value)
    locks.hold([digest.hex()])
    since = now - max(limit.within for limit in limits)
    before = Attempt.objects.filter(digest=digest, at__gt=since).values_list("at", flat=True)
    if not is_within(limits, before, now):
        return False
    Attempt.objects.create(digest=digest, at=now)
    return True


def _mobile(phone: str) -> str:
    number = mobile_number_of(phone)
    if number is None:
        raise PhoneUnfit
    return number
