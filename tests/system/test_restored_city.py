"""Pitfall 1: a city restored from a copy whose slots remember more than its WAL holds."""

import shutil

import pytest

from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.placement import give, server_account
from tests.system.test_pitfalls import FIRST, SECOND, arrives, outgoing, write_event


@pytest.fixture
def province(next_ports):
    with running_province(port_base=next_ports()) as running:
        yield running


def test_1_a_restored_city_is_seen_and_reloaded(province: Province):
    kept = write_event(province)
    arrives(province, kept)
    elsewhere = write_event(province, SECOND)
    arrives(province, elsewhere, code=SECOND)
    data = province.home.node(FIRST).postgres.resolve()
    province.jianqiao("down")
    shutil.copytree(data, data.with_name("copy"), symlinks=True)
    province.jianqiao("up", "--detach")
    ghosts = [write_event(province) for _ in range(200)]
    arrives(province, ghosts[-1])

    province.jianqiao("down")
    shutil.rmtree(data)
    shutil.copytree(data.with_name("copy"), data, symlinks=True)
    give(data, server_account())
    province.jianqiao("up", "--detach")

    until(lambda: outgoing(province)["restored"], 30, pause=0.5)
    assert province.jianqiao("nodes", "lag", check=False).returncode == 1
    province.jianqiao("nodes", "reload", FIRST)
    new = write_event(province)
    arrives(province, new)

    at_hub = "SELECT id::text FROM events_event WHERE node = %s ORDER BY id"
    here = [row[0] for row in province.rows(FIRST, at_hub, FIRST)]
    until(lambda: [row[0] for row in province.rows(HUB, at_hub, FIRST)] == here)
    assert kept in here
    assert new in here
    assert not set(ghosts) & set(here), "what the copy never held is gone from the hub too"
    assert [row[0] for row in province.rows(HUB, at_hub, SECOND)] == [elsewhere]
    until(lambda: province.jianqiao("nodes", "lag", check=False).returncode == 0, 15)
