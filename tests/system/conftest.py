"""Provinces for system tests: one that tests share, and one that a module may break."""

import os
from collections.abc import Iterator

import pytest

from benchmarks.throwaway_province import Province, running_province

FIRST_PORT = 21_000
PORTS_PER_WORKER = 1_000


def port_base(offset: int) -> int:
    """First port of a province in this worker; no two provinces of one run share a port."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return FIRST_PORT + PORTS_PER_WORKER * int(worker) + offset


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here runs against real clusters."""
    for item in items:
        if "tests/system/" in item.nodeid:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def province() -> Iterator[Province]:
    """Hub and two cities with registers, clients and the samples, as `make demo` leaves them."""
    with running_province(port_base=port_base(0)) as running:
        running.jianqiao("demo", "--no-wait", "--residents", "0")
        yield running


@pytest.fixture(scope="module")
def fragile_province() -> Iterator[Province]:
    """A bare province that only this module uses, so that it may be broken."""
    with running_province(port_base=port_base(400)) as running:
        yield running
