"""Whether searches stay as fast when ten times as much is stored.

Records are loaded into the tables of two cities straight, ten times as many in one; the same searches are
measured over HTTP at both by turns, for other patients every time.
"""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from statistics import median
from typing import Any

from benchmarks.http_load import get, latencies
from benchmarks.report import Figure, Report, percentile
from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.demo_access import make_clients
from config.cli.failures import SignInRefused
from config.cli.home import PROJECT
from config.cli.hospital_client import HospitalClient, client_of

CITIES = 2
SIZES, QUICK_SIZES = (1_000_000, 10_000_000), (20_000, 60_000)
MOST_RATIO = 1.3
SECONDS, QUICK_SECONDS = 6.0, 0.6
ROUNDS = 5

Ask = Callable[[dict[str, str], Random], str]

SEARCHES: dict[str, Ask] = {
    "patient": lambda one, _: f"Observation?patient={one['id']}",
    "patient_code": lambda one, _: f"Observation?patient={one['id']}&code={one['code']}",
    "patient_category_status": lambda one, _: (
        f"Observation?patient={one['id']}&category=laboratory&status=final"
    ),
    "patient_date": lambda one, _: f"Observation?patient={one['id']}&date=ge2020&date=lt2024",
    "encounter": lambda one, _: f"Observation?encounter={one['visit']}",
    "id": lambda one, _: f"Observation?_id={one['entry']}",
    "identifier": lambda one, _: f"Encounter?identifier=urn:visit|{one['visit']}",
    "patient_identifier": lambda one, _: f"Patient?identifier=urn:mrn|{one['number']}",
    "code": lambda _, r: f"Observation?code=C{r.randrange(200)}",
    "code_date": lambda _, r: f"Observation?code=C{r.randrange(200)}&date=ge2026-06&date=lt2026-07",
    "last_updated": lambda one, _: (
        f"Observation?_lastUpdated=ge{one['changed']}&_sort=_lastUpdated"
    ),
    "visits_of_a_month": lambda _, r: (
        f"Encounter?date=20{r.randrange(18, 26)}-{r.randrange(1, 13):02}&_count=10"
    ),
    "include": lambda one, _: (
        f"Observation?patient={one['id']}&_include=Observation:subject&_include=Observation:encounter"
    ),
    "total": lambda one, _: f"Observation?patient={one['id']}&_total=accurate&_sort=date",
    "everything": lambda one, _: f"Patient/{one['id']}/$everything",
}

SAMPLE = """
SELECT registration_id::text, (array_agg(id::text ORDER BY id))[1],
  (array_agg(encounter_id::text ORDER BY id))[1], min(changed_at), mode() WITHIN GROUP (ORDER BY code)
FROM health_records_clinicalentry
WHERE registration_id = ANY(%s::uuid[]) AND resource_type = 'Observation' GROUP BY registration_id
"""

WRITTEN = "SELECT relid::regclass::text FROM pg_stat_user_tables WHERE n_live_tup > 0"
"""A table without rows is left as a node has it: once analysed, it would be planned as empty while it fills."""


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Load two cities, one with so much more than the other, and ask them by turns."""
    sizes = QUICK_SIZES if quick else SIZES
    seconds = QUICK_SECONDS if quick else SECONDS
    report = Report("search", conditions={"entries": list(sizes), "connections": 1})
    with running_province(port_base=port_base, cities=max(cities, CITIES)) as province:
        loaded = []
        for size, (client, hospital) in zip(sizes, systems_of_hospitals(province), strict=False):
            began = time.monotonic()
            city = client_city(province, hospital)
            stop_copying(province, city)
            loaded.append((client, load(province, city, hospital, size)))
            say(f"{size} stored in {city} ({time.monotonic() - began:.0f} s)")
        few, many = _measure(loaded, seconds)
    for name in SEARCHES:
        report.figures.append(Figure(
            name, "ms p95", many[name] * 1000, few[name] * 1000,
            f"with {sizes[0]} stored", MOST_RATIO, bounds="ratio",
        ))  # fmt: skip
    return report


def systems_of_hospitals(province: Province) -> list[tuple[HospitalClient, str]]:
    """A hospital of each city, and its system, signed in there."""
    province.manage(HUB, "load_registry", str(PROJECT / "samples/registry"))
    make_clients(province.home)
    found = []
    for row in province.endpoints["clients"]:
        client = client_of(province.home, row["hospital"])
        until(partial(_signs_in, client), 30, pause=0.5)
        found.append((client, str(row["hospital"])))
    return found


def client_city(province: Province, hospital: str) -> str:
    """The city of a hospital."""
    clients = {row["hospital"]: row["city"] for row in province.endpoints["clients"]}
    return str(clients[hospital])


def _signs_in(client: HospitalClient) -> bool:
    try:
        return bool(client.token())
    except SignInRefused:
        return False  # its key has not reached the city yet


def stop_copying(province: Province, city: str) -> None:
    """What is loaded stays in the city: the hub is not what is measured."""
    stream = f"ALTER SUBSCRIPTION from_{city}"
    province.rows(HUB, f"{stream} DISABLE", login="owner")
    for slot, pid in province.rows(
        city, "SELECT slot_name, active_pid FROM pg_replication_slots", login="superuser"
    ):
        if pid:
            province.rows(city, "SELECT pg_terminate_backend(%s)", pid, login="superuser")
            time.sleep(1)
        province.rows(city, "SELECT pg_drop_replication_slot(%s)", slot, login="superuser")


def load(province: Province, city: str, hospital: str, entries: int) -> list[dict[str, str]]:
    """Load, let the planner learn of it, and give patients of the hospital to ask about."""
    ((organisation,),) = province.rows(
        city, "SELECT id::text FROM organisations_organisation WHERE code = %s", hospital
    )
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.record_loader", str(entries), organisation],
        cwd=PROJECT, env=province.home.node(city).environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    for (table,) in province.rows(city, WRITTEN, login="superuser"):
        province.rows(city, f"VACUUM ANALYZE {table}", login="superuser")
    province.rows(city, "CHECKPOINT", login="superuser")
    patients: list[dict[str, str]] = json.loads(told.stdout)["patients"]
    rows = province.rows(city, SAMPLE, [one["id"] for one in patients])
    found: dict[str, tuple[Any, ...]] = {row[0]: row for row in rows}
    for one in patients:
        _, one["entry"], one["visit"], changed, one["code"] = found[one["id"]]
        one["changed"] = changed.strftime("%Y-%m-%dT%H:%M:%SZ")
    return patients


def asked(
    client: HospitalClient, name: str, patients: list[dict[str, str]], random: Random
) -> Iterator[bytes]:
    """Requests of one kind without end."""
    token = client.token()
    for one in itertools.cycle(random.sample(patients, len(patients))):
        yield get(client.url, f"/fhir/R4/{SEARCHES[name](one, random)}", token)


def _measure(
    loaded: Sequence[tuple[HospitalClient, list[dict[str, str]]]], seconds: float
) -> list[dict[str, float]]:
    """p95 of every search at each city; the cities take turns, so noise hits them alike.

    The median of rounds after one that warms up.
    """
    random = Random(7)  # noqa: S311 — order only
    found: list[dict[str, list[float]]] = [{name: [] for name in SEARCHES} for _ in loaded]
    for round_ in range(ROUNDS + 1):
        for name in SEARCHES:
            for at, (client, patients) in zip(found, loaded, strict=True):
                requests = asked(client, name, patients, random)
                took, _ = latencies(
                    client.url, requests, connections=1, seconds=seconds / (ROUNDS + 1)
                )
                if round_:
                    at[name].append(percentile(took, 95))
    return [{name: median(values) for name, values in at.items()} for at in found]
