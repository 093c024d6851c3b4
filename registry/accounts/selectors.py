"""Who a token belongs to."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from kernel.access import context
from kernel.access.context import Proof
from kernel.actor import Actor, Role
from kernel.postgres import prepared
from registry.accounts.models import AccessToken, Account, HospitalClient
from registry.accounts.rules import PURPOSE_OF
from registry.accounts.states import AccountStatus

HOLDERS = """
FROM accounts_accesstoken t
LEFT JOIN accounts_account a ON a.id = t.account_id AND a.status = 'active'
LEFT JOIN accounts_hospitalclient c ON c.id = t.client_id AND c.status = 'active'
WHERE t.digest = %(token_digest)s AND t.expires_at > now()
"""
WHO = "ROW(a.id, a.role, a.organisation_id, a.person_id, c.id, c.organisation_id)"
HOLDER = f"""
SELECT {WHO}::text, a.id, a.role, a.organisation_id, a.person_id, c.id, c.organisation_id {HOLDERS}
"""
STILL_HOLDER = f"EXISTS (SELECT {HOLDERS} AND {WHO}::text = %(token_holder)s)"
MOST_REMEMBERED = 4096


class _Nobody(Exception):
    """No live token, or one of an account or client that is turned off."""


class _NotBoundYet(Exception):
    """What `_holder` says of a resident who stands for no person yet."""


def token_digest(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def actor_of_token(token: str) -> Actor | None:
    """The actor of a live token that was given out by this node.

    During a request from memory: the statement that writes the request's audit row asks whether it is
    still true, so an account or client suspended a moment ago is out at once.
    """
    request, digest = context.current(), token_digest(token)
    try:
        holder, actor = _remembered(digest) if request else _holder(digest)
    except _Nobody:
        return None
    except _NotBoundYet as resident:
        holder, actor = resident.args
    if request:
        values = {"token_digest": _as_bytea(digest), "token_holder": holder}
        request.proof = Proof(STILL_HOLDER, values, _remembered.cache_clear)
    return actor


def _holder(digest: bytes) -> tuple[str, Actor]:
    """Who holds a token, as the database says it and as an actor; _Nobody when nobody does."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, HOLDER, {"token_digest": _as_bytea(digest)})
        row = cursor.fetchone()
    if row is None:
        raise _Nobody
    holder, account_id, role, organisation_id, person_id, client_id, hospital_id = row
    if client_id is not None:
        return holder, actor_of(client_id, Role.HOSPITAL_SYSTEM, organisation_id=hospital_id)
    if account_id is None:
        raise _Nobody
    return holder, actor_of(
        account_id, Role(role), organisation_id=organisation_id, person_id=person_id
    )


@lru_cache(maxsize=MOST_REMEMBERED)
def _remembered(digest: bytes) -> tuple[str, Actor]:
    """As `_holder`; an exception is not kept, so a resident's next request knows of a binding."""
    holder, actor = _holder(digest)
    if actor.role is Role.RESIDENT and actor.person_id is None:
        raise _NotBoundYet(holder, actor)
    return holder, actor


def _as_bytea(digest: bytes) -> str:
    return f"\\x{digest.hex()}"


def actor_of(
    id_: UUID, role: Role, *, organisation_id: UUID | None, person_id: UUID | None = None
) -> Actor:
    """Somebody signed in at this node."""
    return Actor(
        id=id_,
        role=role,
        node=settings.NODE_CODE,
        organisation_id=organisation_id,
        person_id=person_id,
        purpose=PURPOSE_OF[role],
    )


def session_of(token: str) -> tuple[Account, datetime] | None:
    """Whose live session this is and when it ends; None for systems and for what is over."""
    held = AccessToken.objects.filter(digest=token_digest(token), expires_at__gt=timezone.now())
    account_id, ends = held.values_list("account_id", "expires_at").first() or (None, None)
    if account_id is None or ends is None:
        return None
    account = Account.objects.filter(pk=account_id, status=AccountStatus.ACTIVE).first()
    return (account, ends) if account else None


def signs_in_at_its_node(actor: Actor) -> bool:
    """Whether this is an account in use, of the role and organisation said, that the node spoken for has."""
    if actor.organisation_id is None:
        return False
    return Account.objects.filter(
        pk=actor.id, role=actor.role, organisation_id=actor.organisation_id,
        status=AccountStatus.ACTIVE, audience__contains=[actor.node],
    ).exists()  # fmt: skip


def names_of_actors(ids: Iterable[UUID]) -> dict[UUID, str]:
    """What accounts and hospital systems are called, by the id under which they act."""
    wanted = set(ids)
    names = dict(Account.objects.filter(pk__in=wanted).values_list("id", "name"))
    clients = HospitalClient.objects.filter(pk__in=wanted)
    return names | dict(clients.values_list("id", "client_id"))
