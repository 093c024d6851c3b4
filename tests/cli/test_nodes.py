"""`jianqiao nodes`: what counts as a stream in health, and which copies a reload throws away."""

import pytest
from click.testing import CliRunner

from config.cli import nodes
from config.cli.failures import NotRunning
from config.cli.main import cli

WELL = {
    "peer": "620100", "enabled": True, "running": True, "copying_tables": 0,
    "apply_errors": 0, "copy_errors": 0, "conflicts": 0,
}  # fmt: skip
SLOT = {
    "peer": "620100", "restored": False, "wal_status": "reserved", "behind_bytes": 0,
    "retained_bytes": 0,
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Run a command line on a home of the test's own."""
    return lambda *words: CliRunner().invoke(
        cli, ["--lang", "en", "--home", str(tmp_path), "nodes", *words]
    )


@pytest.fixture
def looks(monkeypatch):
    """What the hub shows look after look: pairs of changes to a healthy stream and a healthy slot."""
    shown: list[tuple[dict, dict]] = []

    def state_of(home):
        stream, slot = shown.pop(0)
        streams = {"incoming": [WELL | stream], "outgoing": [SLOT | slot]}
        return {"state": "ready", "nodes": [{"code": "620000", "streams": streams}]}

    monkeypatch.setattr(nodes, "state_of", state_of)
    monkeypatch.setattr(nodes, "LOOK_AGAIN_SECONDS", 0)
    return shown


def test_a_stream_in_health_is_looked_at_once(run, looks):
    looks += [({}, {})]

    result = run("lag")

    assert (result.exit_code, looks) == (0, [])
    assert "620000 ← 620100  well" in result.output


@pytest.mark.parametrize("counter", ["apply_errors", "copy_errors", "conflicts"])
def test_troubles_of_the_past_are_told_and_growing_ones_are_an_illness(run, looks, counter):
    looks += [({counter: 3}, {}), ({counter: 3}, {})]
    past = run("lag")
    looks += [({counter: 3}, {}), ({counter: 4}, {})]
    growing = run("lag")

    assert (past.exit_code, growing.exit_code) == (0, 1)
    assert f"{counter.replace('_', ' ')} 3" in past.output
    assert "ILL" in growing.output


@pytest.mark.parametrize(
    ("stream", "slot"),
    [
        ({"enabled": False}, {}),
        ({"running": False}, {}),
        ({"copying_tables": 1}, {}),
        ({}, {"restored": True}),
        ({}, {"wal_status": "lost"}),
        ({}, {"peer": "copy"}),
    ],
)
def test_a_stream_that_does_not_flow_is_ill(run, looks, stream, slot):
    looks += [(stream, slot)]

    assert run("lag").exit_code == 1


def test_a_stopped_province_has_no_lag_to_tell(run):
    assert run("lag").exit_code == NotRunning.exit_code


@pytest.mark.parametrize(
    ("words", "ends"),
    [((), ["hub", "city"]), (("--at", "hub"), ["hub"]), (("--at", "city"), ["city"])],
)
def test_a_reload_takes_both_copies_unless_told_otherwise(run, monkeypatch, words, ends):
    done = []
    monkeypatch.setattr(nodes, "_pair", lambda home, code: ("hub", "city"))
    monkeypatch.setattr(nodes, "_at_hub", lambda home, hub, city, *given: done.append(given))

    assert run("reload", "620100", *words).exit_code == 0
    assert done == [("reload_node", "--at", end) for end in ends]


def test_a_stream_that_only_a_reload_opens_is_no_success_of_enrol(run, monkeypatch):
    monkeypatch.setattr(nodes, "_pair", lambda home, code: ("hub", "city"))
    monkeypatch.setattr(nodes, "_at_hub", lambda *_: "620100 -> 620000: stopped\n")

    result = run("enrol", "620100")

    assert result.exit_code == 20
    assert "nodes reload 620100" in str(result.exception) + result.output
