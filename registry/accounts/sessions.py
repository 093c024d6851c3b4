"""The session of a page: the bearer token in a cookie that no script can read."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Schema

from kernel.problems import Unauthenticated
from registry.accounts.rules import SESSION_LONGEST
from registry.accounts.selectors import session_of

IS_SECURE = settings.NODE_URL.startswith("https://")
COOKIE = f"{'__Host-' if IS_SECURE else ''}session-{settings.NODE_CODE}"
"""Browsers do not tell ports apart, and the nodes of a laptop differ in nothing else: hence the code."""


class PageSessionOut(Schema):
    """Who is signed in on a page, and until when unless the session is renewed."""

    login: str
    name: str
    role: str
    person_id: UUID | None
    expires_at: datetime


def keep(response: HttpResponse, token: str) -> None:
    """Have the browser send the token with every request of our own pages."""
    response.set_cookie(
        COOKIE, token, max_age=SESSION_LONGEST, secure=IS_SECURE, httponly=True, samesite="Strict"
    )  # fmt: skip


def drop(response: HttpResponse) -> None:
    """Have the browser forget the session."""
    response.delete_cookie(COOKIE, samesite="Strict")


def token_of(request: HttpRequest) -> str:
    """The token that came with a request, in its header or else its cookie; empty when none did."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.COOKIES.get(COOKIE, "")


def told(token: str) -> dict[str, object]:
    """What a page is told of its live session; Unauthenticated when it is over."""
    found = session_of(token)
    if found is None:
        raise Unauthenticated
    account, ends = found
    return {
        "login": account.login,
        "name": account.name,
        "role": account.role,
        "person_id": account.person_id,
        "expires_at": ends,
    }
