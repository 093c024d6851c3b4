"""The life of a local province: first start, crashes, stops, growth, moves, its end.

The tests of this module share one province and follow one another; each leaves it running.
"""

import os
import signal
import subprocess
import sys

import psutil
import pytest
import urllib3

from benchmarks.throwaway_province import NeverTrue, running_province, until
from config.cli.failures import AlreadyRunning, NotRunning, PortTaken
from config.cli.home import PROJECT
from config.cli.leftovers import leftovers

HUB, LANZHOU, PINGLIANG = "620000", "620100", "620800"
KINDS = ("postgres", "redis", "web", "worker", "consumer")


@pytest.fixture(scope="module")
def base(next_ports):
    return next_ports()


@pytest.fixture(scope="module")
def province(base):
    with running_province(port_base=base, cities=1) as running:
        yield running


def processes(province):
    """Every process of the province: node, kind, state, pid, restarts."""
    return {
        (node["code"], one["process"]): one
        for node in province.status()["nodes"]
        for one in node["processes"]
    }


def seconds_of_set_up(province):
    """Processor time of what the supervisor ran and saw end: making clusters, migrating, enrolling."""
    used = psutil.Process(province.status()["pid"]).cpu_times()
    return used.children_user + used.children_system


def nothing_left(province):
    return not leftovers(province.home) and not province.home.run_file.exists()


def test_a_detached_start_returns_when_every_node_is_ready(province):
    status = province.status()

    assert status["state"] == "ready"
    assert [node["code"] for node in status["nodes"]] == [HUB, LANZHOU]
    assert all(node["ready"] for node in status["nodes"])
    assert set(processes(province)) == {
        *((code, kind) for code in (HUB, LANZHOU) for kind in KINDS), (HUB, "live"),
    }  # fmt: skip
    assert status["pss_bytes"] is None or status["pss_bytes"] > 0
    assert seconds_of_set_up(province) > 1


def test_the_endpoints_are_those_of_the_contract(province, base):
    hub, city = province.endpoints["nodes"]

    assert (hub["code"], hub["name"], hub["role"]) == (HUB, "甘肃省", "province")
    assert (city["code"], city["name"], city["role"]) == (LANZHOU, "兰州市", "city")
    assert city["url"] == f"http://127.0.0.1:{base + 10}"
    assert "//jianqiao_app:" in city["database_url"]
    assert city["redis_url"].startswith("redis://:")
    assert urllib3.request("GET", f"{city['url']}/readyz").status == 200


def test_servers_never_run_as_root_and_secrets_are_private(province):
    servers = [
        psutil.Process(one["pid"])
        for (_, kind), one in processes(province).items()
        if kind in {"postgres", "redis"}
    ]
    assert {server.username() for server in servers}.isdisjoint({"root"})

    node = province.home.node(LANZHOU)
    private = [node.env_file, *node.keys.iterdir(), province.home.endpoints_file, province.home.log]
    assert {file.stat().st_mode & 0o077 for file in private} == {0}


def test_serving_processes_cannot_become_the_owner(province):
    for (_, kind), one in processes(province).items():
        if kind in {"web", "worker", "consumer", "live"}:
            assert "OWNER_DATABASE_URL" not in psutil.Process(one["pid"]).environ()


def test_a_second_start_of_the_same_home_says_it_is_running(province):
    second = province.jianqiao("up", "--detach", check=False)

    assert second.returncode == AlreadyRunning.exit_code
    assert "jianqiao status" in second.stderr


def test_another_home_on_the_same_ports_is_told_who_has_them(province, base, tmp_path):
    second = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "config.cli.main", "--home", str(tmp_path / "var")),
            *("--lang", "en", "up", "--detach", "--cities", "0"),
            *("--port-base", str(base)),
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.defpath},
        check=False,
    )

    assert second.returncode == PortTaken.exit_code
    assert f"Port {base} is taken by process" in second.stderr
    assert province.status()["state"] == "ready"


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_process_is_back_and_the_node_ready(province, kind):
    before = processes(province)[LANZHOU, kind]
    os.kill(before["pid"], signal.SIGKILL)

    def is_back():
        now = processes(province)[LANZHOU, kind]
        again = now["restarts"] > before["restarts"] and now["pid"] not in {None, before["pid"]}
        return again and now["state"] == "running"

    until(is_back)
    province.until_ready()


def test_a_killed_supervisor_takes_all_with_it_and_the_next_start_is_whole(province):
    city = province.rows(HUB, "SELECT id FROM nodes_node WHERE code = %s", LANZHOU)
    os.kill(province.status()["pid"], signal.SIGKILL)
    until(lambda: not leftovers(province.home))
    assert province.jianqiao("status", check=False).returncode == NotRunning.exit_code

    province.jianqiao("up", "--detach")

    province.until_ready()
    assert province.rows(LANZHOU, "SELECT id FROM nodes_node WHERE code = %s", LANZHOU) == city


def test_down_leaves_nothing_behind_and_a_later_start_sets_nothing_up(province):
    province.jianqiao("down")
    assert nothing_left(province)
    assert province.jianqiao("down").returncode == 0
    with pytest.raises(NeverTrue, match="the province is stopped"):
        province.until_ready(0)

    set_up = [file.stat().st_size for file in province.home.log.glob("*-setup.log")]
    province.jianqiao("up", "--detach")
    assert seconds_of_set_up(province) < 1
    assert len(set_up) == 2
    assert [file.stat().st_size for file in province.home.log.glob("*-setup.log")] == set_up


def test_ctrl_c_stops_a_foreground_province_cleanly(province):
    province.jianqiao("down")
    words = [sys.executable, "-m", "config.cli.main", "--home", str(province.home.path), "up"]
    with subprocess.Popen(  # noqa: S603
        words,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.defpath},
    ) as foreground:
        lines = iter(foreground.stdout.readline, "")
        seen = next(line for line in lines if "已就绪" in line)
        foreground.send_signal(signal.SIGINT)
        rest = foreground.stdout.read()

    assert seen
    assert foreground.returncode == 0
    assert "省平台已停止" in rest
    until(lambda: nothing_left(province))
    province.jianqiao("up", "--detach")


@pytest.mark.covers("S002-64")
def test_more_cities_are_enrolled_and_fewer_are_not_started(province):
    province.jianqiao("down")
    province.jianqiao("up", "--detach", "--cities", "2")
    province.until_ready()
    assert province.cities == [LANZHOU, PINGLIANG]
    until(lambda: len(province.rows(PINGLIANG, "SELECT 1 FROM nodes_node")) == 3)

    province.jianqiao("down")
    province.jianqiao("up", "--detach", "--cities", "1")
    assert [node["code"] for node in province.status()["nodes"]] == [HUB, LANZHOU]


def test_ctrl_c_stops_a_demo_that_pushes(province):
    province.jianqiao("down")
    words = [sys.executable, "-m", "config.cli.main", "--home", str(province.home.path), "demo"]
    with subprocess.Popen(  # noqa: S603
        [*words, "--cities", "2"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.defpath},
    ) as demo:
        lines = iter(demo.stdout.readline, "")
        seen = next(line for line in lines if "推送病历" in line)
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()

    assert seen
    assert demo.returncode == 0
    assert rest.splitlines()[-1] == "省平台已停止。"
    assert "演示：请照着试一遍" not in rest, "it did not wait for the end"
    until(lambda: nothing_left(province))
    province.jianqiao("up", "--detach", "--cities", "1")


def test_other_ports_take_the_streams_along(province, next_ports):
    other = next_ports()
    province.jianqiao("down")
    province.jianqiao("up", "--detach", "--cities", "2", "--port-base", str(other))

    province.until_ready()
    assert province.url(LANZHOU) == f"http://127.0.0.1:{other + 10}"
    until(
        lambda: (
            province.rows(LANZHOU, "SELECT url FROM nodes_node WHERE code = %s", HUB)
            == [(f"http://127.0.0.1:{other}",)]
        )
    )


def test_migrate_runs_beside_a_serving_province(province):
    said = province.jianqiao("--lang", "en", "migrate").stdout

    assert "up to date" in said
    assert province.status()["state"] == "ready"


def test_logs_are_prefixed_by_their_origin(province):
    said = province.jianqiao("logs", "--node", LANZHOU, "--process", "consumer").stdout

    assert said.startswith("620100 consumer │ ")


def test_reset_removes_every_trace(province):
    (province.home.path / "mine.txt").write_text("kept")

    province.jianqiao("reset", "--yes")

    assert [entry.name for entry in province.home.path.iterdir()] == ["mine.txt"]
    assert not leftovers(province.home)
