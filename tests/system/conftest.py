"""Provinces for system tests: one that tests share, and one that a module may break."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.throwaway_province import HUB, Province, running_province
from tests.pages.browser import browser, visitor

FIRST_PORT = 21_000
PORTS_PER_WORKER = 1_000
PORTS_PER_PROVINCE = 40


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here runs against real clusters."""
    for item in items:
        if "tests/system/" in item.nodeid:
            item.add_marker(pytest.mark.system)


def claimed(base: int) -> socket.socket | None:
    """The last port of a province that starts at `base`, held so that no other run takes the others."""
    try:
        claim = socket.create_server(("127.0.0.1", base + PORTS_PER_PROVINCE - 1))
    except OSError:
        return None
    for port in range(base, base + PORTS_PER_PROVINCE - 1):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            return None
    return claim


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A run in the background starts with Ctrl-C ignored, and its children would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def next_ports(worker_id: str) -> Iterator[Callable[[], int]]:
    """First port for one more province; no two provinces share a port, also not of two runs."""
    worker = 0 if worker_id == "master" else int(worker_id.removeprefix("gw"))
    bases = count(FIRST_PORT + PORTS_PER_WORKER * worker, PORTS_PER_PROVINCE)
    with ExitStack() as claims:

        def claim_next() -> int:
            for base in bases:
                if (claim := claimed(base)) is not None:
                    claims.enter_context(claim)
                    return base
            raise AssertionError("the numbers ended")

        yield claim_next


@pytest.fixture(scope="session")
def province(next_ports: Callable[[], int]) -> Iterator[Province]:
    """Hub and two cities with registers, clients and the samples, as `make demo` leaves them."""
    with running_province(port_base=next_ports()) as running:
        running.jianqiao("demo", "--no-wait", "--residents", "0")
        yield running


@pytest.fixture(scope="module")
def fragile_province(next_ports: Callable[[], int]) -> Iterator[Province]:
    """A bare province that only this module uses, so that it may be broken."""
    with running_province(port_base=next_ports()) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser."""
    with browser() as running:
        yield running


@pytest.fixture
def visit(chromium: Browser, province: Province) -> Iterator[Callable[..., Page]]:
    """Open a page of the hub as a new visitor; a fault that a page logs fails the test."""
    opened: list[Page] = []
    faults: list[str] = []

    def opens(**options: Any) -> Page:
        page = visitor(chromium, province.url(HUB), **options)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Security Policy" in said.text else None,
        )
        opened.append(page)
        return page

    yield opens
    for page in opened:
        page.context.close()
    assert faults == []
