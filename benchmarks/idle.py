"""What a province costs while nobody uses it: memory and processor time."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.report import Figure, Report
from benchmarks.throwaway_province import running_province

CITIES = 2
MEGABYTE = 1 << 20
SETTLE_SECONDS = 10


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Start hub and cities, stop and start them again, let them settle, then watch them do nothing.

    Memory is the proportional set size of every process, the supervisor's included; processor time
    is a share of one core over the watched time. The targets, made for two cities, grow with the nodes.
    """
    seconds = 10 if quick else 60
    report = Report("idle", conditions={"cities": cities, "watched_s": seconds})
    began = time.monotonic()
    with running_province(port_base=port_base, cities=cities) as province:
        _note(report, "first_start_s", began, say)
        began = time.monotonic()
        province.jianqiao("down")
        _note(report, "down_s", began, say)
        began = time.monotonic()
        province.jianqiao("up", "--detach")
        _note(report, "second_start_s", began, say)
        province.until_ready()
        time.sleep(SETTLE_SECONDS)
        before = province.status()
        watched = time.monotonic()
        time.sleep(seconds)
        after = province.status()
        watched = time.monotonic() - watched
    share = (1 + cities) / (1 + CITIES)
    postgres = sum(_pss(process) for process in _processes(after) if _is_postgres(process))
    total = after["pss_bytes"] / MEGABYTE
    busy = (_cpu(after) - _cpu(before)) / watched * 100
    floor = (_cpu(after, only="postgres") - _cpu(before, only="postgres")) / watched * 100
    part = "PostgreSQL's part of it"
    report.figures += [
        Figure("memory", "MB", total, postgres / MEGABYTE, part, 2048 * share),
        Figure("processor", "% of a core", busy, floor, part, 5 * share),
        Figure(
            "streams", "running", _streams(after), 2 * cities, "one a direction and city",
            2 * cities, at_most=False,
        ),
    ]  # fmt: skip
    return report


def _note(report: Report, what: str, began: float, say: Callable[[str], None]) -> None:
    report.conditions[what] = round(time.monotonic() - began, 1)
    say(f"{what} {report.conditions[what]}")


def _streams(status: dict[str, Any]) -> int:
    """Subscriptions that are enabled, run and have copied every table."""
    return sum(
        stream["enabled"] and stream["running"] and not stream["copying_tables"]
        for node in status["nodes"]
        for stream in node["streams"]["incoming"]
    )


def _processes(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [process for node in status["nodes"] for process in node["processes"]]


def _is_postgres(process: dict[str, Any]) -> bool:
    return bool(process["process"] == "postgres")


def _pss(process: dict[str, Any]) -> int:
    return int(process["pss_bytes"] or 0)


def _cpu(status: dict[str, Any], only: str | None = None) -> float:
    return float(
        sum(
            process["cpu_seconds"]
            for process in _processes(status)
            if only is None or process["process"] == only
        )
    )
