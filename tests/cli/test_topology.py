"""topology.toml: what it lists, how it is refused, which servers are given."""

import pytest

from config.cli.failures import ServerUnfit, TopologyUnreadable
from config.cli.home import PROJECT
from config.cli.topology import read_topology, started

HUB = '[hub]\ncode = "620000"\nname = "甘肃省"\n'
CITY = '[[cities]]\ncode = "620100"\nname = "兰州市"\n'


def written(tmp_path, text):
    path = tmp_path / "topology.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_project_lists_the_hub_and_all_fourteen_cities():
    nodes = read_topology(PROJECT / "topology.toml", port_base=7600, environment={})

    assert [node.code for node in nodes[:3]] == ["620000", "620100", "620800"]
    assert sorted(node.code for node in nodes) == sorted(
        ["620000", *(f"62{n:02}00" for n in range(1, 13)), "622900", "623000"]
    )
    assert {node.role for node in nodes[1:]} == {"city"}


def test_the_place_in_the_list_gives_the_ports():
    third = read_topology(PROJECT / "topology.toml", port_base=7600, environment={})[2]

    assert (third.web_port, third.postgres_port, third.redis_port) == (7620, 7621, 7622)
    assert third.url == "http://127.0.0.1:7620"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[hub\n", "at line 1"),
        (CITY, "[hub]"),
        (HUB.replace("620000", "620100"), "0000"),
        (HUB + CITY + CITY, "620100"),
        (HUB + CITY.replace("620100", "630100"), "630100"),
        (HUB + CITY.replace('"620100"', "620100"), "[[cities]] #1"),
        (HUB + CITY + "colour = 1\n", "colour"),
        (HUB + "cities = 3\n", "cities"),
        ("cities = 3\n" + HUB, "[[cities]]"),
    ],
)
def test_a_topology_that_makes_no_sense_is_refused_with_the_reason(tmp_path, text, says):
    with pytest.raises(TopologyUnreadable) as refused:
        read_topology(written(tmp_path, text), port_base=7600, environment={})

    assert says in refused.value.en or says in refused.value.zh


def test_a_missing_topology_is_refused(tmp_path):
    with pytest.raises(TopologyUnreadable, match=r"absent\.toml"):
        read_topology(tmp_path / "absent.toml", port_base=7600, environment={})


def test_more_cities_than_listed_are_refused(tmp_path):
    nodes = read_topology(written(tmp_path, HUB + CITY), port_base=7600, environment={})

    assert started(nodes, 1, {}) == nodes
    with pytest.raises(TopologyUnreadable, match="--cities 2"):
        started(nodes, 2, {})


def test_servers_are_given_per_node_before_all_nodes_before_the_file(tmp_path):
    path = written(tmp_path, HUB + 'redis_url = "redis://file"\n' + CITY)
    environment = {
        "DATABASE_URL": "postgresql://app@db-{code}/jianqiao",
        "OWNER_DATABASE_URL": "postgresql://owner@db-{code}/jianqiao",
        "JIANQIAO_620100_DATABASE_URL": "postgresql://app@lanzhou/jianqiao",
    }

    hub, city = read_topology(path, port_base=7600, environment=environment)

    assert hub.given.database_url == "postgresql://app@db-620000/jianqiao"
    assert hub.given.redis_url == "redis://file"
    assert city.given.database_url == "postgresql://app@lanzhou/jianqiao"
    assert city.given.owner_database_url == "postgresql://owner@db-620100/jianqiao"
    assert city.given.redis_url is None


def test_a_given_database_needs_its_owner(tmp_path):
    environment = {"JIANQIAO_620100_DATABASE_URL": "postgresql://app@lanzhou/jianqiao"}

    with pytest.raises(ServerUnfit, match="OWNER_DATABASE_URL"):
        read_topology(written(tmp_path, HUB + CITY), port_base=7600, environment=environment)


def test_one_server_is_not_given_to_two_nodes(tmp_path):
    nodes = read_topology(written(tmp_path, HUB + CITY), port_base=7600, environment={})

    with pytest.raises(ServerUnfit, match="REDIS_URL"):
        started(nodes, 1, {"REDIS_URL": "redis://one"})
    assert len(started(nodes, 0, {"REDIS_URL": "redis://one"})) == 1


def test_web_workers_are_one_unless_somebody_says_more(tmp_path):
    file = tmp_path / "topology.toml"
    file.write_text(
        '[hub]\ncode = "620000"\nname = "a"\nweb_workers = 2\n'
        '[[cities]]\ncode = "620100"\nname = "b"\n[[cities]]\ncode = "620200"\nname = "c"\n'
    )

    nodes = read_topology(file, port_base=1, environment={"JIANQIAO_620200_WEB_WORKERS": "4"})

    assert [node.web_workers for node in nodes] == [2, 1, 4]
    with pytest.raises(TopologyUnreadable, match="web_workers"):
        read_topology(file, port_base=1, environment={"WEB_WORKERS": "many"})
