"""Kill any process at any moment: nothing acknowledged is lost, nothing happens twice.

While two hospitals push and residents book and cancel for a minute, processes of hub and city are killed at random and the hub is cut
from one city for twenty seconds. The schedule follows from a seed that is printed; --kill-seed repeats it.
"""

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from benchmarks.throwaway_province import HUB, NeverTrue, Province, running_province, until
from config.cli.demo_access import demo_hospitals
from config.cli.failures import NoAnswer, SignInRefused
from config.cli.home import read_json
from config.cli.hospital_client import HospitalClient, client_of
from config.cli.log_files import LogFile
from config.model_province.activity import visit_to
from config.model_province.bundles import as_bytes, bundle_of, enrolment_of
from config.model_province.chance import chance_of
from config.model_province.population import residents_of
from config.model_province.sources import Hospital
from kernel.events.states import BACK_OFF_SECONDS
from tests.system.sales import (
    SOLD_TABLES,
    buy,
    enough_is_sold,
    every_sale_counts_once,
    nothing_is_reserved_any_more,
    open_counter,
)
from tests.system.test_pitfalls import caught_up
from tests.system.wire import Wire

SECONDS, CUT_AT, CUT_FOR = 60, 15, 20
PATIENCE = (
    2 * BACK_OFF_SECONDS[3]
)  # a handler that failed four times meanwhile is tried again by then
CITY = "620100"
VICTIMS = [
    (CITY, "postgres"), (HUB, "postgres"), (CITY, "web"), (HUB, "web"), (CITY, "worker"),
    (HUB, "worker"), (CITY, "consumer"), (HUB, "consumer"),
]  # fmt: skip
PUSHED = [
    "patients_patientregistration", "patients_registrationversion", "health_records_encounter",
    "health_records_clinicalentry", "health_records_document", "health_records_sourceparty",
    "health_records_resourceversion", *SOLD_TABLES,
]  # fmt: skip
RESOURCES = [
    f"SELECT {kind}, {key}, t.version, (SELECT count(*) FROM {versions} v WHERE v.{link} = t.id)"
    f" FROM {table} t JOIN organisations_organisation o ON o.id = t.organisation_id WHERE o.code = %s"
    for table, kind, key, versions, link in (
        ("patients_patientregistration", "'Patient'", "t.source_keys[1]", "patients_registrationversion",
         "registration_id"),
        *(
            (f"health_records_{name}", "t.resource_type", "t.source_key",
             "health_records_resourceversion", "resource_id")
            for name in ("encounter", "clinicalentry", "document")
        ),
    )
]  # fmt: skip


@dataclass
class Pushes:
    """What one hospital sent, and what it was told."""

    hospital: Hospital
    sent: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # type and id, by message
    acknowledged: set[str] = field(default_factory=set)
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
        resources = [entry["resource"] for entry in bundle["entry"]]
        pushes.sent[message] = {(one["resourceType"], one["id"]) for one in resources}
        try:
            answer = client.post("/fhir/R4", as_bytes(bundle), message_id=message)
        except (NoAnswer, SignInRefused):
            pushes.unanswered.add(message)
            continue
        if answer.ok:
            pushes.acknowledged.add(message)
        elif answer.status >= 500:
            pushes.unanswered.add(message)
        else:
            pushes.refused[message] = answer.body


def kill_at_random(
    province: Province, chance: Random, stop: threading.Event, killed: list[tuple[float, str, str]]
) -> None:
    """Kill a process every few seconds, each once a round; note what was killed when."""
    began = time.monotonic()
    left: list[tuple[str, str]] = []
    while not stop.wait(chance.uniform(1.5, 4)):
        left = left or chance.sample(VICTIMS, len(VICTIMS))
        victim = left.pop()
        until(lambda victim=victim: kill(province, *victim))
        killed.append((time.monotonic() - began, *victim))


def kill(province: Province, code: str, process: str) -> bool:
    """Kill a process, if it runs."""
    pid = pid_of(province, code, process)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def pid_of(province: Province, code: str, process: str) -> int | None:
    """Process number as the supervisor has it, None while the process is being restarted."""
    for one in read_json(province.home.run_file)["processes"]:
        if (one["node"], one["process"]) == (code, process):
            return one["pid"]
    raise LookupError(f"{code} {process}")


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(province, wires, pytestconfig):
    seed = pytestconfig.getoption("--kill-seed") or int(time.time())
    print(f"--kill-seed {seed}")  # noqa: T201
    schedules, purchases = open_counter(province, CITY)
    stop = threading.Event()
    killed: list[tuple[float, str, str]] = []
    all_pushes = [Pushes(hospital) for hospital in demo_hospitals(province.home)]
    threads = [
        threading.Thread(
            target=push, args=(client_of(province.home, p.hospital.code), p, seed, stop)
        )
        for p in all_pushes
    ] + [
        threading.Thread(target=buy, args=(p, schedules, chance_of(seed, place), stop))
        for place, p in enumerate(purchases)
    ]
    killer = threading.Thread(target=kill_at_random, args=(province, chance_of(seed), stop, killed))
    for thread in (*threads, killer):
        thread.start()
    time.sleep(CUT_AT)
    for wire in wires:
        wire.cut()
    time.sleep(CUT_FOR)
    for wire in wires:
        wire.mend()
    time.sleep(SECONDS - CUT_AT - CUT_FOR)
    with suppress(NeverTrue):  # what is not enough is told below
        until(
            lambda: (
                every_one_killed(killed)
                and all(map(has_pushed_enough, all_pushes))
                and enough_is_sold(purchases)
            )
        )
    stop.set()
    for thread in (*threads, killer):
        thread.join(120)
        assert not thread.is_alive()
    print("\n".join(f"{when:5.1f} s  {code} {name}" for when, code, name in killed))  # noqa: T201

    with telling_logs(province):
        province.until_ready(PATIENCE)
        until_settled(province, PATIENCE)
    assert every_one_killed(killed)
    caught_up(province, *province.cities)
    for pushes in all_pushes:
        assert pushes.refused == {}
        assert has_pushed_enough(pushes)
        each_message_is_whole_or_absent(province, pushes)
    hub_holds_what_the_cities_hold(province)
    every_registration_is_linked_once(province)
    every_sale_counts_once(province, CITY, schedules, purchases)
    nothing_is_reserved_any_more(province, schedules, purchases)


def every_one_killed(killed: list[tuple[float, str, str]]) -> bool:
    """Whether every victim had its turn."""
    return {tuple(victim) for _, *victim in killed} == set(VICTIMS)


def has_pushed_enough(pushes: Pushes) -> bool:
    """Whether so much was taken that losses would show."""
    return len(pushes.acknowledged) >= 20


@contextmanager
def telling_logs(province: Province):
    """Print what the clusters said last when the province does not recover."""
    try:
        yield
    except BaseException:
        for log in sorted(province.home.log.glob("*-postgres.log")):
            print(f"{log.name}:\n{LogFile(log).tail(40)}")  # noqa: T201
        raise


def unsettled(province: Province) -> list[str]:
    """What still waits: deliveries to be handled, rows on their way to the hub."""
    found = []
    for code in (HUB, *province.cities):
        found += [
            f"{code} {handler}: {number} {state}, {tries} failures, due at {due}, {error}"
            for handler, state, error, number, tries, due in province.rows(
                code,
                "SELECT handler, state, last_error, count(*), max(attempts), max(due_at)"
                " FROM events_eventdelivery WHERE state <> 'done' GROUP BY 1, 2, 3",
            )
        ]
    found += [
        f"{HUB} {name}: open after {tries} tries, {error}"
        for name, tries, error in province.rows(
            HUB, "SELECT name, attempts, last_error FROM commands_commandsent WHERE state = 'open'"
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
    """Of every stored message each resource is there once with all its versions, of others none.

    Acknowledged messages are stored. A Patient or an allergy may have come with another message too.
    """
    accepted = province.rows(
        pushes.hospital.node,
        "SELECT m.message_id FROM health_records_message m"
        " JOIN organisations_organisation o ON o.id = m.organisation_id"
        " WHERE o.code = %s AND m.state = 'accepted'",
        pushes.hospital.code,
    )
    names = [message.rpartition("|")[2] for (message,) in accepted]
    stored = pushes.sent.keys() & set(names)
    assert len(set(names)) == len(names)
    assert pushes.acknowledged <= stored
    rows = [row for query in RESOURCES for row in province.rows(
        pushes.hospital.node, query, pushes.hospital.code
    )]  # fmt: skip
    ours = set().union(*pushes.sent.values())
    found = sorted((kind, key) for kind, key, _, _ in rows if (kind, key) in ours)
    assert found == sorted(set().union(*(pushes.sent[message] for message in stored)))
    assert [row for row in rows if row[2] != row[3]] == [], "a version is lost or doubled"


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
        until(lambda city=city: province.rows(city, links) == [])
