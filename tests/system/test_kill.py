"""Kill any process at any moment: nothing acknowledged is lost, nothing happens twice.

While two hospitals push for a minute, processes of hub and city are killed at random and the hub is cut
from one city for twenty seconds. The schedule follows from a seed that is printed; --kill-seed repeats it.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from benchmarks.throwaway_province import HUB, Province, running_province, until
from config.cli.demo_access import demo_hospitals
from config.cli.failures import SignInRefused
from config.cli.home import read_json
from config.cli.hospital_client import HospitalClient, NoAnswer, client_of
from config.model_province.activity import visit_to
from config.model_province.bundles import as_bytes, bundle_of, enrolment_of
from config.model_province.chance import chance_of
from config.model_province.population import residents_of
from config.model_province.sources import Hospital
from tests.system.wire import Wire

SECONDS, CUT_AT, CUT_FOR = 60, 15, 20
CITY = "620100"
VICTIMS = [
    (CITY, "postgres"), (HUB, "postgres"), (CITY, "web"), (HUB, "web"), (CITY, "worker"),
    (HUB, "worker"), (CITY, "consumer"), (HUB, "consumer"),
]  # fmt: skip
PUSHED = [
    "patients_patientregistration", "patients_registrationversion", "health_records_encounter",
    "health_records_clinicalentry", "health_records_document", "health_records_sourceparty",
    "health_records_resourceversion",
]  # fmt: skip


@dataclass
class Pushes:
    """What one hospital sent, and what it was told."""

    hospital: Hospital
    acknowledged: dict[str, int] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    refused: dict[str, object] = field(default_factory=dict)


@pytest.fixture(scope="module")
def province(next_ports):
    with running_province(port_base=next_ports()) as running:
        running.jianqiao("demo", "--no-wait", "--residents", "0")
        yield running


@pytest.fixture
def wires(province: Province):
    """Put a wire into each direction of the streams between hub and city."""
    laid = []
    for subscriber, publisher in ((HUB, CITY), (CITY, HUB)):
        wire = Wire(int(parse_dsn(province.dsn(publisher))["port"]))
        laid.append(wire)
        with province.cursor(subscriber, "superuser") as cursor:
            cursor.execute(
                "SELECT subconninfo FROM pg_subscription WHERE subname = %s", [f"from_{publisher}"]
            )
            (dsn,) = cursor.fetchone()
            cursor.execute(
                f"ALTER SUBSCRIPTION from_{publisher} CONNECTION %s",
                [make_dsn(dsn, port=wire.port)],
            )
    yield laid
    for wire in laid:
        wire.close()


def messages(hospital: Hospital, seed: int):
    """Patients of a hospital: each put on file, then two visits."""
    for number, resident in enumerate(residents_of(hospital.node, seed=seed)):
        yield enrolment_of([resident], hospital, number=number, seed=seed)
        chance = chance_of(seed, resident.key)
        for days in (5, 30):
            visit = visit_to(hospital, resident, date(2026, 10, 31) - timedelta(days), chance)
            if visit is not None and visit.starts.date() > resident.birth_date:
                yield bundle_of(visit, seed=seed)


def push(client: HospitalClient, pushes: Pushes, seed: int, stop: threading.Event) -> None:
    """Push until told to stop."""
    for bundle in messages(pushes.hospital, seed):
        if stop.is_set():
            return
        message = bundle["identifier"]["value"]
        try:
            answer = client.post("/fhir/R4", as_bytes(bundle), message_id=message)
        except (NoAnswer, SignInRefused):
            pushes.unanswered.add(message)
            continue
        if answer.ok:
            pushes.acknowledged[message] = len(bundle["entry"])
        elif answer.status >= 500:
            pushes.unanswered.add(message)
        else:
            pushes.refused[message] = answer.body


def kill_at_random(province: Province, chance: Random, stop: threading.Event) -> list[str]:
    """Kill a process every few seconds; what was killed when."""
    killed, began = [], time.monotonic()
    while not stop.wait(chance.uniform(1.5, 4)):
        code, name = chance.choice(VICTIMS)
        for one in read_json(province.home.run_file)["processes"]:
            if (one["node"], one["process"]) == (code, name) and one["pid"]:
                with suppress(ProcessLookupError):
                    os.kill(one["pid"], signal.SIGKILL)
                    killed.append(f"{time.monotonic() - began:5.1f} s  {code} {name}")
    return killed


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(province, wires, pytestconfig):
    seed = pytestconfig.getoption("--kill-seed") or int(time.time())
    print(f"--kill-seed {seed}")  # noqa: T201
    stop, killed = threading.Event(), []
    all_pushes = [Pushes(hospital) for hospital in demo_hospitals(province.home)]
    threads = [
        threading.Thread(
            target=push, args=(client_of(province.home, p.hospital.code), p, seed, stop)
        )
        for p in all_pushes
    ]
    killer = threading.Thread(
        target=lambda: killed.extend(kill_at_random(province, chance_of(seed), stop))
    )
    for thread in (*threads, killer):
        thread.start()
    time.sleep(CUT_AT)
    for wire in wires:
        wire.cut()
    time.sleep(CUT_FOR)
    for wire in wires:
        wire.mend()
    time.sleep(SECONDS - CUT_AT - CUT_FOR)
    stop.set()
    for thread in (*threads, killer):
        thread.join(120)
    print("\n".join(killed))  # noqa: T201

    province.until_ready(120)
    until_settled(province, 120)
    assert len(killed) >= 10
    for pushes in all_pushes:
        assert pushes.refused == {}
        assert len(pushes.acknowledged) >= 20
        each_message_is_whole_or_absent(province, pushes)
    hub_holds_what_the_cities_hold(province)
    every_registration_is_linked_once(province)


def unsettled(province: Province) -> list[str]:
    """What still waits: deliveries to be handled, rows on their way to the hub."""
    found = []
    for code in (HUB, *province.cities):
        found += [
            f"{code} {handler}: {number} {state}, {error}"
            for handler, state, error, number in province.rows(
                code,
                "SELECT handler, state, last_error, count(*) FROM events_eventdelivery"
                " WHERE state <> 'done' GROUP BY 1, 2, 3",
            )
        ]
    for table in (*PUSHED, "events_event"):
        for city in province.cities:
            count = f"SELECT count(*) FROM {table} WHERE node = %s"
            there, here = province.rows(city, count, city), province.rows(HUB, count, city)
            if there != here:
                found.append(f"{table} of {city}: {there} there, {here} at the hub")
    return found


def until_settled(province: Province, seconds: float) -> None:
    """Wait until nothing waits any more; a failure names what does."""
    deadline = time.monotonic() + seconds
    while waiting := unsettled(province):
        assert time.monotonic() < deadline, waiting
        time.sleep(0.5)


def each_message_is_whole_or_absent(province: Province, pushes: Pushes) -> None:
    """Acknowledged ones are stored once with all their resources, others so or not at all."""
    stored = province.rows(
        pushes.hospital.node,
        "SELECT m.message_id, m.resources, count(v.id) FROM health_records_message m"
        " JOIN organisations_organisation o ON o.id = m.organisation_id"
        " LEFT JOIN health_records_resourceversion v ON v.message_id = m.id"
        " WHERE o.code = %s AND m.state = 'accepted' GROUP BY m.id",
        pushes.hospital.code,
    )
    found = {}
    for message, resources, versions in stored:
        name = message.rpartition("|")[2]
        assert name not in found, f"{name} is stored twice"
        assert versions <= resources
        found[name] = resources
    for message, resources in pushes.acknowledged.items():
        assert found.get(message) == resources, message


def hub_holds_what_the_cities_hold(province: Province) -> None:
    """Row by row, by checksum."""
    for table in (*PUSHED, "events_event"):
        checksum = f"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM {table} t"
        for city in province.cities:
            there = province.rows(city, f"{checksum} WHERE node = %s", city)
            assert province.rows(HUB, f"{checksum} WHERE node = %s", city) == there, (table, city)


def every_registration_is_linked_once(province: Province) -> None:
    """At the hub exactly one live link a registration; each city has those of its own."""
    links = (
        "SELECT r.id, count(l.id) FROM patients_patientregistration r LEFT JOIN persons_identitylink l"
        " ON l.registration_id = r.id AND l.status IN ('linked', 'review')"
        " GROUP BY r.id HAVING count(l.id) <> 1"
    )
    assert province.rows(HUB, links) == []
    for city in province.cities:
        until(lambda city=city: province.rows(city, links) == [], 15)
