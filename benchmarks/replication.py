"""How soon a city's commit is readable at the hub, how soon its event is handled, how fast a pause ends.

The reference of the lags is the same look at the city's own database: what a commit costs to be seen
at all. The reference of the catch-up is the live rate.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median

from benchmarks.city_writer import ROWS_PER_TRANSACTION
from benchmarks.report import Figure, Report, percentile
from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.home import PROJECT

CITIES = 1
RATE = 500.0  # row-changes a second
LOOK_EVERY = 0.001
SEEN = "SELECT id FROM patients_registrationversion WHERE node = %s AND id > %s ORDER BY id"
HANDLED = (
    "SELECT event_id FROM events_eventdelivery WHERE event_id = ANY(%s::uuid[]) AND state = 'done'"
)
NOTHING = "00000000-0000-0000-0000-000000000000"


@dataclass
class Watch:
    """When things were committed, and when they were seen."""

    committed: dict[str, float] = field(default_factory=dict)
    events: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    handled: dict[str, float] = field(default_factory=dict)


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Start a province, write at one city, look from the hub."""
    live, pause = (10.0, 8.0) if quick else (60.0, 60.0)
    rounds = 1 if quick else 3
    report = Report(
        "replication",
        conditions={"cities": cities, "rate": RATE, "live_s": live * rounds, "pause_s": pause},
    )
    with running_province(port_base=port_base, cities=cities) as province:
        city = province.cities[0]
        lags, events, floor = [], [], []
        _live(province, city, 3, at=HUB)  # warm caches and connections
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            watch = _live(province, city, live, at=HUB)
            lags += _delays(watch.committed, watch.seen)
            events += _delays(watch.events, watch.handled)
            watch = _live(province, city, live / 4, at=city)
            floor += _delays(watch.committed, watch.seen)
        say(f"pause of {pause:.0f} s")
        drained = _catch_up(province, city, pause)
    reached = len(lags) / (live * rounds) * ROWS_PER_TRANSACTION
    report.conditions["reached_rate"] = round(reached)
    local = "the same look at the city itself"
    report.figures += [
        Figure("lag_p50_ms", "ms", median(lags), median(floor), local, 5),
        Figure("lag_p99_ms", "ms", percentile(lags, 99), percentile(floor, 99), local, 30),
        Figure("event_p50_ms", "ms", median(events), median(lags), "its row readable", 30),
        Figure(
            "event_p99_ms", "ms", percentile(events, 99), percentile(lags, 99), "its row readable",
            100,
        ),
        Figure(
            "catch_up", "rows/s", drained, RATE, "the live rate", 10, at_most=False,
            bounds="ratio",
        ),
    ]  # fmt: skip
    return report


def _delays(begun: dict[str, float], ended: dict[str, float]) -> list[float]:
    """Milliseconds from commit to sight; a commit that was never seen is an error."""
    return [max(ended[key] - begun[key], 0.0) * 1000 for key in begun]


@contextmanager
def _writer(province: Province, city: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.city_writer", str(RATE), str(seconds)],
        cwd=PROJECT, env=province.home.node(city).environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        process.wait(10)


def _live(province: Province, city: str, seconds: float, *, at: str) -> Watch:
    watch, stop = Watch(), threading.Event()
    looking = [threading.Thread(target=_look_for_rows, args=(province, city, at, watch, stop))]
    if at == HUB:
        looking.append(threading.Thread(target=_look_for_effects, args=(province, watch, stop)))
    for thread in looking:
        thread.start()
    with _writer(province, city, seconds) as writer:
        _read(writer, watch)
    try:
        until(lambda: watch.committed.keys() <= watch.seen.keys(), 30)
        if at == HUB:
            until(lambda: watch.events.keys() <= watch.handled.keys(), 30)
    finally:
        stop.set()
        for thread in looking:
            thread.join()
    return watch


def _read(writer: subprocess.Popen[str], watch: Watch) -> None:
    for line in writer.stdout or ():
        version, event, committed = line.split()
        watch.committed[version] = watch.events[event] = float(committed)


def _look_for_rows(
    province: Province, city: str, at: str, watch: Watch, stop: threading.Event
) -> None:
    last = province.rows(
        at, "SELECT coalesce(max(id::text), %s) FROM patients_registrationversion", NOTHING
    )[0][0]
    with province.cursor(at) as cursor:
        while not stop.wait(LOOK_EVERY):
            cursor.execute(SEEN, (city, last))
            rows, now = cursor.fetchall(), time.time()
            for (version,) in rows:
                watch.seen[str(version)] = now
                last = version


def _look_for_effects(province: Province, watch: Watch, stop: threading.Event) -> None:
    with province.cursor(HUB) as cursor:
        while not stop.wait(LOOK_EVERY * 4):
            waiting = [event for event in list(watch.events) if event not in watch.handled]
            if not waiting:
                continue
            cursor.execute(HANDLED, (waiting,))
            rows, now = cursor.fetchall(), time.time()
            watch.handled |= {str(event): now for (event,) in rows}


def _catch_up(province: Province, city: str, pause: float) -> float:
    """Row-changes a second that reach the hub after its subscription was switched off for a while.

    Everything written in the pause and while it drains counts; so does the time to connect again.
    """
    stream = f"ALTER SUBSCRIPTION from_{city}"
    count = "SELECT count(*) FROM patients_registrationversion WHERE node = %s"
    before = province.rows(HUB, count, city)[0][0]
    province.rows(HUB, f"{stream} DISABLE", login="owner")
    with _writer(province, city, pause) as writer:
        writer.communicate()
    written = province.rows(city, count, city)[0][0]
    province.rows(HUB, f"{stream} ENABLE", login="owner")
    began = time.perf_counter()
    until(lambda: province.rows(HUB, count, city)[0][0] >= written, 120, pause=0.01)
    return float((written - before) * ROWS_PER_TRANSACTION / (time.perf_counter() - began))
