"""How fast one city gives out what it stores and takes in a resource, beside the bare statements."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from random import Random
from statistics import median
from uuid import uuid4

from benchmarks.http_load import get, latencies, post
from benchmarks.report import Figure, Report
from benchmarks.search import client_city, load, stop_copying, systems_of_hospitals
from benchmarks.throwaway_province import Province, running_province
from config.cli.home import PROJECT
from config.cli.hospital_client import HospitalClient

CITIES = 1
ENTRIES, QUICK_ENTRIES = 200_000, 20_000
SECONDS, QUICK_SECONDS = 10.0, 2.0
CONNECTIONS = 8
ROUNDS = 3
MOST_RATIO = 4.0
AHEAD = 10_000
"""Requests that are written down before the clock runs: who asks must not take much of the same cores."""

Request = tuple[str, str]
"""Path, and body of what is to be created."""

REQUESTS: dict[str, Callable[[dict[str, str]], Request]] = {
    "patient": lambda one: (f"/fhir/R4/Patient/{one['id']}", ""),
    "observation_search": lambda one: (
        f"/fhir/R4/Observation?patient={one['id']}&code=http://loinc.org|{one['code']}",
        "",
    ),
    "patient_identifier": lambda one: (f"/fhir/R4/Patient?identifier=urn:mrn|{one['number']}", ""),
    "everything": lambda one: (f"/fhir/R4/Patient/{one['id']}/$everything", ""),
    "create": lambda one: ("/fhir/R4/Observation", _temperature_of(one["id"])),
}
PEERS = {
    "patient": 961, "observation_search": 353, "patient_identifier": 561, "everything": 70,
    "create": 529,
}  # fmt: skip
"""HAPI FHIR 8.8 on the same two cores at 8 connections, requests a second."""


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Load a city, then ask it from one connection and from eight at once."""
    seconds = (QUICK_SECONDS if quick else SECONDS) / ROUNDS
    entries = QUICK_ENTRIES if quick else ENTRIES
    report = Report("read", conditions={"entries": entries, "connections": CONNECTIONS})
    with running_province(port_base=port_base, cities=cities, web_workers=2) as province:
        client, hospital = systems_of_hospitals(province)[0]
        city = client_city(province, hospital)
        stop_copying(province, city)
        patients = load(province, city, hospital, entries)
        say(f"{entries} stored")
        ours: dict[str, list[float]] = {name: [] for name in REQUESTS}
        raw: dict[str, list[float]] = {name: [] for name in REQUESTS}
        rates: dict[str, list[float]] = {name: [] for name in REQUESTS}
        for _ in range(ROUNDS):
            floor = _raw(province, hospital, patients, seconds)
            for name in REQUESTS:
                raw[name].append(floor[name])
                took, _ = latencies(
                    client.url, _asked(client, name, patients), connections=1, seconds=seconds
                )
                ours[name].append(median(took))
                took, all_ = latencies(
                    client.url, _asked(client, name, patients),
                    connections=CONNECTIONS, seconds=seconds,
                )  # fmt: skip
                rates[name].append(len(took) / all_)
    for name in REQUESTS:
        rate = round(median(rates[name]))
        report.conditions[f"{name}_per_s"] = rate
        say(f"{name}: {rate}/s at {CONNECTIONS} connections; HAPI {PEERS[name]}/s")
        report.figures.append(Figure(
            name, "ms", median(ours[name]) * 1000, median(raw[name]) * 1000,
            "its statements through one psycopg2 connection", MOST_RATIO, bounds="ratio",
        ))  # fmt: skip
        report.figures.append(Figure(
            f"{name}_beside_hapi", "/s", rate, PEERS[name], "HAPI FHIR 8.8, measured before", 2,
            at_most=False, bounds="ratio",
        ))  # fmt: skip
    return report


def _temperature_of(patient: str) -> str:
    """An Observation that was never sent before."""
    return json.dumps({
        "resourceType": "Observation", "status": "final",
        "code": {"coding": [
            {"system": "http://loinc.org", "code": "8310-5", "display": "Body temperature"},
        ]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-01-01T10:00:00+08:00",
        "valueQuantity": {"value": 36.6, "unit": "Cel"},
        "note": [{"text": str(uuid4())}],
    })  # fmt: skip


def _asked(client: HospitalClient, name: str, patients: list[dict[str, str]]) -> Iterator[bytes]:
    texts = _texts(client, name, patients)
    return itertools.chain(list(itertools.islice(texts, AHEAD)), texts)


def _texts(client: HospitalClient, name: str, patients: list[dict[str, str]]) -> Iterator[bytes]:
    token = client.token()
    for path, body in _requests(name, patients):
        if body:
            yield post(client.url, path, token, body.encode())
        else:
            yield get(client.url, path, token)


def _requests(name: str, patients: list[dict[str, str]]) -> Iterator[Request]:
    random = Random(7)  # noqa: S311 — order only
    for one in itertools.cycle(random.sample(patients, len(patients))):
        yield REQUESTS[name](one)


def _raw(
    province: Province, hospital: str, patients: list[dict[str, str]], seconds: float
) -> dict[str, float]:
    city = client_city(province, hospital)
    ((organisation,),) = province.rows(
        city, "SELECT id::text FROM organisations_organisation WHERE code = %s", hospital
    )
    asked = {name: list(itertools.islice(_requests(name, patients), 500)) for name in REQUESTS}
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.raw_statements", str(seconds), organisation],
        input=json.dumps(asked), cwd=PROJECT, env=province.home.node(city).environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(told.stdout)
    return found
