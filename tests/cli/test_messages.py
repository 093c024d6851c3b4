"""`jianqiao messages` against an API that answers as told."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from config.cli import hospital_client
from config.cli.failures import NoAnswer
from config.cli.main import cli
from tests.cli.door_server import HOSPITAL

ONE, OTHER = str(uuid4()), str(uuid4())


def message(id_, *rules, types=("Observation",)):
    return {
        "id": id_, "hospital": HOSPITAL, "message_id": f"m-{id_[:4]}", "status": 422,
        "received_at": "2026-11-21T10:00:00.123456+08:00", "rules": list(rules),
        "types": list(types),
    }  # fmt: skip


class Run:
    """Runs commands; `asked` is what they asked the API, `answers` what they get, in turn."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.asked: list[tuple[str, str, bytes | None]] = []
        self.answers: list[tuple[int, Any]] = []

    def __call__(self, *words: str) -> Result:
        given = ["--lang", "en", "--home", str(self.home), "messages", *words]
        return CliRunner().invoke(cli, [*given, "--hospital", HOSPITAL])

    def call(self, method: str, path: str, body: bytes | None = None) -> hospital_client.Answer:
        self.asked.append((method, path, body))
        status, content = self.answers.pop(0)
        if isinstance(content, bytes):
            return hospital_client.Answer(status, None, content)
        return hospital_client.Answer(status, content, json.dumps(content).encode())


@pytest.fixture
def run(door, monkeypatch):
    """A hospital's commands."""
    made = Run(door.home)
    monkeypatch.setattr(
        hospital_client.HospitalClient, "call", lambda self, *words: made.call(*words)
    )
    return made


def test_the_list_goes_on_to_the_last_page(run):
    run.answers[:] = [
        (200, {"items": [message(ONE, "date", "json-depth")], "next": "abc"}),
        (200, {"items": [message(OTHER, "date", types=())], "next": None}),
    ]

    result = run("list", "--rule", "date", "--type", "Observation")

    assert result.output.splitlines() == [
        f"{ONE}  2026-11-21T10:00:00  date,json-depth  Observation  m-{ONE[:4]}",
        f"{OTHER}  2026-11-21T10:00:00  date  -  m-{OTHER[:4]}",
        "      2  date",
        "      1  json-depth",
    ]
    assert run.asked == [
        ("GET", "/messages?rule=date&type=Observation", None),
        ("GET", "/messages?rule=date&type=Observation&cursor=abc", None),
    ]


def test_the_list_for_machines(run):
    run.answers[:] = [(200, {"items": [message(ONE, "date")], "next": None})]

    result = run("list", "--json")

    assert [json.loads(line) for line in result.output.splitlines()] == [message(ONE, "date")]


def test_one_with_its_reasons_or_its_bytes(run):
    reasons = [{"path": "Bundle.entry[0]", "rule": "date", "text": "no date"},
               {"path": "", "rule": "json", "text": "no JSON"}]  # fmt: skip
    run.answers[:] = [
        (200, message(ONE, "date") | {"request": None, "reasons": reasons}),
        (200, message(ONE) | {"request": {"method": "PUT", "url": "Basic/1"}, "reasons": []}),
        (200, b'{"not": '),
    ]

    shown, single, content = run("show", ONE), run("show", ONE), run("show", ONE, "--content")

    assert shown.output.splitlines() == [
        f"{ONE}  2026-11-21T10:00:00  POST Bundle",
        "    Bundle.entry[0]  [date]  no date",
        "    -  [json]  no JSON",
    ]
    assert single.output.endswith("PUT Basic/1\n")
    assert content.output == '{"not": '


def test_replaying_one(run):
    reasons = [{"path": "x", "rule": "date", "text": "no date"}]
    run.answers[:] = [
        (200, {"id": ONE, "state": "accepted", "status": 200, "reasons": []}),
        (200, {"id": ONE, "state": "refused", "status": 422, "reasons": reasons}),
    ]

    good, bad = run("replay", ONE), run("replay", ONE)

    assert (good.exit_code, good.output) == (0, f"{ONE}  accepted\n")
    assert bad.exit_code == 1
    assert bad.output == f"{ONE}  refused again\n    x  [date]  no date\n"
    assert run.asked[0] == ("POST", f"/messages/{ONE}/replay", None)


def test_replaying_by_rule_page_by_page(run):
    run.answers[:] = [
        (200, {"replayed": 100, "accepted": 99, "refused": 1, "next": "abc"}),
        (200, {"replayed": 2, "accepted": 2, "refused": 0, "next": None}),
    ]

    result = run("replay", "--rule", "reference-resolves")

    assert result.exit_code == 1
    assert result.output == "102 replayed: 101 accepted, 1 refused again\n"
    assert [json.loads(body) for _, _, body in run.asked] == [
        {"rule": "reference-resolves"}, {"rule": "reference-resolves", "cursor": "abc"},
    ]  # fmt: skip


def test_replaying_needs_to_know_what(run):
    run.answers[:] = [(200, {"replayed": 0, "accepted": 0, "refused": 0, "next": None})]

    assert run("replay").exit_code == 2
    assert run.asked == []
    assert run("replay", "--all").exit_code == 0


def test_mending(run, tmp_path):
    (tmp_path / "mended.json").write_bytes(b'{"resourceType": "Bundle"}')
    run.answers[:] = [(200, {"id": ONE, "state": "accepted", "status": 200, "reasons": []})]

    assert run("mend", ONE, str(tmp_path / "mended.json")).exit_code == 0
    assert run.asked == [("PUT", f"/messages/{ONE}/content", b'{"resourceType": "Bundle"}')]


def test_a_refusal_of_the_node_is_told(run):
    run.answers[:] = [(404, {"title": "Not found"}), (500, b"broken")]

    first, second = run("show", ONE), run("show", ONE)

    assert (first.exit_code, "Not found" in first.output) == (20, True)
    assert (second.exit_code, "500" in second.output) == (20, True)


def test_a_node_that_does_not_answer(run, monkeypatch):
    def call(self, method, path, body=None):
        raise NoAnswer("HTTP 503", "HTTP 503")

    monkeypatch.setattr(hospital_client.HospitalClient, "call", call)

    result = run("list")

    assert (result.exit_code, "HTTP 503" in result.output) == (NoAnswer.exit_code, True)
