"""Sending commands to other nodes, and carrying out those that arrive.

An effect (`send`) is stored before it leaves and retried with the same key until it is answered. A
read (`ask`) is not: when its caller is gone nobody needs the answer, so nothing is stored or retried.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from kernel import crypto
from kernel.actor import Actor
from kernel.commands import signing, transport
from kernel.commands.errors import CityUnreachable, CommandRefused, KeyReused, UnknownNode
from kernel.commands.models import CommandReceived, CommandSent
from kernel.commands.states import PARKED_AFTER_SECONDS, State, pause_after
from kernel.commands.transport import Answer
from kernel.events.arrival import wait_for_event
from kernel.homes import uuid7
from kernel.nodes.models import Node
from kernel.nodes.selectors import node_by_code
from kernel.postgres import prepared
from kernel.postgres.lazily import LAZILY

log = logging.getLogger(__name__)

SETTLED_AT_ONCE = 20
KEEP_DAYS = 7  # answers; longer than any sender goes on asking
FIRST_PAUSE_SECONDS = 5

STORE = """
INSERT INTO commands_commandsent
  (id, key, name, "to", actor, body, digest, state, attempts, created_at, next_at)
VALUES (%(id)s, %(key)s, %(name)s, %(to)s, %(actor)s, %(body)s, %(digest)s, 'open', 1, %(now)s,
  %(next_at)s)
ON CONFLICT (key) DO NOTHING
"""
ANSWERED = f"""
UPDATE commands_commandsent SET state = 'answered', status = %s, last_error = '', answer = %s
FROM {LAZILY} WHERE id = %s AND state <> 'answered'
"""  # noqa: S608
"""Lost by a crash, the command is open again: its receiver gives the same answer again."""
CLAIM = """
UPDATE commands_commandsent SET attempts = attempts + 1, next_at = %(until)s
WHERE id IN (
  SELECT id FROM commands_commandsent WHERE state = 'open' AND next_at <= %(now)s
  ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def send(
    name: str,
    *,
    to: str,
    body: dict[str, Any],
    by: Actor,
    key: str | None = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """Have another node do something exactly once, and return its answer.

    Raises CommandRefused with the receiver's own refusal, or CityUnreachable when it did not answer
    in time: then it stays open and is settled later, unless the same key is sent again first.
    Never called inside a transaction. An answer with the `event_id` of its effect is held back until
    that event has arrived here, so that whoever asked reads what they did.
    """
    wait = timeout or settings.COMMAND_TIMEOUT_SECONDS
    with transaction.atomic(durable=True):
        node = _receiver(to)
        sent = _store(name, to, orjson.dumps(body), by, key or str(uuid7()), wait)
    if sent.state == State.ANSWERED:
        outcome = _outcome(_stored_answer(sent))
    else:
        outcome = _outcome(_deliver(sent, node, wait))
    if event := outcome.get("event_id"):
        wait_for_event(UUID(event), node=to)
    return outcome


def ask(
    name: str, *, to: str, body: dict[str, Any], by: Actor, timeout: float | None = None
) -> dict[str, Any]:
    """Have another node read something now; nothing is stored and nothing retried."""
    with transaction.atomic(durable=True):
        node = _receiver(to)
    content = orjson.dumps(body)
    wait = timeout or settings.COMMAND_TIMEOUT_SECONDS

    def signed() -> str:  # a second try is a new question: a query is answered once
        return signing.sign(name=name, body=content, to=to, key=str(uuid7()), by=by)

    return _outcome(transport.post(node.url, name=name, body=content, signed=signed, timeout=wait))


def any_due() -> bool:
    """Whether a command is to be sent again now."""
    return CommandSent.objects.filter(state=State.OPEN, next_at__lte=timezone.now()).exists()


def settle() -> int:
    """Send again what is still open and due; how many were settled."""
    now = timezone.now()
    until = now + timedelta(seconds=settings.COMMAND_TIMEOUT_SECONDS + FIRST_PAUSE_SECONDS)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "until": until, "limit": SETTLED_AT_ONCE})
        claimed = [sent_id for (sent_id,) in cursor.fetchall()]
    settled = 0
    for sent in CommandSent.objects.filter(id__in=claimed).order_by("created_at"):
        try:
            _deliver(sent, _receiver(sent.to), settings.COMMAND_TIMEOUT_SECONDS)
        except CityUnreachable:
            continue
        except UnknownNode as error:
            _try_later(sent, error.code)
            continue
        except Exception as error:  # a row that cannot be read must not hold up the others
            log.exception("command %s cannot be sent", sent.id)
            _try_later(sent, type(error).__name__)
            continue
        settled += 1
    return settled


def forget_old() -> None:
    """Delete commands that are settled or given up, and answers nobody can ask for any more."""
    limit = timezone.now() - timedelta(days=KEEP_DAYS)
    CommandSent.objects.filter(created_at__lt=limit).exclude(state=State.OPEN).delete()
    CommandReceived.objects.filter(received_at__lt=limit).delete()


def _receiver(code: str) -> Node:
    node = node_by_code(code)
    if node is None:
        raise UnknownNode(facts={"node": code})
    return node


def _store(name: str, to: str, content: bytes, by: Actor, key: str, wait: float) -> CommandSent:
    """The command as a row, or the row of an earlier call with the same key."""
    now = timezone.now()
    digest = signing.digest_of(name, content)
    sent = CommandSent(
        key=key,
        name=name,
        to=to,
        actor=by.as_claims(),
        digest=digest,
        attempts=1,
        created_at=now,
        next_at=now + timedelta(seconds=wait + FIRST_PAUSE_SECONDS),
    )
    sent.body = crypto.seal(content, context=_context("Sent.body", sent.id))
    with connection.cursor() as cursor:
        prepared.execute(cursor, STORE, {
            "id": sent.id, "key": key, "name": name, "to": to, "body": sent.body,
            "actor": orjson.dumps(sent.actor).decode(), "digest": digest, "now": now,
            "next_at": sent.next_at,
        })  # fmt: skip
        if cursor.rowcount:
            return sent
    stored = CommandSent.objects.get(key=key)
    if bytes(stored.digest) != digest or stored.to != to:
        raise KeyReused
    return stored


def _deliver(sent: CommandSent, node: Node, wait: float) -> Answer:
    """Post and store the answer, or when to try again."""
    content = crypto.open_sealed(sent.body, context=_context("Sent.body", sent.id))
    signed = partial(
        signing.sign, name=sent.name, body=content, to=sent.to, key=sent.key,
        by=Actor.from_claims(sent.actor),
    )  # fmt: skip
    try:
        answer = transport.post(node.url, name=sent.name, body=content, signed=signed, timeout=wait)
    except CityUnreachable as error:
        _try_later(
            sent, f"{error.code} {error.facts.get('cause') or error.facts.get('status') or ''}"
        )
        raise
    sealed = crypto.seal(answer.content, context=_context("Sent.answer", sent.id))
    with connection.cursor() as cursor:
        prepared.execute(cursor, ANSWERED, [answer.status, sealed, sent.id])
    return answer


def _try_later(sent: CommandSent, error: str) -> None:
    now = timezone.now()
    too_old = (now - sent.created_at).total_seconds() > PARKED_AFTER_SECONDS
    CommandSent.objects.filter(id=sent.id, state=State.OPEN).update(
        state=State.PARKED if too_old else State.OPEN,
        next_at=now + timedelta(seconds=pause_after(sent.attempts)),
        last_error=error,
    )


def _stored_answer(sent: CommandSent) -> Answer:
    """The answer of an answered command; a constraint of the table says that it has one."""
    context = _context("Sent.answer", sent.id)
    return Answer(sent.status or 0, crypto.open_sealed(sent.answer or b"", context=context))


def _outcome(answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(answer.content)
    if answer.status >= 400:
        raise CommandRefused(answer.status, content)
    return content


def _context(column: str, row_id: UUID) -> bytes:
    return crypto.context_of(f"commands.Command{column}", row_id)
