"""Signing in by phone, and what an account knows about itself."""

from datetime import datetime
from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema, Status

from kernel.access.rules import Fact
from kernel.access.services import authorise
from kernel.actor import Actor
from kernel.http import NO_NUL, Request, SignedInRequest, refuse_other_sites
from registry.accounts import sessions
from registry.accounts.models import Account
from registry.accounts.sessions import PageSessionOut
from registry.persons.selectors import survivor_of
from registry.residents import selectors, services
from registry.residents.rules import CODE_LIFE, CODE_PAUSE

router = Router(tags=["sign-in"])


class PhoneIn(Schema):
    """A mobile number of the mainland."""

    phone: str = Field(max_length=32, pattern=NO_NUL)


class CodeAskedOut(Schema):
    """For how many seconds a code is valid, and after how many another may be asked for."""

    valid_for: int = int(CODE_LIFE.total_seconds())
    again_after: int = int(CODE_PAUSE.total_seconds())


class PhoneSignInIn(PhoneIn):
    """A phone and the code that it was sent."""

    code: str = Field(max_length=16, pattern=NO_NUL)


class PhoneSessionOut(Schema):
    """A session: send the token as `Authorization: Bearer …`."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_at: datetime


class BindingIn(Schema):
    """Name, document type (CV02.01.101) and number, as they stand on the document."""

    name: str = Field(max_length=128, pattern=NO_NUL)
    document_type: str = Field("01", max_length=2, pattern=NO_NUL)
    number: str = Field(max_length=64, pattern=NO_NUL)


class MeOut(Schema):
    """The account that is signed in; the person once it is bound to one."""

    account_id: UUID
    role: str
    name: str
    phone: str | None
    person_id: UUID | None
    real_name_level: str


@router.post("/sign-in/codes", auth=None, response={202: CodeAskedOut})
def ask_for_code(request: HttpRequest, payload: PhoneIn) -> Status[CodeAskedOut]:
    """Send a one-time code to a phone; the answer does not tell whether one was sent."""
    services.request_code(phone=payload.phone, address=cast("Request", request).client_ip)
    return Status(202, CodeAskedOut())


@router.post("/sign-in/phone", auth=None, response=PhoneSessionOut)
def sign_in(request: HttpRequest, payload: PhoneSignInIn) -> dict[str, object]:
    """Sign in as a resident with a phone and its code; the first time makes the account."""
    token, ends = services.sign_in(phone=payload.phone, code=payload.code)
    return {"access_token": token, "expires_at": ends}


@router.post("/session/phone", auth=None, response=PageSessionOut)
def open_session(
    request: HttpRequest, payload: PhoneSignInIn, response: HttpResponse
) -> dict[str, object]:
    """Sign in on a page with a phone and its code: the session is kept in a cookie."""
    refuse_other_sites(request)
    token, _ = services.sign_in(phone=payload.phone, code=payload.code)
    sessions.keep(response, token)
    return sessions.told(token)


@router.get("/me", response=MeOut)
def me(request: SignedInRequest) -> dict[str, object]:
    """Who is signed in."""
    actor: Actor = request.auth
    authorise(actor, "account.read", facts={Fact.AUTHENTICATED}, person_id=actor.person_id)
    return _told(actor.id)


@router.post("/me/binding", response=MeOut)
def bind(request: SignedInRequest, payload: BindingIn) -> dict[str, object]:
    """Bind this account to the person of that name and document."""
    services.bind(
        name=payload.name,
        document_type=payload.document_type,
        number=payload.number,
        by=request.auth,
    )
    return _told(request.auth.id)


def _told(account_id: UUID) -> dict[str, object]:
    account = Account.objects.get(pk=account_id)
    return {
        "account_id": account.pk,
        "role": account.role,
        "name": account.name,
        "phone": selectors.masked_phone(account.pk),
        "person_id": survivor_of(account.person_id) if account.person_id else None,
        "real_name_level": account.real_name_level,
    }
