"""The session of a page: the bearer token in a cookie that no script can read."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from registry.accounts.rules import SESSION_LONGEST

IS_SECURE = settings.NODE_URL.startswith("https://")
COOKIE = f"{'__Host-' if IS_SECURE else ''}session-{settings.NODE_CODE}"
"""Browsers do not tell ports apart, and the nodes of a laptop differ in nothing else: hence the code."""


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
