"""What a province costs while nobody uses it: memory and processor time."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks.report import Figure, Report
from benchmarks.throwaway_province import running_province

MEGABYTE = 1 << 20
SETTLE_SECONDS = 10


def run(*, quick: bool, port_base: int, say: Callable[[str], None]) -> Report:
    """Start hub and two cities, let them settle, then watch them do nothing.

    Memory is the proportional set size of every process, the supervisor's included; processor time
    is a share of one core over the watched time.
    """
    seconds = 20 if quick else 60
    began = time.monotonic()
    with running_province(port_base=port_base) as province:
        started = time.monotonic() - began
        say(f"started in {started:.1f} s")
        time.sleep(SETTLE_SECONDS)
        before = province.status()
        watched = time.monotonic()
        time.sleep(seconds)
        after = province.status()
        watched = time.monotonic() - watched
        report = Report(
            "idle",
            conditions={
                "cities": len(province.cities),
                "watched_s": seconds,
                "first_start_s": round(started, 1),
            },
        )
    postgres = sum(_pss(process) for process in _processes(after) if _is_postgres(process))
    total = after["pss_bytes"] / MEGABYTE
    report.figures.append(
        Figure(
            "memory",
            "MB",
            total,
            postgres / MEGABYTE,
            "PostgreSQL's part of it",
            2048,
        )
    )
    busy = (_cpu(after) - _cpu(before)) / watched * 100
    floor = (_cpu(after, only="postgres") - _cpu(before, only="postgres")) / watched * 100
    report.figures.append(
        Figure("processor", "% of a core", busy, floor, "PostgreSQL's part of it", 5)
    )
    return report


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
