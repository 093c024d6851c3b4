"""The one decision "may this actor do this", and the audit row it leaves."""

from collections.abc import Iterable
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import connection, transaction

from kernel.access import context
from kernel.access.errors import NotVisible, Refused
from kernel.access.rules import Reason, decide
from kernel.actor import Actor
from kernel.audit.models import AuditRow, Outcome


class About(TypedDict, total=False):
    """What a decision is about, as its audit row names it."""

    person_id: UUID | None
    registration_id: UUID | None
    organisation_id: UUID | None
    resource_type: str
    resource_id: UUID | None
    count: int | None


def authorise(
    actor: Actor, action: str, *, facts: Iterable[str] = frozenset(), **about: Unpack[About]
) -> None:
    """Allow a read, or raise NotVisible or Refused; either way its audit row is committed first.

    Inside a transaction of the caller the row of an allowed read is committed with it, before
    anything leaves the node.
    """
    known = frozenset(facts)
    decision = decide(actor.role, action, known)
    request = context.current()
    values = {
        "actor_id": actor.id,
        "actor_role": actor.role,
        "actor_node": actor.node,
        "on_behalf_of": actor.on_behalf_of,
        "action": action,
        "purpose": actor.purpose,
        "outcome": Outcome.ALLOWED if decision.allowed else Outcome.REFUSED,
        "reason": decision.reason,
        "facts": sorted(known),
        "request_id": request.request_id if request else "",
        "route": request.route() if request else "",
        "ip": request.ip if request else "",
        **about,
        "organisation_id": about.get("organisation_id") or actor.organisation_id,
    }
    if _in_callers_transaction() and not decision.allowed and request is not None:
        request.unwritten.append(values)
    else:
        with transaction.atomic():
            AuditRow.objects.create(**values)
    context.note_decision()
    if decision.allowed:
        return
    names_one = any(about.get(id_) for id_ in ("person_id", "registration_id", "resource_id"))
    if decision.reason == Reason.NO_FACT and names_one:
        raise NotVisible
    raise Refused


def authorise_write(
    actor: Actor, action: str, *, facts: Iterable[str] = frozenset(), **about: Unpack[About]
) -> None:
    """Allow a write, its audit row in the write's own transaction; a refusal as in `authorise`."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "an allowed write is audited in its transaction"
        )
    authorise(actor, action, facts=facts, **about)


def write_refusals(refusals: list[dict[str, Any]]) -> None:
    """Write the rows of refusals raised inside transactions that were since rolled back, once."""
    if refusals:
        AuditRow.objects.bulk_create([AuditRow(**values) for values in refusals])
        refusals.clear()


def _in_callers_transaction() -> bool:
    """Whether an atomic block is open, not counting the one a test case wraps around a test."""
    blocks = connection.atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase  # type: ignore[attr-defined]
