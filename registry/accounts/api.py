"""Signing in and out of people."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from kernel.http import NO_NUL, SignedInRequest, refuse_other_sites
from registry.accounts import services, sessions
from registry.accounts.sessions import PageSessionOut

router = Router(tags=["sign-in"])


class SignInIn(Schema):
    """What somebody signs in with."""

    login: str = Field(max_length=128, pattern=NO_NUL)
    password: str = Field(max_length=256)


class SessionOut(Schema):
    """A session: send the token as `Authorization: Bearer …`."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_at: datetime


@router.post("/sign-in", auth=None, response=SessionOut)
def sign_in(request: HttpRequest, payload: SignInIn) -> dict[str, object]:
    """Sign in with login and password."""
    token, ends = services.sign_in(login=payload.login, password=payload.password)
    return {"access_token": token, "expires_at": ends}


@router.post("/sign-out", response={204: None})
def sign_out(request: SignedInRequest) -> Status[None]:
    """End this session."""
    services.sign_out(token=sessions.token_of(request))
    return Status(204, None)


@router.post("/session", auth=None, response=PageSessionOut)
def open_session(
    request: HttpRequest, payload: SignInIn, response: HttpResponse
) -> dict[str, object]:
    """Sign in on a page: the session is kept in a cookie that scripts cannot read."""
    refuse_other_sites(request)
    token, _ = services.sign_in(login=payload.login, password=payload.password)
    sessions.keep(response, token)
    return sessions.told(token)


@router.get("/session", response=PageSessionOut)
def session(request: SignedInRequest) -> dict[str, object]:
    """Who is signed in."""
    return sessions.told(sessions.token_of(request))


@router.post("/session/renewal", response=PageSessionOut)
def renew_session(request: SignedInRequest) -> dict[str, object]:
    """Go on being signed in: somebody is using the page."""
    token = sessions.token_of(request)
    sessions.told(token)  # an account that was turned off a moment ago renews nothing
    services.renew_session(token=token)
    return sessions.told(token)


@router.delete("/session", response={204: None})
def close_session(request: SignedInRequest, response: HttpResponse) -> Status[None]:
    """Sign out on a page."""
    services.sign_out(token=sessions.token_of(request))
    sessions.drop(response)
    return Status(204, None)
