"""Signing in and out of people."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from kernel.http import NO_NUL, SignedInRequest, refuse_other_sites
from registry.accounts import second_factor, services, sessions
from registry.accounts.sessions import PageSessionOut

router = Router(tags=["sign-in"])


class PasswordIn(Schema):
    """Login and password alone."""

    login: str = Field(max_length=128, pattern=NO_NUL)
    password: str = Field(max_length=256)


class SignInIn(PasswordIn):
    """What somebody signs in with; staff give a one-time code too."""

    code: str | None = Field(None, pattern=r"^[0-9]{6}$")


class SecondFactorOut(Schema):
    """A secret for an authenticator, and the same as the address that its QR code holds."""

    secret: str
    address: str


class SessionOut(Schema):
    """A session: send the token as `Authorization: Bearer …`."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_at: datetime


@router.post("/sign-in", auth=None, response=SessionOut)
def sign_in(request: HttpRequest, payload: SignInIn) -> dict[str, object]:
    """Sign in with login and password, staff with a one-time code beside them."""
    token, ends = services.sign_in(**payload.dict())
    return {"access_token": token, "expires_at": ends}


@router.post("/sign-in/second-factor", auth=None, response=SecondFactorOut)
def offer_second_factor(request: HttpRequest, payload: PasswordIn) -> second_factor.Offer:
    """A secret for the authenticator of somebody who has none here yet; a code of it confirms it."""
    return services.offer_second_factor(login=payload.login, password=payload.password)


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
    token, _ = services.sign_in(**payload.dict())
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
