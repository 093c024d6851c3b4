"""One city's copy at the hub is destroyed and loaded again; the other city does not notice."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from benchmarks.throwaway_province import HUB, until
from config.cli.hospital_client import client_of
from tests.system.people import HTTP, enrol, hospital_of, new_residents, person_of
from tests.system.test_homes import FIRST, SECOND
from tests.system.test_kill import PUSHED
from tests.system.test_pitfalls import arrives, caught_up, incoming, write_event

COPIED = (*PUSHED, "events_event", "audit_auditrow", "audit_auditseal")
CHECKSUM = (
    "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM {} t WHERE node = %s"
)


def checksums(province, at: str, code: str) -> dict:
    """Count and checksum of a node's rows in every table, as `at` holds them."""
    return {table: province.rows(at, CHECKSUM.format(table), code) for table in COPIED}


def settled(province) -> bool:
    """No delivery is waiting at the hub."""
    due = "SELECT count(*) FROM events_eventdelivery WHERE state <> 'done'"
    return province.rows(HUB, due) == [(0,)]


def test_reload_restores_identical_rows_and_handles_nothing_twice(province):
    residents, seed = new_residents(FIRST, 5)
    for resident in residents:
        person_of(province, enrol(province, resident, FIRST, seed))
    caught_up(province, FIRST, SECOND)
    until(lambda: settled(province))
    handled = (
        "SELECT event_id, handler, done_at FROM events_eventdelivery"
        f" WHERE node <> '{HUB}' ORDER BY 1, 2"
    )
    before, links = province.rows(HUB, handled), province.rows(HUB, LINKS)
    other = incoming(province, SECOND)
    for table in COPIED:
        province.rows(HUB, f'TRUNCATE "{table}_{FIRST}"', login="owner")
    assert checksums(province, HUB, FIRST)["patients_patientregistration"][0][0] == 0

    province.jianqiao("nodes", "reload", FIRST)
    elsewhere = write_event(province, SECOND)
    arrives(province, elsewhere, code=SECOND)
    until(lambda: checksums(province, HUB, FIRST) == checksums(province, FIRST, FIRST))
    caught_up(province, FIRST)

    until(lambda: settled(province))
    assert province.rows(HUB, handled) == before
    assert province.rows(HUB, LINKS) == links
    assert incoming(province, SECOND).apply_errors == other.apply_errors
    until(lambda: checksums(province, HUB, SECOND) == checksums(province, SECOND, SECOND))


def test_deliveries_due_while_the_copy_is_loaded_again_are_done_in_the_end(province):
    consumer = province.pid(HUB, "consumer")
    until(lambda: stopped_between_rounds(province, consumer))
    try:
        residents, seed = new_residents(FIRST, 5)
        registrations = [enrol(province, resident, FIRST, seed) for resident in residents]
        caught_up(province, FIRST)
        for table in COPIED:
            province.rows(HUB, f'TRUNCATE "{table}_{FIRST}"', login="owner")
    finally:
        os.kill(consumer, signal.SIGCONT)
    due = "SELECT count(*) FROM events_eventdelivery WHERE state = 'due' AND waits > 0"
    until(lambda: province.rows(HUB, due)[0][0] > 0)

    province.jianqiao("nodes", "reload", FIRST)

    for registration in registrations:
        assert person_of(province, registration)
    until(lambda: settled(province))


def stopped_between_rounds(province, consumer: int) -> bool:
    """Stop the hub's consumer, unless it is in a transaction, whose locks would stay."""
    os.kill(consumer, signal.SIGSTOP)
    open_ones = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )
    if province.rows(HUB, open_ones, login="superuser") == [(0,)]:
        return True
    os.kill(consumer, signal.SIGCONT)
    return False


def test_a_city_s_copy_of_the_hub_can_be_loaded_again(province):
    theirs = f" WHERE '{FIRST}' = ANY(audience)"
    counts = [
        f"SELECT count(*) FROM {table}{which}"
        for table, which in (
            ("nodes_node", ""), ("organisations_organisation", ""), ("terminology_concept", ""),
            ("accounts_hospitalclient", ""), ("persons_person", theirs), ("accounts_account", theirs),
        )
    ]  # fmt: skip

    province.jianqiao("nodes", "reload", FIRST, "--at", "city")

    until(lambda: all(province.rows(FIRST, one) == province.rows(HUB, one) for one in counts))
    [resident], seed = new_residents(FIRST)
    person_of(province, enrol(province, resident, FIRST, seed), FIRST)


def test_who_cannot_be_told_yet_is_asked_to_come_again(province):
    hospital = hospital_of(province, FIRST)
    address = f"{province.url(FIRST)}/fhir/R4/Patient/{uuid4()}"
    tokens = [client_of(province.home, hospital.code).token(), "of nobody"]

    def answers() -> list[int]:
        return [
            HTTP.request("GET", address, headers={"Authorization": f"Bearer {token}"}).status
            for token in tokens
        ]

    assert answers() == [404, 401]
    with ThreadPoolExecutor(1) as aside:
        set_copiers(province, FIRST, "= 0")
        try:
            province.jianqiao("nodes", "reload", FIRST, "--at", "city")
            assert province.rows(FIRST, "SELECT count(*) FROM accounts_hospitalclient") == [(0,)]
            assert answers() == [503, 503]
            new_token = aside.submit(client_of(province.home, hospital.code).token)
        finally:
            set_copiers(province, FIRST, "= DEFAULT")
        assert new_token.result()
    until(lambda: answers() == [404, 401])


def set_copiers(province, code: str, value: str) -> None:
    """How many processes may copy tables to a node."""
    for statement in (
        f"ALTER SYSTEM SET max_sync_workers_per_subscription {value}",
        "SELECT pg_reload_conf()",
    ):
        province.rows(code, statement, login="superuser")


LINKS = "SELECT id, registration_id, person_id, status FROM persons_identitylink ORDER BY id"
