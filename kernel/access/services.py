"""The one decision "may this actor do this", and the audit row it leaves."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import connection, transaction

from kernel.access import context
from kernel.access.context import Proof
from kernel.access.errors import NotVisible, Refused
from kernel.access.rules import LAST_RESORT, Decision, Fact, Reason, decide
from kernel.actor import Actor, Purpose
from kernel.audit.models import AuditRow, Outcome
from kernel.postgres import inserting, prepared
from kernel.postgres.inserting import Provided
from kernel.problems import Unauthenticated

Statement = tuple[str, Mapping[str, Any]]


class About(TypedDict, total=False):
    """What a decision is about, as its audit row names it."""

    person_id: UUID | None
    registration_id: UUID | None
    organisation_id: UUID | None
    resource_type: str
    resource_id: UUID | None
    count: int | None


TABLE = AuditRow._meta.db_table
COLUMNS = {
    "actor_id": "uuid", "actor_role": "text", "actor_node": "text", "organisation_id": "uuid",
    "on_behalf_of": "uuid", "action": "text", "purpose": "text", "person_id": "uuid",
    "registration_id": "uuid", "resource_type": "text", "resource_id": "uuid", "outcome": "text",
    "reason": "text", "facts": "text[]", "request_id": "text", "route": "text", "ip": "text",
    "count": "int",
}  # fmt: skip
"""Columns of an audit row and their types; what a row does not say takes the column's default."""
INSERT = "INSERT INTO {table} ({columns}) SELECT {values} WHERE {proof}"
INSERT_SEVERAL = "INSERT INTO {table} ({columns}) SELECT * FROM (VALUES {rows}) said WHERE {proof}"
FOUND = """
WITH found AS MATERIALIZED ({found}), told AS (
  INSERT INTO {table} ({columns}, registration_id, resource_id)
  SELECT {values}, registration_id, id FROM found WHERE {allowed} AND {proof} RETURNING true
)
SELECT found.*, EXISTS (SELECT FROM told) FROM found"""
NO_PROOF = Proof("true", {}, lambda: None)


@dataclass(frozen=True, slots=True)
class Concern:
    """Whom a search speaks of, what is true about that, and how much of it is given out."""

    registration_id: UUID | None
    facts: frozenset[str]
    count: int
    person_id: UUID | None = None


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
        _insert(rows, _proof())
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
    rows = [
        _row(
            actor, action, decide(actor.role, action, one.facts), one.facts,
            {
                **about, "registration_id": one.registration_id, "count": one.count,
                "person_id": one.person_id or about.get("person_id"),
            },
        )
        for one in concerns
    ]  # fmt: skip
    _insert(rows, _proof())
    context.note_decision()


def authorise_found(
    actor: Actor,
    action: str,
    found: Statement,
    *,
    fact: str,
    holds: str,
    resource_type: str,
) -> list[tuple[Any, ...]]:
    """Read what is asked for, decide, and audit, in one statement: the rows, each with whether it is allowed.

    `found` gives rows with `id` and `registration_id`, its values under other names than `COLUMNS`;
    `holds` says of a row of `found`, in SQL, whether `fact` is true, and then the audit row is committed
    before the rows come. Nothing is decided about the others: `authorise` is to be asked with all that is
    true about them.
    """
    facts = frozenset({Fact.AUTHENTICATED, fact})
    decision = decide(actor.role, action, facts)
    proof = _proof()
    sql, values = found
    row = _row(actor, action, decision, facts, {"resource_type": resource_type})
    allowed = holds if decision.allowed else "false"
    statement = _found(sql, allowed, proof.condition, tuple(row))
    with connection.cursor() as cursor:
        prepared.execute(cursor, statement, {**row, **values, **proof.values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    if any(one[-1] for one in rows):
        context.note_decision()
    return rows


@cache
def _found(found: str, allowed: str, proof: str, columns: tuple[str, ...]) -> str:
    return FOUND.format(
        found=found, allowed=allowed, proof=proof, table=TABLE, columns=", ".join(columns),
        values=_places(columns),
    )  # fmt: skip


@cache
def _insert_one(proof: str, columns: tuple[str, ...]) -> str:
    values = _places(columns)
    return INSERT.format(table=TABLE, columns=", ".join(columns), values=values, proof=proof)


def _places(columns: Iterable[str], suffix: str = "") -> str:
    return ", ".join(f"%({name}{suffix})s::{COLUMNS[name]}" for name in columns)


def write_refusals(refusals: list[dict[str, Any]]) -> None:
    """Write the rows of refusals raised inside transactions that were since rolled back, once."""
    while refusals:
        _insert([refusals[0]], NO_PROOF)
        del refusals[0]


def require_proof(proof: Proof) -> None:
    """Ask, where no decision did, whether the sender is still who was remembered; Unauthenticated."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, f"SELECT {proof.condition}", proof.values)
        (holds,) = cursor.fetchone()
    if not holds:
        _deny(proof)


def _row(
    actor: Actor, action: str, decision: Decision, facts: frozenset[str], about: About
) -> dict[str, Any]:
    """What an audit row says, as plain texts and numbers: those the driver writes fastest."""
    request = context.current()
    said: dict[str, Any] = {
        "actor_id": actor.id,
        "actor_role": actor.role,
        "actor_node": actor.node,
        "on_behalf_of": actor.on_behalf_of,
        "action": action,
        "purpose": Purpose.BREAK_GLASS if decision.reason in LAST_RESORT else actor.purpose,
        "outcome": Outcome.ALLOWED if decision.allowed else Outcome.REFUSED,
        "reason": decision.reason,
        "facts": f"{{{','.join(sorted(facts))}}}",
        "request_id": request.request_id if request else "",
        "route": request.route() if request else "",
        "ip": request.ip if request else "",
        **about,
        "organisation_id": about.get("organisation_id") or actor.organisation_id,
    }
    return {name: _plain(value) for name, value in said.items() if value is not None}


def _plain(value: Any) -> Any:
    return value if type(value) in {str, int} else str(value)


def _proof() -> Proof:
    request = context.current()
    return request.proof if request and request.proof else NO_PROOF


def _insert(rows: Sequence[Mapping[str, Any]], proof: Proof) -> None:
    """One statement, so one transaction; the ORM takes five times as long on this hot path.

    Unauthenticated, and no row, when the sender is no longer who was remembered.
    """
    if inserting.are_kept():
        provided = Provided(proof.condition, proof.values, partial(_deny, proof))
        inserting.insert_rows(AuditRow, rows, provided=provided)
        return
    with connection.cursor() as cursor:
        if len(rows) == 1:
            statement = _insert_one(proof.condition, tuple(rows[0]))
            prepared.execute(cursor, statement, {**rows[0], **proof.values})
        else:
            columns = [name for name in COLUMNS if any(name in row for row in rows)]
            places = ", ".join(f"({_places(columns, f'_{n}')})" for n in range(len(rows)))
            values = {
                f"{name}_{n}": row.get(name) for n, row in enumerate(rows) for name in columns
            }
            statement = INSERT_SEVERAL.format(
                table=TABLE, columns=", ".join(columns), rows=places, proof=proof.condition
            )
            cursor.execute(statement, {**values, **proof.values})
        written = cursor.rowcount
    if not written:
        _deny(proof)


def _deny(proof: Proof) -> None:
    proof.forget()
    raise Unauthenticated


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
