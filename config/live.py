"""ASGI entry point of the streams of changes, a process of its own at the hub (ADR 0015).

One event loop keeps the streams, one thread asks the database for all of them. A stream passes what every
request passes: host, session, the access decision and its audit row.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.exception import response_for_exception
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import ResolverMatch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from analytics.api import READ, STREAM  # noqa: E402
from analytics.errors import TooManyStreams  # noqa: E402
from analytics.selectors import Scope, figures_now, marks, scope_of  # noqa: E402
from analytics.streams import Board, Message, message_of  # noqa: E402
from config.api import PlainJSON  # noqa: E402
from config.middleware import decided_access, request_context, storage_away  # noqa: E402
from kernel.access.rules import ANYBODY_KNOWN  # noqa: E402
from kernel.access.services import authorise  # noqa: E402
from kernel.http import problem_response  # noqa: E402
from kernel.problems import AddressUnknown, DomainError, Unauthenticated  # noqa: E402
from registry.accounts.selectors import actor_of_token  # noqa: E402
from registry.accounts.sessions import token_of  # noqa: E402

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

database = ThreadPoolExecutor(1, thread_name_prefix="database")


async def in_database(ask: Callable[..., Any], *words: Any) -> Any:
    """Run in the one thread that has a connection."""
    return await asyncio.get_running_loop().run_in_executor(database, partial(ask, *words))


def told(scope: Scope) -> Message:
    """The figures of a scope as they are now."""
    figures = figures_now(scope)
    body = rendered(figures)
    return message_of(body, known_by=rendered({**figures, "at": None}))


def rendered(figures: dict[str, Any]) -> bytes:
    """As the API gives them."""
    return PlainJSON().render(HttpRequest(), figures, response_status=200)


def let_go() -> None:
    """Close the connection of the thread that asks."""
    connection.close()


board = Board[Scope](marks=marks, told=told, rest=let_go, run=in_database)


def view(request: HttpRequest) -> HttpResponseBase:
    """Whether this stream may begin: a problem, or the head of an answer that goes on."""
    try:
        if request.path != STREAM or request.method != "GET":
            raise AddressUnknown
        actor = actor_of_token(token_of(request))
        if actor is None:
            raise Unauthenticated
        authorise(actor, READ, facts=ANYBODY_KNOWN)
        if board.listeners.total() >= settings.STREAMS_MAX:
            raise TooManyStreams
        request.scope_of_stream = scope_of(  # type: ignore[attr-defined]
            city=request.GET.get("city"), hospital=request.GET.get("hospital")
        )
    except DomainError as error:
        return problem_response(error)
    return StreamingHttpResponse((), content_type="text/event-stream; charset=utf-8")


@request_context
@decided_access
def surrounded(request: HttpRequest) -> HttpResponseBase:
    """The view with what is around every request of the node."""
    request.resolver_match = ResolverMatch(view, (), {}, route=STREAM.lstrip("/"))
    return view(request)


def answered(request: HttpRequest) -> HttpResponseBase:
    """The head of the answer; what Django would do about an error that is none of ours."""
    try:
        response = surrounded(request)
    except Exception as error:  # noqa: BLE001 — whatever is wrong with one request, the others go on
        connection.close()
        response = storage_away(request, error) or response_for_exception(request, error)
    if request.headers.get("Origin") == settings.NODE_URL:
        response["Access-Control-Allow-Origin"] = settings.NODE_URL
        response["Access-Control-Allow-Credentials"] = "true"
    response["Vary"] = f"{response.get('Vary', '')}, Origin".removeprefix(", ")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx passes each event on at once
    return response


def is_signed_in(request: HttpRequest) -> bool:
    """Whether the session of a stream still lives."""
    return actor_of_token(token_of(request)) is not None


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One request: its answer, and where it is a stream what changes until the listener goes."""
    if scope["path"] == "/healthz":
        await _send(send, 200, [(b"content-type", b"application/json")], b'{"status": "alive"}')
        return
    request = ASGIRequest(scope, BytesIO())
    response = await in_database(answered, request)
    head = [(name.lower().encode(), value.encode("latin1")) for name, value in response.items()]
    if not response.streaming:
        await _send(send, response.status_code, head, response.content)
        return
    await send({"type": "http.response.start", "status": response.status_code, "headers": head})
    streaming = asyncio.create_task(_stream(request, send))
    leaving = asyncio.create_task(_gone(receive))
    await asyncio.wait({streaming, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (streaming, leaving):
        task.cancel()
    await asyncio.gather(streaming, leaving, return_exceptions=True)


async def _stream(request: HttpRequest, send: Send) -> None:
    last = request.headers.get("Last-Event-ID", "")
    scope = request.scope_of_stream  # type: ignore[attr-defined]
    frames = board.frames(scope, last, partial(is_signed_in, request))
    try:
        async for frame in frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    finally:
        await frames.aclose()  # type: ignore[attr-defined]
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, status: int, head: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": False})
