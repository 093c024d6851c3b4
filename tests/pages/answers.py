"""Answers that a picture needs: failures, silence, and true answers altered."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route


def failing(route: Route) -> None:
    """The node's database is away."""
    route.fulfill(
        status=503, content_type="application/problem+json",
        headers={"X-Request-Id": "0a1b2c3d4e5f"},
        body=json.dumps({"type": "urn:problem:storage-away", "title": "", "status": 503}),
    )  # fmt: skip


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Route], None]:
    """A true answer, altered."""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=change(response.json()))

    return answer


def never(route: Route) -> None:
    """No answer while the picture is taken."""
