"""What validation costs beside parsing, and what its tables cost a process."""

import bz2
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from benchmarks.report import Figure, Report
from health_records.formats.fhir.parsing import parse
from health_records.formats.fhir.validation.resources import validate

SYNTHEA = Path(__file__).parents[1] / "samples" / "fhir" / "synthea"
CITIES = 0
"""It needs no province."""

MEGABYTE = 1 << 20
TABLES = """
import time
import psutil
from health_records.formats.fhir.validation import structure
before, began = psutil.Process().memory_info().rss, time.perf_counter()
for name in structure.definitions()["types"]:
    structure.check_of(name)
print(time.perf_counter() - began, psutil.Process().memory_info().rss - before)
"""


def _round(raw: bytes, resources: list[Any]) -> tuple[float, float]:
    """Seconds of parsing, and of validating what was parsed before."""
    began = time.perf_counter()
    parsed = orjson.loads(raw)
    between = time.perf_counter()
    del parsed
    restarted = time.perf_counter()
    for resource in resources:
        if issues := validate(resource, "Bundle.entry.resource"):
            raise AssertionError(issues)
    return between - began, time.perf_counter() - restarted


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Validate the Synthea samples against `orjson.loads` of the same bytes, in turns.

    Of each message the fastest round counts on both sides: nothing waits here, so all else is disturbance.
    The tables of all types are made in a process of their own.
    """
    messages = [bz2.decompress(path.read_bytes()) for path in sorted(SYNTHEA.glob("*.bz2"))]
    size = sum(map(len, messages)) / MEGABYTE
    resources, ours, reference = 0, 0.0, 0.0
    for raw in messages:
        bundle = [entry["resource"] for entry in parse(raw)["entry"]]
        resources += len(bundle)
        rounds = [_round(raw, bundle) for _ in range(7 if quick else 31)]
        reference += min(seconds for seconds, _ in rounds)
        ours += min(seconds for _, seconds in rounds)
    say(f"{resources} resources, {size:.1f} MB")
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", TABLES], capture_output=True, text=True, check=True, timeout=60
    )
    seconds, taken = map(float, told.stdout.split())
    return Report(
        "validation",
        figures=[
            Figure(
                "cost", "ms/MB", ours / size * 1000, reference / size * 1000,
                "orjson.loads of the same bytes", 6, bounds="ratio",
            ),
            Figure("tables", "MB", taken / MEGABYTE, 0, "all types, in one process", 60),
            Figure("start", "s", seconds, 0, "making all tables at once", 0.3),
        ],
        conditions={"resources": resources, "megabytes": round(size, 1)},
    )  # fmt: skip
