"""What residents wait for at the hub: the first page of the own record, and a number booked in a city.

Records are loaded into a city straight and reach the hub by replication. A booking at the city goes through
the city's own door: the same request by the same people as at the hub, by the same number of clients.
"""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from statistics import median
from urllib.parse import urlsplit

import orjson

from benchmarks.http_load import get, latencies
from benchmarks.report import Figure, Report, percentile
from benchmarks.search import client_city, load, systems_of_hospitals
from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.home import PROJECT
from config.cli.hospital_client import HospitalClient
from config.model_province.activity import BEIJING
from config.model_province.sources import Hospital, hospitals

CITIES = 1
ENTRIES, QUICK_ENTRIES = 1_000_000, 20_000
SECONDS, QUICK_SECONDS = 8.0, 1.0
PEOPLE, QUICK_PEOPLE = 30_000, 4_000
ROUNDS, QUICK_ROUNDS = 3, 1
CLIENTS = 16
DAYS, NUMBERS_OF_ONE = 6, 500
PERIODS = (("08:00", "09:00"), ("09:00", "10:00"))
MOST_RATIO, LEAST_SHARE, MOST_ADDED_MS = 4.0, 0.3, 15.0

PEOPLE_AT_ONCE = 5_000
RECORDED = """
SELECT sum(n) FROM (SELECT count(*) AS n FROM health_records_clinicalentry UNION ALL
  SELECT count(*) FROM health_records_encounter UNION ALL SELECT count(*) FROM health_records_document) t
"""
WARM_SECONDS = 0.5
SOLD = "SELECT count(*) FROM appointment_pool_appointment WHERE status = 'booked'"
FREE = "SELECT count(*) FROM appointment_pool_slot WHERE status = 'free'"

# A person with an account whose login serves as token; linked to a registration where one is given.
MAKE = """
WITH new AS MATERIALIZED (
  SELECT uuidv7() AS person, uuidv7() AS account, %(prefix)s || '-' || n AS login, registration
  FROM unnest(%(registrations)s::uuid[]) WITH ORDINALITY AS w(registration, n)
), people AS (
  INSERT INTO persons_person (id, audience, status, created_at)
  SELECT person, ARRAY[%(city)s], 'active', now() FROM new
), accounts AS (
  INSERT INTO accounts_account (id, audience, login, password, role, name, person_id, status)
  SELECT account, ARRAY[%(city)s], login, '!', 'resident', '', person, 'active' FROM new
), links AS (
  INSERT INTO persons_identitylink (audience, registration_id, registration_node,
    registration_version, person_id, status, score, explanation, model_version, decided_at)
  SELECT ARRAY[%(city)s], registration, %(city)s, 1, person, 'linked', 1, '{}', 'bench', now()
  FROM new WHERE registration IS NOT NULL
)
SELECT login, person::text FROM new
"""
TOKENS = """
INSERT INTO accounts_accesstoken (digest, account_id, scope, expires_at)
SELECT sha256(login::bytea), id, '', now() + interval '1 hour' FROM accounts_account
WHERE role = 'resident'
"""
ACCOUNTS = "SELECT count(*) FROM accounts_account WHERE role = 'resident'"

Person = tuple[str, str]
"""Token and id."""

Booking = tuple[str, bytes]
"""Whose token, and what is asked for."""


def run(*, quick: bool, cities: int, port_base: int, say: Callable[[str], None]) -> Report:
    """Load a city, read its people's records at the hub, book at both."""
    entries = QUICK_ENTRIES if quick else ENTRIES
    number = QUICK_PEOPLE if quick else PEOPLE
    rounds = QUICK_ROUNDS if quick else ROUNDS
    seconds = (QUICK_SECONDS if quick else SECONDS) / rounds
    report = Report("people", conditions={"entries": entries, "clients": CLIENTS, "rounds": rounds})
    with running_province(port_base=port_base, cities=cities, web_workers=2) as province:
        system, code = systems_of_hospitals(province)[0]
        city = client_city(province, code)
        patients = load(province, city, code, entries)
        until(lambda: _recorded(province, HUB) == _recorded(province, city), 1_800, pause=1)
        readers = make_people(province, city, "reader", [one["id"] for one in patients])
        bookers = make_people(province, city, "booker", [None] * number)
        give_tokens(province, city)
        schedules = itertools.cycle(publish(province, system, hospitals()[code], number))
        wanted = (
            (token, orjson.dumps({"schedule": schedule}))
            for (token, _), schedule in zip(bookers, schedules, strict=False)
        )
        for node in (HUB, city):
            province.rows(node, "VACUUM ANALYZE", login="superuser")
            province.rows(node, "CHECKPOINT", login="superuser")
        say(f"{_recorded(province, HUB)} stored at the hub, {number} people may book")
        report.figures.append(_timeline(province, readers, rounds, seconds, report))
        report.figures += _bookings(province, city, wanted, rounds, seconds, report)
    return report


def make_people(
    province: Province, city: str, prefix: str, registrations: Sequence[str | None]
) -> list[Person]:
    """People at the hub, with an account each, who have to do with a city."""
    made: list[Person] = []
    with province.cursor(HUB) as cursor:
        for first in range(0, len(registrations), PEOPLE_AT_ONCE):
            part = list(registrations[first : first + PEOPLE_AT_ONCE])
            cursor.execute(
                MAKE, {"prefix": f"{prefix}-{first}", "city": city, "registrations": part}
            )
            made += cursor.fetchall()
    return made


def give_tokens(province: Province, city: str) -> None:
    """Sign everybody in, at the hub and at the city."""
    ((everybody,),) = province.rows(HUB, ACCOUNTS)
    until(lambda: province.rows(city, ACCOUNTS) == [(everybody,)])
    for node in (HUB, city):
        province.rows(node, TOKENS)


def publish(
    province: Province, system: HospitalClient, hospital: Hospital, numbers: int
) -> list[str]:
    """Open so many numbers at the hospital, in schedules of many doctors and days; the schedules."""
    each = NUMBERS_OF_ONE // len(PERIODS)
    schedules = -(-numbers // NUMBERS_OF_ONE)
    doctors = hospital.practitioners[: -(-schedules // DAYS)]
    made = []
    for day, doctor in itertools.islice(itertools.product(range(DAYS), doctors), schedules):
        plan = {
            "department": hospital.department_codes[doctor.department],
            "practitioner": doctor.code,
            "day": (
                datetime.fromtimestamp(time.time(), BEIJING).date() + timedelta(day + 1)
            ).isoformat(),
            "period": "am",
            "fee": 2500,
            "periods": [{"starts": start, "ends": end, "numbers": each} for start, end in PERIODS],
        }
        path = f"/organisations/{hospital.code}/schedules/bench-{day}-{doctor.code}"
        made.append(str(system.call("PUT", path, orjson.dumps(plan)).body["id"]))
    there = len(made) * len(PERIODS) * each
    until(lambda: province.rows(HUB, FREE) == [(there,)])
    return made


def _recorded(province: Province, code: str) -> int:
    return int(province.rows(code, RECORDED)[0][0])


def _timeline(
    province: Province, readers: Sequence[Person], rounds: int, seconds: float, report: Report
) -> Figure:
    """The first page of everybody's record by turns, beside its statements."""
    url = province.url(HUB)
    asked = [(f"/api/v1/persons/{person}/timeline", token) for token, person in readers]
    ours: list[float] = []
    raw: list[float] = []
    for number in range(rounds):
        paths = Random(number).sample(asked, len(asked))  # noqa: S311 — order only
        raw += _bare(province, paths, seconds)
        requests = (get(url, path, token) for path, token in itertools.cycle(paths))
        took, _ = latencies(url, requests, connections=1, seconds=seconds)
        ours += took
    report.conditions |= {
        "timeline_p50_ms": round(median(ours) * 1000, 2),
        "timeline_statements_p50_ms": round(median(raw) * 1000, 2),
    }
    return Figure(
        "timeline", "ms p95", percentile(ours, 95) * 1000, percentile(raw, 95) * 1000,
        "its statements through one psycopg2 connection", MOST_RATIO, bounds="ratio",
    )  # fmt: skip


def _bare(province: Province, asked: list[tuple[str, str]], seconds: float) -> list[float]:
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.raw_pages", str(seconds)],
        input=json.dumps(asked), cwd=PROJECT, env=province.home.node(HUB).environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    took: list[float] = json.loads(told.stdout)
    return took


def _bookings(
    province: Province, city: str, bookers: Iterator[Booking], rounds: int, seconds: float,
    report: Report,
) -> list[Figure]:  # fmt: skip
    """The city's door and the hub's by turns: with all clients for the rate, with one for the wait."""
    rates: dict[str, list[float]] = {city: [], HUB: []}
    alone: dict[str, list[float]] = {city: [], HUB: []}
    together: dict[str, list[float]] = {city: [], HUB: []}
    answered = 0
    for number in range(rounds + 1):
        for node in (city, HUB):
            url = province.url(node)
            requests = (_asked(url, token, body) for token, body in bookers)
            took, all_ = latencies(
                url, requests, connections=CLIENTS, seconds=seconds if number else WARM_SECONDS
            )
            single, _ = latencies(
                url, requests, connections=1, seconds=seconds / 2 if number else WARM_SECONDS
            )
            answered += len(took) + len(single)
            if number:
                rates[node].append(len(took) / all_)
                together[node] += took
                alone[node] += single
    _require_all_sold(province, city, answered)
    ((late,),) = province.rows(HUB, "SELECT count(*) FROM appointment_pool_reservation")
    report.conditions |= {
        "booked": answered,
        "answered_before_their_row": late,
        "city_p50_ms": round(median(alone[city]) * 1000, 2),
        "hub_p50_ms": round(median(alone[HUB]) * 1000, 2),
        "city_p50_ms_of_all": round(median(together[city]) * 1000, 2),
        "hub_p50_ms_of_all": round(median(together[HUB]) * 1000, 2),
    }
    here, there = median(alone[HUB]) * 1000, median(alone[city]) * 1000
    return [
        Figure(
            "forwarded", "/s", median(rates[HUB]), median(rates[city]), "at the city's own door",
            LEAST_SHARE, at_most=False, bounds="ratio",
        ),
        Figure(
            "forwarded_added_ms", "ms p50", here - there, there, "at the city, one client",
            MOST_ADDED_MS,
        ),
    ]  # fmt: skip


def _asked(url: str, token: str, body: bytes) -> bytes:
    """A booking as it goes over the wire; everybody books once, so one key does for all."""
    return (
        f"POST /api/v1/appointments HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Authorization: Bearer {token}\r\nIdempotency-Key: bench-0001\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _is_sold(province: Province, code: str, number: int) -> bool:
    return province.rows(code, SOLD) == [(number,)]


def _require_all_sold(province: Province, city: str, answered: int) -> None:
    """What was answered is sold, in the city and at the hub; a faster wrong answer is none."""
    for node in (city, HUB):
        until(partial(_is_sold, province, node, answered), 30)
