"""Asking for records by search, and reading the answer."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from health_records.formats.fhir.parsing import dump
from tests.factories.records import VersionFactory

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def kept(made, **source):
    """The row, with its version."""
    VersionFactory(
        node=made.node, resource_id=made.id, resource_type=made.resource_type,
        source=dump({"resourceType": made.resource_type} | source).decode(),
        recorded_at=made.changed_at,
    )  # fmt: skip
    return made


def ask(client, path="Observation", **asked):
    """The Bundle of a search; two underscores stand for a colon."""
    answer = client.get(
        f"/fhir/R4/{path}", {name.replace("__", ":"): v for name, v in asked.items()}
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(bundle):
    """Ids of the matches."""
    return [
        one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"
    ]


def of(*rows):
    """Ids of rows."""
    return [str(one.id) for one in rows]


def follow(client, bundle):
    """The next page, or None."""
    links = {one["relation"]: one["url"] for one in bundle["link"]}
    if "next" not in links:
        return None
    url = urlsplit(links["next"])
    assert links["next"].startswith("http://testserver/fhir/R4/")
    return client.get(url.path, dict(parse_qsl(url.query))).json()


def told(answer):
    """Rule, place and severity of each issue."""
    return [
        (one["details"]["coding"][0]["code"], one.get("expression"), one["severity"])
        for one in answer["issue"]
    ]
