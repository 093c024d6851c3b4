"""Carrying out a command that another node signed: once, whatever happens on the way back."""

from collections.abc import Callable
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from kernel import crypto
from kernel.access import context
from kernel.access.errors import AccessNotDecided
from kernel.access.services import write_refusals
from kernel.commands import signing
from kernel.commands.errors import KeyReused, NotTheHub, QueryRepeated, UnknownCommand
from kernel.commands.models import CommandReceived
from kernel.commands.signing import Verified
from kernel.commands.transport import UNSETTLED, Answer
from kernel.homes import uuid7
from kernel.postgres import prepared
from kernel.problems import DomainError, InputInvalid, problem_body, said

Service = Callable[..., dict[str, Any]]

# A second arrival of the same key waits here until the first one commits or rolls back.
TAKE = """
INSERT INTO commands_commandreceived (id, sender, key, name, digest)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (sender, key) DO NOTHING RETURNING id
"""
ANSWER = "UPDATE commands_commandreceived SET status = %s, answer = %s WHERE id = %s"


def receive(name: str, *, body: bytes, verified: Verified) -> Answer:
    """Run the command of that name, or give the answer it had the first time.

    A refusal of the service is an answer too and is stored; anything unexpected, and what the sender
    will not take for an answer, rolls back and leaves it to try again.
    """
    wired: dict[str, str] = import_string(f"{settings.WIRING}.COMMANDS")
    queries: dict[str, str] = import_string(f"{settings.WIRING}.QUERIES")
    hub_queries: dict[str, str] = import_string(f"{settings.WIRING}.HUB_QUERIES")
    is_hub = settings.NODE_CODE == settings.HUB_CODE
    asked = queries | (hub_queries if is_hub else {})
    path = wired.get(name) or asked.get(name)
    if path is None:
        raise UnknownCommand(facts={"name": name})
    parsed = _parsed(body)
    service: Service = import_string(path)
    if name in asked:
        if name in queries and verified.sender != settings.HUB_CODE:
            raise NotTheHub
        return _answer_query(service, name, body, parsed, verified)
    return _carry_out(service, name, body, parsed, verified)


@transaction.atomic
def _answer_query(
    service: Service, name: str, body: bytes, parsed: dict[str, Any], verified: Verified
) -> Answer:
    if _take(name, body, verified) is None:
        raise QueryRepeated
    return Answer(200, orjson.dumps(_decided(service, parsed, verified), default=str))


@transaction.atomic
def _carry_out(
    service: Service, name: str, body: bytes, parsed: dict[str, Any], verified: Verified
) -> Answer:
    row_id = _take(name, body, verified)
    if row_id is None:
        return _first_answer(name, body, verified)
    try:
        with transaction.atomic():
            done = _decided(service, parsed, verified)
        answer = Answer(200, orjson.dumps(done, default=str))
    except DomainError as error:
        if error.status >= 500 or error.status in UNSETTLED:
            raise
        if (request := context.current()) is not None:
            write_refusals(request.unwritten)  # with the answer, which a repeat gets undecided
        answer = Answer(error.status, orjson.dumps(problem_for_nodes(error), default=str))
    column = crypto.context_of("commands.CommandReceived.answer", row_id)
    sealed = crypto.seal(answer.content, context=column)
    with connection.cursor() as cursor:
        prepared.execute(cursor, ANSWER, [answer.status, sealed, row_id])
    return answer


def _take(name: str, body: bytes, verified: Verified) -> Any:
    digest = signing.digest_of(name, body)
    with connection.cursor() as cursor:
        prepared.execute(cursor, TAKE, [uuid7(), verified.sender, verified.key, name, digest])
        taken = cursor.fetchone()
    return taken[0] if taken else None


def _first_answer(name: str, body: bytes, verified: Verified) -> Answer:
    row = CommandReceived.objects.get(sender=verified.sender, key=verified.key)
    if row.name != name or bytes(row.digest) != signing.digest_of(name, body) or row.answer is None:
        raise KeyReused
    context.note_decision()  # taken when the answer was made; it goes to the same node again
    column = crypto.context_of("commands.CommandReceived.answer", row.id)
    return Answer(row.status or 500, crypto.open_sealed(row.answer, context=column))


def _decided(service: Service, parsed: dict[str, Any], verified: Verified) -> dict[str, Any]:
    """The service's answer, unless it never asked whether it may answer."""
    request = context.current()
    before = request.decisions if request else 0
    answer = service(body=parsed, by=verified.by)
    if request is None or request.decisions == before:
        raise AccessNotDecided
    return answer


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputInvalid from error
    if not isinstance(parsed, dict):
        raise InputInvalid
    return parsed


def problem_for_nodes(error: DomainError) -> dict[str, Any]:
    """The problem in Chinese, with title and detail in English beside it."""
    body = problem_body(error, "zh") | {"title_en": said(error.title, "en")}
    if detail := said(error.detail, "en"):
        body["detail_en"] = detail
    return body
