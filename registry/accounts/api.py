"""Signing in and out of people."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from kernel.http import SignedInRequest
from registry.accounts import services

router = Router(tags=["sign-in"])


class SignInIn(Schema):
    """What somebody signs in with."""

    login: str = Field(max_length=128, pattern=r"^[^\x00]+$")
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
    services.sign_out(token=request.headers["Authorization"].partition(" ")[2].strip())
    return Status(204, None)
