"""Phones of accounts, sealed and as keyed hashes; digests of what lives a day at most."""

from uuid import UUID

from django.utils.crypto import salted_hmac

from kernel import crypto
from registry.residents.models import AccountPhone

INDEX = "account-phone"


def account_phone(account_id: UUID, phone: str) -> AccountPhone:
    """The row, not yet stored, of an account's phone."""
    row = AccountPhone(account_id=account_id)
    row.sealed = crypto.seal(phone.encode(), context=_context(row.id))
    row.index = crypto.blind_index(INDEX, phone)
    row.index_next = crypto.blind_index_next(INDEX, phone)
    return row


def phone_of(row: AccountPhone) -> str:
    """The phone of a stored row."""
    return crypto.open_sealed(row.sealed, context=_context(row.id)).decode()


def digest_of(kind: str, *values: str) -> bytes:
    """What is kept of values that must not stand in clear."""
    return salted_hmac(f"registry.residents.{kind}", "\0".join(values), algorithm="sha256").digest()


def _context(row_id: UUID) -> bytes:
    return crypto.context_of("residents.AccountPhone.sealed", row_id)
