"""`jianqiao keys`, `audit`, `events`: what they ask of the nodes, and what they tell."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner

from config.cli import audit, keys, node_process, status
from config.cli.home import Home
from config.cli.main import cli
from kernel.audit import verification

HUB, CITY, OTHER = "620000", "620100", "620800"
REPORT = {
    "node": HUB, "rows": 5, "seals": 2, "unsealed": 0, "unsealed_since": None, "witnessed": True,
    "unwitnessed_seals": 0, "findings": [],
}  # fmt: skip


@pytest.fixture
def nodes(monkeypatch, tmp_path):
    """A home with three nodes; `asked` tells what was run, `answers` what comes back."""
    for code in (HUB, CITY, OTHER):
        (tmp_path / "nodes" / code).mkdir(parents=True)
        (tmp_path / "nodes" / code / "env").write_text("")
    asked: list[tuple[str, ...]] = []
    answers: dict[tuple[str, str], tuple[int, str, str]] = {}

    def attempt(home, code, *words, told=None):
        asked.append((code, *words))
        status, out, err = answers.get((code, words[0]), (0, "", ""))
        return CompletedProcess(words, status, out, err)

    for module in (audit, keys, node_process):
        monkeypatch.setattr(module, "attempt", attempt)

    def run(*words):
        return CliRunner().invoke(cli, ["--lang", "en", "--home", str(tmp_path), *words])

    return run, asked, answers


def test_keys_are_rotated_hub_first(nodes):
    run, asked, answers = nodes
    for code in (HUB, CITY, OTHER):
        answers[code, "rotate_keys"] = (0, 'noise\n{"sealed": 3, "indexed": 1}\n', "")

    result = run("keys", "rotate")

    assert result.exit_code == 0
    assert asked == [(HUB, "rotate_keys"), (CITY, "rotate_keys"), (OTHER, "rotate_keys")]
    assert f"{CITY}  rotated: 3 values encrypted anew, 1 indexed anew" in result.output


def test_a_halted_rotation_is_told_and_the_others_go_on(nodes):
    run, asked, answers = nodes
    answers[HUB, "rotate_keys"] = (0, '{"sealed": 0, "indexed": 0}', "")
    answers[CITY, "rotate_keys"] = (3, "", "trace\nCommandError: the hub did not answer")
    answers[OTHER, "rotate_keys"] = (0, '{"sealed": 0, "indexed": 0}', "")

    result = run("keys", "rotate")

    assert result.exit_code == 1
    assert f"{CITY}  halted: CommandError: the hub did not answer" in result.output
    assert len(asked) == 3


CODE_SENT = {
    "phone": "13912345678", "template": "sign-in-code",
    "parameters": {"code": "042137", "minutes": "5"},
    "written_at": "2026-11-21T16:00:00+08:00", "expires_at": "2026-11-21T16:05:00+08:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "letters", "shown"),
    [
        ((), [CODE_SENT], "13912345678  sign-in-code  code=042137 minutes=5\n"),
        (("--json",), [CODE_SENT], json.dumps(CODE_SENT) + "\n"),
        ((), [], "No message that has not expired\n"),
        (("--json",), [], ""),
    ],
)
def test_the_mailbox_is_the_hubs(nodes, tmp_path, words, letters, shown):
    run, asked, answers = nodes
    rows = [{"code": CITY, "role": "city"}, {"code": HUB, "role": "province"}]
    (tmp_path / "endpoints.json").write_text(json.dumps({"nodes": rows}))
    answers[HUB, "read_mailbox"] = (0, "".join(json.dumps(one) + "\n" for one in letters), "")

    result = run("mailbox", *words)

    assert (result.exit_code, result.output) == (0, shown)
    assert asked == [(HUB, "read_mailbox")]


@pytest.mark.parametrize("used", [True, False])
def test_status_says_where_the_mailbox_is(tmp_path, used):
    node = {
        "code": HUB, "name": "甘肃省", "url": "http://127.0.0.1:7600", "ready": True,
        "processes": [], "streams": {"outgoing": [], "incoming": []}, "mailbox": used,
    }  # fmt: skip
    state = {"state": "ready", "pid": 1, "uptime_seconds": 1, "pss_bytes": None, "nodes": [node]}

    lines = status._lines(Home(tmp_path), state)

    assert any("http://127.0.0.1:7600/dev/mailbox" in line for line in lines) is used


def test_a_node_that_is_not_there_is_named(nodes):
    run, asked, _ = nodes

    result = run("keys", "rotate", "--node", "629900")

    assert result.exit_code == 24
    assert "629900" in result.output
    assert asked == []


def test_the_log_of_the_hub_is_compared_with_the_fullest_copy(nodes):
    run, asked, answers = nodes
    answers[CITY, "export_seals"] = (0, '[1, "aa", "x"]\n[2, "bb", "y"]\n', "")
    answers[OTHER, "export_seals"] = (0, '[2, "bb", "y"]\n', "")
    answers[HUB, "verify_audit"] = (0, json.dumps(REPORT), "")

    result = run("audit", "verify", "--node", HUB)

    assert result.exit_code == 0
    assert result.output == f"{HUB}  intact: 5 rows, 2 seals\n"
    assert asked[:2] == [(CITY, "export_seals", HUB), (OTHER, "export_seals", HUB)]
    assert asked[2][:3] == (HUB, "verify_audit", "--witness")


def test_what_is_wrong_is_named(nodes):
    run, asked, answers = nodes
    finding = {"kind": "row-changed", "sequence": 2, "row_id": "01a1"}
    report = REPORT | {
        "node": CITY, "findings": [finding], "unsealed": 3, "unsealed_since": "10:00",
        "unwitnessed_seals": 1,
    }  # fmt: skip
    answers[CITY, "verify_audit"] = (1, json.dumps(report), "")

    result = run("audit", "verify", "--node", CITY)

    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{CITY}  NOT INTACT: 5 rows, 2 seals",
        "    not sealed yet: 3 rows since 10:00",
        "    not at another node yet: 1 seals",
        "    a row was changed: # 2 row 01a1",
    ]
    assert asked[0] == (HUB, "export_seals", CITY)


def test_a_log_without_a_witness_says_so(nodes):
    run, asked, answers = nodes
    answers[HUB, "export_seals"] = (1, "", "no database")
    answers[CITY, "verify_audit"] = (0, json.dumps(REPORT | {"witnessed": False}), "")

    result = run("audit", "verify", "--node", CITY)

    assert "no foreign copy" in result.output
    assert asked[1] == (CITY, "verify_audit")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_node_that_does_not_answer_is_not_called_intact(nodes, words):
    run, _, answers = nodes
    answers[CITY, "verify_audit"] = (1, "", "OperationalError")

    result = run("audit", "verify", "--node", CITY, *words)

    assert result.exit_code == 1
    assert "intact" not in result.output


def test_every_kind_of_finding_has_words():
    source = Path(verification.__file__).read_text(encoding="utf-8")

    assert all(f'"{kind}"' in source for kind in audit.KINDS)
    assert source.count("yield Finding(") == len(audit.KINDS) + 1  # head-cut-off is said twice


def test_parked_deliveries_are_listed(nodes):
    run, _, answers = nodes
    one = {"id": "d1", "event": "e1", "node": CITY, "handler": "a.b", "attempts": 7, "error": "X"}
    answers[HUB, "event_deliveries"] = (0, json.dumps(one) + "\n", "")

    plain, machine = run("events", "parked"), run("events", "parked", "--json")

    assert plain.output == f"{HUB}  d1  a.b  e1 ({CITY})  ×7  X\n"
    assert json.loads(machine.output) == one | {"at": HUB}


def test_parked_deliveries_are_tried_again(nodes):
    run, asked, answers = nodes
    for code in (HUB, CITY, OTHER):
        answers[code, "event_deliveries"] = (0, '{"replayed": 2}', "")
    delivery = "01a1fd7d-5502-7183-9ba1-7fe97ad16707"

    assert run("events", "replay", "--all").output.count("2 tried again") == 3
    assert run("events", "replay", "--node", HUB, delivery).exit_code == 0
    assert run("events", "replay", "--node", HUB, "--handler", "a.b").exit_code == 0

    assert asked[-2:] == [
        (HUB, "event_deliveries", "replay", delivery),
        (HUB, "event_deliveries", "replay", "--handler", "a.b"),
    ]


def test_replaying_needs_to_know_what(nodes):
    run, asked, answers = nodes
    answers[HUB, "event_deliveries"] = (3, "", "CommandError: no-such-delivery")
    delivery = "01a1fd7d-5502-7183-9ba1-7fe97ad16707"

    assert run("events", "replay").exit_code == 2
    assert run("events", "replay", delivery).exit_code == 2
    assert asked == []
    failed = run("events", "replay", "--node", HUB, delivery)
    assert (failed.exit_code, "no-such-delivery" in failed.output) == (20, True)
