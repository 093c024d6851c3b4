"""The one decision "may this actor do this", and the audit row it leaves."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import connection, transaction

from kernel.access import context
from kernel.access.errors import NotVisible, Refused
from kernel.access.rules import Decision, Reason, decide
from kernel.actor import Actor
from kernel.audit.models import AuditRow, Outcome
from kernel.postgres import prepared


class About(TypedDict, total=False):
    """What a decision is about, as its audit row names it."""

    person_id: UUID | None
    registration_id: UUID | None
    organisation_id: UUID | None
    resource_type: str
    resource_id: UUID | None
    count: int | None


NOTHING_SAID: Mapping[str, Any] = {
    "person_id": None, "registration_id": None, "resource_type": "", "resource_id": None,
    "count": None,
}  # fmt: skip
TEXTS = frozenset({"actor_role", "purpose", "outcome", "reason"})
COLUMNS = (
    "actor_id", "actor_role", "actor_node", "organisation_id", "on_behalf_of", "action", "purpose",
    "person_id", "registration_id", "resource_type", "resource_id", "outcome", "reason", "facts",
    "request_id", "route", "ip", "count",
)  # fmt: skip
INSERT = "INSERT INTO {table} ({columns}) VALUES ".format(  # noqa: S608
    table=AuditRow._meta.db_table, columns=", ".join(COLUMNS)
)
VALUES = "(" + ", ".join("%s::text[]" if name == "facts" else "%s" for name in COLUMNS) + ")"


@dataclass(frozen=True, slots=True)
class Concern:
    """Whom a search speaks of, what is true about that, and how much of it is given out."""

    registration_id: UUID | None
    facts: frozenset[str]
    count: int


def authorise(
    actor: Actor, action: str, *, facts: Iterable[str] = frozenset(), **about: Unpack[About]
) -> None:
    """Allow a read, or raise NotVisible or Refused; either way its audit row is committed first.

    Inside a transaction of the caller the row of an allowed read is committed with it, before
    anything leaves the node.
    """
    _authorise(actor, action, frozenset(facts), [about])


def authorise_write(
    actor: Actor,
    action: str,
    *,
    facts: Iterable[str] = frozenset(),
    registration_ids: Sequence[UUID] = (),
    **about: Unpack[About],
) -> None:
    """Allow a write, its audit row in the write's own transaction; a refusal as in `authorise`.

    A write that concerns several registrations leaves a row for each, a refused one for the first.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "an allowed write is audited in its transaction"
        )
    each = [About(**{**about, "registration_id": one}) for one in registration_ids]
    _authorise(actor, action, frozenset(facts), each or [about])


def _authorise(actor: Actor, action: str, facts: frozenset[str], abouts: Sequence[About]) -> None:
    decision = decide(actor.role, action, facts)
    about = abouts[0]
    rows = [
        _row(actor, action, decision, facts, one)
        for one in (abouts if decision.allowed else [about])
    ]
    request = context.current()
    if decision.allowed or not _in_callers_transaction():
        _insert(rows)
    elif request is not None:
        request.unwritten += rows
    else:
        _write_apart(rows)
    context.note_decision()
    if decision.allowed:
        return
    # What was asked for under a name that is no id of ours (`resource_id=None`) is not there either.
    names_one = "resource_id" in about or about.get("person_id") or about.get("registration_id")
    if decision.reason == Reason.NO_FACT and names_one:
        raise NotVisible
    raise Refused


def authorise_search(
    actor: Actor, action: str, concerns: Sequence[Concern], **about: Unpack[About]
) -> None:
    """Audit what a search gives out: a row for each whom it speaks of, in one statement.

    What the actor may not see is not among the answers, so nothing is raised for a concern that is
    refused; its row tells that somebody asked.
    """
    rows = []
    for one in concerns:
        decision = decide(actor.role, action, one.facts)
        rows.append(
            _row(actor, action, decision, one.facts, about)
            | {"registration_id": one.registration_id, "count": one.count}
        )
    _insert(rows)
    context.note_decision()


def write_refusals(refusals: list[dict[str, Any]]) -> None:
    """Write the rows of refusals raised inside transactions that were since rolled back, once."""
    if refusals:
        _insert(refusals)
        refusals.clear()


def _row(
    actor: Actor, action: str, decision: Decision, facts: frozenset[str], about: About
) -> dict[str, Any]:
    request = context.current()
    return {
        **NOTHING_SAID,
        "actor_id": actor.id,
        "actor_role": actor.role,
        "actor_node": actor.node,
        "on_behalf_of": actor.on_behalf_of,
        "action": action,
        "purpose": actor.purpose,
        "outcome": Outcome.ALLOWED if decision.allowed else Outcome.REFUSED,
        "reason": decision.reason,
        "facts": sorted(facts),
        "request_id": request.request_id if request else "",
        "route": request.route() if request else "",
        "ip": request.ip if request else "",
        **about,
        "organisation_id": about.get("organisation_id") or actor.organisation_id,
    }


def _insert(rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement, so one transaction; the ORM takes five times as long on this hot path."""
    values = [str(row[name]) if name in TEXTS else row[name] for row in rows for name in COLUMNS]
    with connection.cursor() as cursor:
        if len(rows) == 1:
            prepared.execute(cursor, INSERT + VALUES, values)
        else:
            cursor.execute(INSERT + ", ".join([VALUES] * len(rows)), values)


def _write_apart(refusals: list[dict[str, Any]]) -> None:
    """Commit the rows at once; a thread has a connection, and so a transaction, of its own."""

    def write() -> None:
        try:
            write_refusals(refusals)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as apart:
        apart.submit(write).result()


def _in_callers_transaction() -> bool:
    """Whether an atomic block is open, not counting the one a test case wraps around a test."""
    blocks = connection.atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase  # type: ignore[attr-defined]
