"""Every address refuses a stranger, unless it is on the short list of public ones."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from config.middleware import PUBLIC, is_public

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSALS = {401, 403}  # not 404: an unguarded route says that of a thing that is not there
NOT_ANSWERED_BY_THIS_METHOD = 405
EMPTY_ADDRESSES = {"api/v1/"}  # django-ninja's root, which only gives its name to others
UNKNOWN = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d"
EXAMPLES = {
    "uuid": UNKNOWN,
    "uuidstr": UNKNOWN,
    "int": "1",
    "str": "stranger",
    "slug": "stranger",
    "path": "stranger",
}


class Address(NamedTuple):
    """One route: what its pattern says and a path that fits it."""

    route: str
    path: str


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[Address]:
    """Every route below the patterns; a regular expression is refused, it cannot be walked."""
    for pattern in patterns:
        assert isinstance(pattern.pattern, RoutePattern), f"{before}{pattern.pattern}"
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield Address(route, "/" + re.sub(r"<(?:(\w+):)?\w+>", example, route))


def example(parameter: re.Match[str]) -> str:
    """A value for one parameter of a route."""
    return EXAMPLES[parameter[1] or "str"]


ADDRESSES = list(addresses(get_resolver().url_patterns))
GUARDED = [
    address
    for address in ADDRESSES
    if not is_public(address.path) and address.route not in EMPTY_ADDRESSES
]


def test_every_public_route_exists():
    assert PUBLIC - {address.path for address in ADDRESSES} == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer not-a-token"}], ids=["no", "false"]
)
@pytest.mark.parametrize("address", GUARDED, ids=lambda address: address.route)
def test_a_stranger_is_refused(address, headers):
    client = Client(raise_request_exception=False, headers=headers)

    statuses = {
        method: client.generic(
            method, address.path, b"{}", content_type="application/json"
        ).status_code
        for method in METHODS
    }

    answered = {m: s for m, s in statuses.items() if s != NOT_ANSWERED_BY_THIS_METHOD}
    assert answered, "no method is answered"
    assert set(answered.values()) <= REFUSALS, statuses
