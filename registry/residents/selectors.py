"""Accounts of residents by phone and by person."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from kernel import crypto
from registry.accounts.models import Account
from registry.accounts.states import AccountStatus
from registry.residents.models import AccountPhone
from registry.residents.sealing import INDEX, phone_of


def account_of_phone(phone: str) -> Account | None:
    """The account that signs in with this phone."""
    hashes = crypto.blind_indexes(INDEX, phone)
    found = Q(phone__index__in=hashes) | Q(phone__index_next__in=hashes)
    return Account.objects.filter(found).first()


def masked_phone(account_id: UUID) -> str | None:
    """The account's phone with all but a few digits hidden."""
    row = AccountPhone.objects.filter(account_id=account_id).first()
    return crypto.mask_phone(phone_of(row)) if row else None


def phones_of_persons(person_ids: Collection[UUID]) -> list[str]:
    """The phones of the accounts in use that stand for a person known under these ids."""
    rows = AccountPhone.objects.filter(
        account__person_id__in=person_ids, account__status=AccountStatus.ACTIVE
    )
    return [phone_of(row) for row in rows.order_by("id")]


def accounts_bound_to(person_ids: Collection[UUID]) -> int:
    """How many accounts that are not closed stand for a person known under these ids."""
    bound = Account.objects.filter(person_id__in=person_ids)
    return bound.exclude(status=AccountStatus.CLOSED).count()
