"""Client assertions of hospital systems: private_key_jwt (RFC 7521, RFC 7523)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone as clock

from kernel.access.rules import Fact
from kernel.access.services import authorise
from kernel.actor import Role
from registry.accounts.errors import AssertionRefused
from registry.accounts.models import HospitalClient
from registry.accounts.rules import (
    ASSERTION_LIFE,
    CLOCK_SKEW,
    SCOPE,
    TOKEN_LIFE,
    algorithms_of,
)
from registry.accounts.selectors import actor_of
from registry.accounts.services import SIGN_IN, audit_refused_sign_in, issue_token, use_assertion
from registry.accounts.states import ClientStatus

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
NAME = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was given out."""

    token: str
    seconds: int
    scope: str


def token_endpoint() -> str:
    """The audience an assertion must name: this node's token endpoint."""
    return f"{settings.NODE_URL}/oauth/token"


def grant_token(form: Mapping[str, str]) -> Grant:
    """A token for a hospital system that signed a fresh assertion for this node."""
    if form.get("grant_type") != GRANT_TYPE:
        raise AssertionRefused("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise AssertionRefused(
            "invalid_client",
            f"client_assertion and client_assertion_type={ASSERTION_TYPE} are required",
            status=401,
        )
    scope = form.get("scope") or SCOPE
    if scope != SCOPE:
        raise AssertionRefused("invalid_scope", f"the only scope is {SCOPE}")
    named: HospitalClient | None = None
    try:
        named = _client_named(form["client_assertion"], form.get("client_id", ""))
        client = _active_here(named)
        _use(form["client_assertion"], client)
    except AssertionRefused:
        audit_refused_sign_in(named)
        raise
    system = actor_of(client.id, Role.HOSPITAL_SYSTEM, organisation_id=client.organisation_id)
    authorise(system, SIGN_IN, facts={Fact.AUTHENTICATED})
    token = issue_token(ends=clock.now() + TOKEN_LIFE, client_id=client.id, scope=scope)
    return Grant(token, int(TOKEN_LIFE.total_seconds()), scope)


def _use(assertion: str, client: HospitalClient) -> None:
    """Accept a client's assertion this once."""
    claims = _verified(assertion, client)
    ends = datetime.fromtimestamp(claims["exp"], UTC) + CLOCK_SKEW
    if not use_assertion(client_id=client.id, jti=claims["jti"], ends=ends):
        raise _refused("jti was used before")


def _client_named(assertion: str, client_id: str) -> HospitalClient | None:
    """The client an assertion says it is from, unverified as yet."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise _refused("client_assertion is not a JWT") from error
    subject = claims.get("sub")
    if not _is_name(subject) or claims.get("iss") != subject:
        raise _refused("iss and sub must both be the client_id")
    if client_id and client_id != subject:
        raise _refused("client_id is not the subject of the assertion")
    return HospitalClient.objects.select_related("organisation").filter(client_id=subject).first()


def _active_here(client: HospitalClient | None) -> HospitalClient:
    if client is None or client.status != ClientStatus.ACTIVE:
        raise _refused("client is unknown or not active")
    if client.organisation.node != settings.NODE_CODE:
        raise _refused(f"this client signs in at node {client.organisation.node}")
    return client


def _verified(assertion: str, client: HospitalClient) -> dict[str, Any]:
    """The claims, when one of the client's keys signed them for this node, just now."""
    header = jwt.get_unverified_header(assertion)
    for jwk in _keys_for(header, client):
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                jwt.PyJWK.from_dict(dict(jwk), algorithm=header["alg"]),
                algorithms=[header["alg"]],
                audience=token_endpoint(),
                leeway=CLOCK_SKEW,
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, jwt.PyJWKError, ValueError, OverflowError) as error:
            raise _refused(str(error)) from error
        return _fresh(claims)
    raise _refused("signature does not fit a registered key")


def _keys_for(header: Mapping[str, Any], client: HospitalClient) -> list[dict[str, Any]]:
    """The registered keys of the kind that the algorithm needs, the one named first if any is."""
    algorithm, wanted = header.get("alg"), header.get("kid")
    keys: list[dict[str, Any]] = client.public_keys
    fit = [key for key in keys if algorithm in algorithms_of(key)]
    named = [key for key in fit if wanted is not None and key.get("kid") == wanted]
    return named or fit


def _fresh(claims: dict[str, Any]) -> dict[str, Any]:
    now = clock.now().timestamp()
    if not isinstance(claims["exp"], int | float) or isinstance(claims["exp"], bool):
        raise _refused("exp must be a number")
    if claims["exp"] - now > (ASSERTION_LIFE + CLOCK_SKEW).total_seconds():
        raise _refused("exp is more than five minutes ahead")
    if not _is_name(claims["jti"]):
        raise _refused("jti must be 1 to 128 printable ASCII characters")
    return claims


def _is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _refused(why: str) -> AssertionRefused:
    return AssertionRefused("invalid_client", why, status=401)
