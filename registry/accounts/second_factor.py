"""One-time codes of staff: setting up an authenticator, and taking a code once.

Everything is LOCAL, so that staff sign in at their city while the hub is away; who signs in at several
nodes sets up each.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from kernel import crypto
from kernel.access.rules import Fact
from kernel.access.services import authorise_write
from kernel.actor import Actor
from registry.accounts.errors import CodeMissing, CodeRefused, EnrolledAlready, NotEnrolled
from registry.accounts.models import Account, SecondFactor
from registry.accounts.rules import (
    SECRET_BYTES,
    STEP_SECONDS,
    address_of_secret,
    secret_in_words,
    step_of,
)

ISSUER = "Jianqiao {node}"
WRITE = "second_factor.write"
REMEMBERED = timedelta(seconds=4 * STEP_SECONDS)
"""Longer than a code can be used."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret that a first code will confirm."""

    secret: str
    address: str


def is_needed(account: Account) -> bool:
    """Whether accounts of this role sign in with a second factor."""
    return account.role in settings.SECOND_FACTOR_ROLES


@transaction.atomic
def offer(account: Account) -> Offer:
    """A new secret in the place of one that no code confirmed; EnrolledAlready."""
    held = _row_of(account)
    if held.confirmed_at:
        raise EnrolledAlready
    secret = secrets.token_bytes(SECRET_BYTES)
    _keep(held, secret)
    issuer = ISSUER.format(node=settings.NODE_CODE)
    return Offer(
        secret_in_words(secret), address_of_secret(secret, login=account.login, issuer=issuer)
    )


def require_code(account: Account, code: str | None) -> None:
    """Take an account's code, which confirms a secret that is new.

    NotEnrolled or CodeMissing when there was none to look at, CodeRefused for a wrong or used one.
    """
    held = SecondFactor.objects.filter(account_id=account.id).first()
    if held is None or not (held.confirmed_at or code):
        raise NotEnrolled
    if not code:
        raise CodeMissing
    secret = crypto.open_sealed(held.sealed, context=_context(held))
    step = step_of(secret, code, timezone.now().timestamp())
    if step is None or not _use(account, step):
        raise CodeRefused
    if not held.confirmed_at:
        held.confirmed_at = timezone.now()
        held.save(update_fields=["confirmed_at"])


@transaction.atomic
def give(account: Account, secret: bytes) -> None:
    """Set up an account with a secret that its holder has already."""
    _authorise(account)
    held = _row_of(account)
    held.confirmed_at = timezone.now()
    _keep(held, secret)


@transaction.atomic
def reset(account: Account) -> bool:
    """Let an account set up an authenticator anew at its next sign-in; False when it had none."""
    _authorise(account)
    gone, _ = SecondFactor.objects.filter(account_id=account.id).delete()
    return bool(gone)


def _authorise(account: Account) -> None:
    node = Actor.of_node(settings.NODE_CODE)
    authorise_write(
        node, WRITE, facts={Fact.OWN_ORGANISATION}, resource_type="Account",
        resource_id=account.id, organisation_id=account.organisation_id,
    )  # fmt: skip


def _row_of(account: Account) -> SecondFactor:
    """The row of an account, held until the transaction ends; without a secret where it is new."""
    rows = SecondFactor.objects.select_for_update()
    return rows.get_or_create(account_id=account.id, defaults={"sealed": b""})[0]


def _keep(held: SecondFactor, secret: bytes) -> None:
    held.sealed = crypto.seal(secret, context=_context(held))
    held.save(update_fields=["sealed", "confirmed_at"])


def _context(held: SecondFactor) -> bytes:
    return crypto.context_of("accounts.SecondFactor.sealed", held.id)


def _use(account: Account, step: int) -> bool:
    """Mark the code of a step as used; False when it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_usedcode (account_id, step, expires_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [account.id, step, timezone.now() + REMEMBERED],
        )
        return bool(cursor.rowcount)
