"""The home: held by one, written in one step, half-read by nobody."""

import asyncio
import errno
import fcntl
import json
import os
import stat
import subprocess
import time
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from config.cli import province
from config.cli.failures import AlreadyRunning, HomeUnusable, NothingHere, NotReady
from config.cli.home import PROJECT, Home, NodeHome, read_json, write_private
from config.cli.main import cli
from config.cli.memory import Memory, remember, schema_fingerprint, shaping_files
from config.cli.node_settings import write_env
from config.cli.reporting import Terminal
from config.cli.supervision import Supervisor
from config.cli.topology import GivenServers, Node
from registry.sms import mailbox


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "var")


def test_a_home_is_held_by_one_at_a_time(home):
    assert not home.is_held()
    with home.held():
        assert home.is_held()
        with pytest.raises(AlreadyRunning), home.held():
            pass
    assert not home.is_held()


def test_who_only_looks_keeps_nobody_from_starting(home, monkeypatch):
    home.path.mkdir()
    looking = os.open(home.path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not home.is_held()
    gone = []

    def go(seconds):
        os.close(looking)
        gone.append(seconds)

    monkeypatch.setattr("config.cli.home.time", SimpleNamespace(monotonic=time.monotonic, sleep=go))

    with home.held():
        assert home.is_held()
    assert len(gone) == 1


def test_who_takes_the_home_forgets_who_had_it(home):
    home.path.mkdir()
    home.run_file.write_text('{"pid": 1}')

    with home.held():
        assert not home.run_file.exists()


def test_a_start_says_who_it_is_before_it_does_anything(home, monkeypatch):
    home.path.mkdir()
    said = []

    def sweep(swept):
        said.append(read_json(swept.run_file))
        raise NotReady("停", "stop")

    monkeypatch.setattr(province, "sweep", sweep)
    starting = province.Province(home, [], Memory(), Terminal(), Supervisor(home.log)).start()

    with pytest.raises(NotReady):
        asyncio.run(starting)
    assert [(one["pid"], one["phase"]) for one in said] == [(os.getpid(), "starting")]


def test_a_home_that_is_a_file_is_refused_with_the_reason(home):
    home.path.write_text("")

    with pytest.raises(HomeUnusable, match="--home"), home.held():
        pass


def test_variables_leave_out_comments(home):
    home.node("620100").path.mkdir(parents=True)
    home.node("620100").env_file.write_text("# ours\nNODE_CODE=620100\nURL=a=b\n\n")

    assert home.node("620100").variables() == {"NODE_CODE": "620100", "URL": "a=b"}
    assert home.codes() == ["620100"]


def test_a_node_takes_no_setting_from_the_user_s_shell(home, monkeypatch):
    home.node("620100").path.mkdir(parents=True)
    home.node("620100").env_file.write_text("NODE_CODE=620100\n")
    shell = {
        "LANGUAGE": "en_US:en", "LOG_LEVEL": "debug", "PGOPTIONS": "-c x=y", "DJANGO_DEBUG": "1",
        "LC_ALL": "C.UTF-8", "TZ": "UTC", "COVERAGE_PROCESS_CONFIG": "c",
    }  # fmt: skip
    for name, value in shell.items():
        monkeypatch.setenv(name, value)

    taken = home.node("620100").environment()

    assert {name: taken.get(name) for name in (*shell, "NODE_CODE")} == {
        **dict.fromkeys(shell),
        "LC_ALL": "C.UTF-8", "TZ": "UTC", "COVERAGE_PROCESS_CONFIG": "c",
        "NODE_CODE": "620100",
    }  # fmt: skip


def test_the_command_line_heeds_no_variable_of_libpq(home, monkeypatch):
    monkeypatch.setenv("PGSSLMODE", "require")

    CliRunner().invoke(cli, ["--home", str(home.path), "status"])

    assert subprocess.run(["/usr/bin/env", "printenv", "PGSSLMODE"], check=False).returncode == 1


def test_a_node_that_is_not_there_is_named(home):
    with pytest.raises(NothingHere, match="620100"):
        home.node("620100").variables()


def test_parts_of_the_endpoints_are_replaced_and_others_kept(home):
    home.path.mkdir()
    home.write_endpoints(clients=[{"hospital": "H1"}])
    home.write_endpoints(nodes=[{"code": "620000"}])

    assert json.loads(home.endpoints_file.read_text()) == {
        "nodes": [{"code": "620000"}],
        "clients": [{"hospital": "H1"}],
        "users": [],
    }


def test_written_files_are_private(tmp_path):
    write_private(tmp_path / "secret", "x")

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "secret"]


def test_a_link_planted_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("untouched")
    for planted in (f".conf.{os.getpid()}", "conf"):
        (tmp_path / planted).symlink_to(tmp_path / "victim")

    write_private(tmp_path / "conf", "x", owner=(os.getuid(), os.getgid()))

    assert (tmp_path / "victim").read_text() == "untouched"
    assert (tmp_path / "conf").read_text() == "x"
    assert not (tmp_path / "conf").is_symlink()


def test_what_cannot_be_removed_is_named_and_the_home_not_forgotten(home, monkeypatch):
    (home.path / "nodes" / "620000").mkdir(parents=True)
    home.province_file.write_text("{}")
    stuck = OSError(errno.EBUSY, "Device or resource busy", str(home.path / "nodes" / "620000"))
    monkeypatch.setattr("config.cli.home.shutil.rmtree", Mock(side_effect=stuck))

    result = CliRunner().invoke(cli, ["--lang", "en", "--home", str(home.path), "reset", "--yes"])

    assert result.exit_code == HomeUnusable.exit_code
    assert "620000 cannot be removed: Device or resource busy" in result.output
    assert "is gone" not in result.output
    assert home.province_file.exists()


def test_what_is_remembered_comes_back(home):
    home.path.mkdir()
    memory = Memory(port_base=8000, cities=3)
    memory.node("620100").schema = "abc"
    memory.save(home)

    assert remember(home) == memory


@pytest.mark.parametrize(
    "content", ["{", '{"format": 99}', '{"format": 1}', '{"format": 1, "nodes": {"1": {"odd": 1}}}']
)
def test_a_damaged_memory_is_refused(home, content):
    home.path.mkdir()
    home.province_file.write_text(content)

    with pytest.raises(HomeUnusable, match=r"province\.json"):
        remember(home)


def test_the_schema_fingerprint_is_stable():
    assert schema_fingerprint() == schema_fingerprint()


def test_the_schema_fingerprint_covers_every_step_after_a_migration(settings):
    modules = {step.rpartition(".")[0] for step in settings.AFTER_MIGRATE}
    files = {PROJECT.joinpath(*module.split(".")).with_suffix(".py") for module in modules}

    assert len(files) >= 5
    assert files <= set(shaping_files())


@pytest.mark.parametrize(
    ("code", "line", "adapter"),
    [
        ("620000", "", mailbox.ADAPTER),
        ("620000", "SMS_ADAPTER=ours.deliver\n", "ours.deliver"),
        ("620100", "", None),
    ],
)
def test_the_hubs_messages_stay_in_the_mailbox_unless_somebody_said_otherwise(
    tmp_path, code, line, adapter
):
    home, url = NodeHome(code, tmp_path), "postgresql://app@127.0.0.1:1/jianqiao"
    home.env_file.write_text(line)
    servers = GivenServers(url, url, url, "redis://127.0.0.1:1", "redis://127.0.0.1:1")

    write_env(Node(code, "", 0, 7600, servers), home)

    assert home.variables().get("SMS_ADAPTER") == adapter
