"""A hospital's system gets a token for a fresh assertion signed with its own key (RFC 7523)."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from registry.accounts.models import AccessToken, HospitalClient, UsedAssertion
from registry.accounts.selectors import actor_of_token
from registry.accounts.services import forget_expired
from tests.factories.registry import HospitalClientFactory, OrganisationFactory

pytestmark = pytest.mark.django_db

KEYS: dict[str, Any] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}
KEYS["PS256"] = KEYS["RS256"]
ENDPOINT = "http://testserver/oauth/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def public(algorithm: str) -> dict[str, Any]:
    """The registered form of a key."""
    kind: Any = {"EdDSA": jwt.algorithms.OKPAlgorithm, "RS256": jwt.algorithms.RSAAlgorithm,
            "PS256": jwt.algorithms.RSAAlgorithm}.get(algorithm, jwt.algorithms.ECAlgorithm)  # fmt: skip
    found: dict[str, Any] = json.loads(kind.to_jwk(KEYS[algorithm].public_key()))
    return found


@pytest.fixture
def system(settings):
    """A system of a hospital of this node's city; at the hub the hub plays the city."""
    hospital = OrganisationFactory(node=settings.NODE_CODE)
    return HospitalClientFactory(organisation=hospital, public_keys=[public("EdDSA")])


def assertion(client, *, key=None, algorithm="EdDSA", headers=None, **claims):
    now = timezone.now()
    body = {
        "iss": client.client_id, "sub": client.client_id, "aud": ENDPOINT, "jti": uuid4().hex,
        "exp": now + timedelta(minutes=4), "iat": now,
    } | claims  # fmt: skip
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(body, key or KEYS[algorithm], algorithm=algorithm, headers=headers)


def ask(client, token, **form):
    fields = {
        "grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": token
    } | form  # fmt: skip
    return client.post(
        "/oauth/token", urlencode(fields), content_type="application/x-www-form-urlencoded"
    )


def test_a_fresh_assertion_gets_a_token(client, system):
    answer = ask(client, assertion(system))

    told = answer.json()
    assert answer.status_code == 200, told
    assert answer["Cache-Control"] == "no-store"
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, "records")
    actor = actor_of_token(told["access_token"])
    assert (actor.id, actor.role) == (system.id, Role.HOSPITAL_SYSTEM)
    assert actor.organisation_id == system.organisation_id
    assert told["access_token"].encode() not in bytes(AccessToken.objects.get().digest)


@pytest.mark.parametrize("algorithm", sorted(KEYS))
def test_every_accepted_kind_of_key(algorithm, client, settings):
    hospital = OrganisationFactory(node=settings.NODE_CODE)
    system = HospitalClientFactory(organisation=hospital, public_keys=[public(algorithm)])

    assert ask(client, assertion(system, algorithm=algorithm)).status_code == 200


def test_one_of_several_keys_is_enough(client, system):
    with_two = [public("ES256") | {"kid": "a"}, public("EdDSA") | {"kid": "b"}]
    system.public_keys = with_two
    HospitalClientFactory(organisation=system.organisation, client_id="two", public_keys=with_two)
    two = HospitalClient.objects.get(client_id="two")

    assert ask(client, assertion(two, headers={"kid": "b"})).status_code == 200
    assert ask(client, assertion(two)).status_code == 200


BAD: dict[str, dict[str, Any]] = {
    "another's key": {"key": ed25519.Ed25519PrivateKey.generate()},
    "a key of another kind": {"algorithm": "ES256"},
    "algorithm none": {"algorithm": "none", "key": ""},
    "a shared secret": {"algorithm": "HS256", "key": "0" * 32},
    "another audience": {"aud": "http://elsewhere/oauth/token"},
    "expired": {"exp": timedelta(minutes=-2)},
    "too long ahead": {"exp": timedelta(minutes=20)},
    "no exp": {"exp": None},
    "no jti": {"jti": None},
    "a number as jti": {"jti": 7},
    "another issuer": {"iss": "somebody"},
    "a nul in the subject": {"iss": "a\0", "sub": "a\0"},
    "not valid yet": {"nbf": timedelta(minutes=3)},
}
"""What is changed in a good assertion; times count from its moment."""


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_is_not_accepted(name, client, system):
    parts = dict(BAD[name])
    if name == "algorithm none":
        parts["key"] = None
    algorithm = parts.pop("algorithm", "EdDSA")
    key = parts.pop("key", KEYS.get(algorithm))
    now = timezone.now()
    claims = {
        "iss": system.client_id, "sub": system.client_id, "aud": ENDPOINT, "jti": uuid4().hex,
        "exp": now + timedelta(minutes=4),
    } | parts  # fmt: skip
    claims = {
        claim: now + value if isinstance(value, timedelta) else value
        for claim, value in claims.items()
        if value is not None
    }

    answer = ask(client, jwt.encode(claims, key, algorithm=algorithm))

    assert answer.status_code == 401, answer.content
    assert answer.json()["error"] == "invalid_client"
    assert not AccessToken.objects.exists()
    assert not UsedAssertion.objects.exists()


def test_an_assertion_serves_once(client, system):
    token = assertion(system)
    assert ask(client, token).status_code == 200

    again = ask(client, token)

    assert (again.status_code, again.json()["error_description"]) == (401, "jti was used before")
    assert AccessToken.objects.count() == 1


def test_a_clock_a_little_off_is_forgiven(client, system):
    late = assertion(system, exp=timezone.now() - timedelta(seconds=30))

    assert ask(client, late).status_code == 200


def test_a_hospital_signs_in_at_its_own_city_only(client):
    away = HospitalClientFactory(
        organisation=OrganisationFactory(node="621000"), public_keys=[public("EdDSA")]
    )

    answer = ask(client, assertion(away))

    assert answer.status_code == 401
    assert answer.json()["error_description"] == "this client signs in at node 621000"


def test_a_suspended_system_stays_out(client, settings):
    system = HospitalClientFactory(
        organisation=OrganisationFactory(node=settings.NODE_CODE), status="suspended",
        public_keys=[public("EdDSA")],
    )  # fmt: skip

    assert ask(client, assertion(system)).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_assertion": "not.a.jwt"}, "invalid_client"),
        ({"client_assertion": ""}, "invalid_client"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"client_id": "somebody"}, "invalid_client"),
    ],
)
def test_requests_that_are_none(form, error, client, system):
    answer = ask(client, assertion(system), **form)

    assert answer.status_code in {400, 401}
    assert answer.json()["error"] == error


def test_json_and_get_are_no_token_requests(client, db):
    assert client.post("/oauth/token", {}, content_type="application/json").status_code == 400
    assert client.get("/oauth/token").status_code == 405


def test_what_ended_is_forgotten(client, system):
    ask(client, assertion(system))
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    assert forget_expired() == 1
    assert not AccessToken.objects.exists()
    assert UsedAssertion.objects.count() == 1


def test_a_token_given_is_audited_as_the_systems_and_one_refused_as_the_nodes(
    client, system, settings
):
    used = assertion(system)
    away = HospitalClientFactory(organisation=OrganisationFactory(node="621000"))
    suspended = HospitalClientFactory(organisation=system.organisation, status="suspended")

    ask(client, used)
    ask(client, used)
    ask(client, assertion(system, key=ed25519.Ed25519PrivateKey.generate()))
    for named in (away, suspended):
        ask(client, assertion(named))
    ask(client, "not.a.jwt")

    node = Actor.of_node(settings.NODE_CODE).id
    rows = AuditRow.objects.filter(action="session.open").order_by("id")
    assert list(rows.values_list("actor_id", "resource_id", "organisation_id", "outcome")) == [
        (system.id, None, system.organisation_id, "allowed"),
        (node, system.id, system.organisation_id, "refused"),
        (node, system.id, system.organisation_id, "refused"),
        (node, away.id, away.organisation_id, "refused"),
        (node, suspended.id, system.organisation_id, "refused"),
        (node, None, None, "refused"),
    ]
    assert set(
        rows.filter(actor_id=node, resource_id__isnull=False).values_list("resource_type")
    ) == {("HospitalClient",)}
