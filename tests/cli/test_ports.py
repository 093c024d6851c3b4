"""Ports: the holder of a taken one is named, and a free base offered."""

import os
import socket
from dataclasses import replace

import pytest

from config.cli import ports
from config.cli.failures import PortTaken
from config.cli.topology import GivenServers, Node


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_names_its_holder_and_a_free_base(taken):
    with pytest.raises(PortTaken) as refused:
        ports.refuse_taken([Node("620000", "甘肃省", 0, taken)])

    assert f"{taken}" in refused.value.en
    assert f"PID {os.getpid()}" in refused.value.en
    assert "--port-base" in refused.value.zh


def test_free_ports_are_accepted(taken):
    hub = Node("620000", "甘肃省", 0, taken)

    ports.refuse_taken([replace(hub, port_base=ports.free_base([hub]))])


def test_ports_beyond_the_last_are_refused():
    with pytest.raises(PortTaken, match="65545"):
        ports.refuse_taken([Node("620100", "兰州市", 1, 65533)])


def test_given_servers_need_no_port():
    given = GivenServers(database_url="postgresql://x", redis_url="redis://x")

    assert ports.ports_of(Node("620000", "甘肃省", 0, 7600, given)) == [7600, 7603]
    assert ports.ports_of(Node("620000", "甘肃省", 0, 7600)) == [7600, 7603, 7601, 7602]
    assert ports.ports_of(Node("620100", "兰州市", 1, 7600)) == [7610, 7611, 7612]


def test_a_holder_that_the_system_hides_is_another_process(monkeypatch):
    monkeypatch.setattr("config.cli.ports.psutil.net_connections", lambda kind: [])

    assert ports.holder_of(1) == ("另一个进程", "another process")
