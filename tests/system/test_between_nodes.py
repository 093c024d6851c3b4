"""Commands on a real wire: the peer is down, hangs, comes back."""

import os
import signal
import time

import orjson
import pytest

from benchmarks.throwaway_province import HUB, until
from tests.system.people import sign_in
from tests.system.test_homes import FIRST, SECOND


@pytest.fixture
def document(province):
    """A reader, and the path of a document of theirs with the city that keeps it."""
    resident = sign_in(province, "resident")
    me = resident.json("/api/v1/me/person")["id"]
    items = resident.json(f"/api/v1/persons/{me}/timeline?kind=DocumentReference")["items"]
    return resident, f"/api/v1/documents/{items[0]['id']}/content", items[0]["node"]


def test_a_hanging_city_is_a_clear_503_and_then_works_again(province, document):
    reader, path, city = document
    pid = province.pid(city, "web")
    os.kill(pid, signal.SIGSTOP)
    for child in children(pid):
        os.kill(child, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = reader.get(path)
        took = time.monotonic() - began
    finally:
        for child in (*children(pid), pid):
            os.kill(child, signal.SIGCONT)

    assert answer.status == 503
    problem = orjson.loads(answer.data)
    assert problem["type"] == "urn:problem:city-unreachable"
    assert took < 10
    until(lambda: reader.get(path).status == 200)


def test_a_killed_city_comes_back_by_itself(province, document):
    reader, path, city = document
    killed = province.pid(city, "web")
    os.kill(killed, signal.SIGKILL)

    until(lambda: province.pid(city, "web") not in {None, killed})
    answer = until(lambda: (a := reader.get(path)).status == 200 and a, pause=0.2)

    assert answer.data
    province.until_ready()


def test_every_command_answered_leaves_nothing_open(province, document):
    for code in (HUB, FIRST, SECOND):
        until(
            lambda code=code: (
                province.rows(
                    code, "SELECT count(*) FROM commands_commandsent WHERE state = 'open'"
                )
                == [(0,)]
            )
        )


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
