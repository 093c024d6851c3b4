"""Answers that put a page into one of its states, for pictures."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route

LONG = "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿合奇县人民医院（县域医共体总院）"
SETTLED = 400


def failing(route: Route) -> None:
    """The node's database is away."""
    route.fulfill(
        status=503, content_type="application/problem+json",
        headers={"X-Request-Id": "0a1b2c3d4e5f"},
        body=json.dumps({"type": "urn:problem:storage-away", "title": "", "status": 503}),
    )  # fmt: skip


def answering(status: int, said: Any) -> Callable[[Route], None]:
    """An answer that no node gave."""
    kind = "application/json" if status < 400 else "application/problem+json"
    return lambda route: route.fulfill(status=status, content_type=kind, body=json.dumps(said))


def changed(change: Callable[[Any], Any]) -> Callable[[Route], None]:
    """A true answer, altered."""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=change(response.json()))

    return answer


def long_names(page: dict[str, Any]) -> dict[str, Any]:
    """The longest names there are."""
    words = {
        "organisation": LONG,
        "display": LONG,
        "who": "买买提·吐尔逊·阿卜杜热合曼",
        "hospital": {"code": "H", "name": LONG, "address": LONG, "phone": ""},
        "practitioner": {"id": "p", "name": "买买提·吐尔逊·阿卜杜热合曼"},
    }
    items = [{**one, **{n: text for n, text in words.items() if n in one}} for one in page["items"]]
    return {**page, "items": items}


def never(route: Route) -> None:
    """No answer while the picture is taken."""
