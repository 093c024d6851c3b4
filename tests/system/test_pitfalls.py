"""The pitfalls of docs/replication.md that can be provoked on a running province."""

import uuid

import psycopg2
import pytest
from psycopg2.errors import ActiveSqlTransaction

from benchmarks.throwaway_province import HUB, Province, until
from kernel.replication import lag, subscriptions

FIRST, SECOND = "620100", "620800"
EVENT = (
    "INSERT INTO events_event (name, subject_id, actor_id)"
    " VALUES ('pitfall.tried', uuidv7(), uuidv7()) RETURNING id"
)
NEW_REGISTRATION = (
    "INSERT INTO patients_patientregistration (organisation_id, local_id, name, sex, digest,"
    " version, recorded_at, changed_at)"
    " VALUES (uuidv7(), uuidv7()::text, '', '', '', 1, now(), now())"
    " RETURNING id"
)
UNSEEN = "SELECT 1 FROM events_event WHERE node = %s AND id = %s"


def write_event(province: Province, code: str = FIRST) -> str:
    """Record an event at a city; its id."""
    [(event,)] = province.rows(code, EVENT)
    return str(event)


def arrives(province: Province, event: str, code: str = FIRST) -> None:
    """Wait until the hub has the event."""
    until(lambda: province.rows(HUB, UNSEEN, code, event))


def caught_up(province: Province, *codes: str) -> None:
    """Wait until the hub has all that these cities wrote so far: a stream brings it in order."""
    for code in codes:
        arrives(province, write_event(province, code), code)


def incoming(province: Province, peer: str = FIRST) -> lag.IncomingStream:
    """What the hub knows of the stream from a city."""
    with province.cursor(HUB) as cursor:
        return next(stream for stream in lag.incoming(cursor) if stream.peer == peer)


def outgoing(province: Province, code: str = FIRST) -> lag.OutgoingStream:
    """What a city knows of its stream to the hub."""
    with province.cursor(code) as cursor:
        return next(stream for stream in lag.outgoing(cursor) if stream.peer == HUB)


def fails_more(province: Province, before: int) -> bool:
    """Whether the stream from the first city failed more often than before."""
    return incoming(province).apply_errors > before


@pytest.mark.parametrize("code", [HUB, FIRST])
def test_4_27_every_published_row_can_be_updated_and_deleted(fragile_province, code):
    with fragile_province.cursor(code, "owner") as cursor:
        cursor.execute(
            "SELECT DISTINCT tablename, attnames FROM pg_publication_tables t"
            " JOIN pg_publication p USING (pubname) WHERE p.pubupdate"
        )
        tables = cursor.fetchall()
        for table, columns in tables:
            cursor.execute(f'UPDATE "{table}" SET id = id WHERE false')
            cursor.execute(f'DELETE FROM "{table}" WHERE false')
            assert "id" in columns

    assert len(tables) >= 5


def test_5_a_conflict_stops_the_stream_loudly_and_mends_when_the_row_is_gone(fragile_province):
    province, event = fragile_province, str(uuid.uuid4())
    insert = (
        "INSERT INTO events_event (id, node, name, subject_id, actor_id)"
        f" VALUES ('{event}', '{FIRST}', 'pitfall.5', uuidv7(), uuidv7())"
    )
    with province.cursor(HUB, "superuser") as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(insert)
    before = incoming(province).apply_errors
    province.rows(FIRST, insert)
    behind = write_event(province)

    until(lambda: fails_more(province, before))
    assert incoming(province).enabled, "a stream is never switched off by an error"
    until(lambda: province.jianqiao("nodes", "lag", check=False).returncode == 1)
    log = (province.home.log / f"{HUB}-postgres.log").read_text(encoding="utf-8")
    assert "pitfall.5" not in log, "a conflict must not print rows into the log"

    province.rows(HUB, f"DELETE FROM events_event WHERE id = '{event}'", login="superuser")
    arrives(province, behind)
    arrives(province, event)


@pytest.mark.parametrize("code", [HUB, FIRST])
def test_9_23_triggers_fire_where_they_must(fragile_province, code):
    enabled = fragile_province.rows(
        code,
        "SELECT tgname, array_agg(DISTINCT tgenabled::text) FROM pg_trigger"
        " WHERE tgname IN ('jianqiao_guard', 'jianqiao_route_event') GROUP BY 1 ORDER BY 1",
    )

    assert enabled == [("jianqiao_guard", ["O"]), ("jianqiao_route_event", ["A"])]


def test_11_a_new_column_goes_to_the_subscriber_first(fragile_province):
    province = fragile_province
    column = 'ALTER TABLE "patients_patientregistration" ADD COLUMN tried text'
    province.rows(HUB, column, login="owner")
    province.rows(FIRST, column, login="owner")
    arrives(province, write_event(province))
    assert incoming(province).running

    early = column.replace("tried", "tried_early")
    before = incoming(province).apply_errors
    province.rows(FIRST, early, login="owner")
    province.rows(FIRST, NEW_REGISTRATION)
    behind = write_event(province)
    until(lambda: fails_more(province, before))

    province.rows(HUB, early, login="owner")
    arrives(province, behind)


def test_13_a_table_published_too_early_stops_the_stream_until_it_exists(fragile_province):
    province = fragile_province
    table = "CREATE TABLE too_early (id uuid PRIMARY KEY)"
    province.rows(FIRST, table, login="owner")
    province.rows(FIRST, "ALTER PUBLICATION city ADD TABLE too_early", login="owner")
    before = incoming(province).apply_errors
    province.rows(FIRST, "INSERT INTO too_early VALUES (uuidv7())", login="owner")
    event = write_event(province)

    until(lambda: fails_more(province, before))
    province.rows(HUB, table, login="owner")
    arrives(province, event)
    province.rows(FIRST, "ALTER PUBLICATION city DROP TABLE too_early", login="owner")
    arrives(province, write_event(province))


def test_16_a_subscription_is_not_made_inside_a_transaction(fragile_province):
    stream = subscriptions.Stream(
        SECOND, "629999", ("city",), fragile_province.dsn(SECOND, "owner"), "unused"
    )
    connection = psycopg2.connect(fragile_province.dsn(FIRST, "owner"))
    try:
        with pytest.raises(ActiveSqlTransaction):
            subscriptions.open_stream(connection, stream)
    finally:
        connection.close()


@pytest.mark.parametrize("code", [HUB, FIRST])
def test_21_no_function_notifies(fragile_province, code):
    found = fragile_province.rows(
        code,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND prosrc ~* '(pg_notify|NOTIFY)'",
    )

    assert found == []


def test_22_one_subscription_a_pair_names_all_publications(fragile_province):
    at_hub = fragile_province.rows(
        HUB, "SELECT subname, subpublications FROM pg_subscription ORDER BY 1", login="superuser"
    )
    at_city = fragile_province.rows(
        FIRST, "SELECT subname, subpublications FROM pg_subscription", login="superuser"
    )

    assert at_hub == [(f"from_{code}", ["city", "node"]) for code in (FIRST, SECOND)]
    assert at_city == [(f"from_{HUB}", ["province", f"personal_{FIRST}", f"node_{FIRST}"])]


def test_24_a_write_is_waited_for_by_its_row_because_its_position_never_comes(fragile_province):
    province = fragile_province
    event = write_event(province)
    province.rows(FIRST, "CREATE TABLE unpublished AS SELECT 1", login="owner")
    [(position,)] = province.rows(FIRST, "SELECT pg_current_wal_lsn()::text")

    arrives(province, event)

    [(reached,)] = province.rows(
        HUB,
        "SELECT pg_replication_origin_progress('pg_' || oid, true) >= %s::pg_lsn"
        " FROM pg_subscription WHERE subname = %s",
        position,
        f"from_{FIRST}",
        login="superuser",
    )
    assert reached is False
    province.rows(FIRST, "DROP TABLE unpublished", login="owner")


def test_24_an_own_write_is_awaited_as_a_row_not_as_a_position(fragile_province):
    province = fragile_province
    table = "CREATE TABLE unpublished AS SELECT generate_series(1, 1000)"
    province.rows(FIRST, table, login="owner")
    province.rows(FIRST, "DROP TABLE unpublished", login="owner")
    event = write_event(province)

    seen = province.manage(
        HUB, "shell", "-v", "0", "-c",
        "from kernel.events.arrival import wait_for_event;"
        f"print(wait_for_event('{event}', node='{FIRST}'))",
    )  # fmt: skip

    assert seen.strip() == "True"


@pytest.mark.parametrize("code", [HUB, FIRST])
def test_25_no_published_table_has_row_security(fragile_province, code):
    found = fragile_province.rows(
        code, "SELECT relname FROM pg_class WHERE relrowsecurity OR relforcerowsecurity"
    )

    assert found == []


@pytest.mark.parametrize("code", [HUB, FIRST])
def test_26_every_login_proves_itself(fragile_province, code):
    rules = fragile_province.rows(
        code,
        "SELECT DISTINCT type, database, auth_method FROM pg_hba_file_rules",
        login="superuser",
    )

    assert {method for _, _, method in rules} == {"scram-sha-256"}
    assert all("replication" not in database for _, database, _ in rules)


def test_28_a_row_of_a_partitioned_table_changes_and_goes(fragile_province):
    province = fragile_province
    [(registration,)] = province.rows(FIRST, NEW_REGISTRATION)
    found = "SELECT version FROM patients_patientregistration WHERE node = %s AND id = %s"
    where = f"WHERE id = '{registration}'"
    until(lambda: province.rows(HUB, found, FIRST, registration) == [(1,)])

    province.rows(FIRST, f"UPDATE patients_patientregistration SET version = 2 {where}")
    until(lambda: province.rows(HUB, found, FIRST, registration) == [(2,)])
    province.rows(FIRST, f"DELETE FROM patients_patientregistration {where}")
    until(lambda: province.rows(HUB, found, FIRST, registration) == [])

    assert incoming(province).running


def test_17_a_lost_slot_is_seen_and_a_reload_repairs_it(fragile_province):
    province = fragile_province
    province.rows(HUB, f"ALTER SUBSCRIPTION from_{FIRST} DISABLE", login="owner")
    province.rows(FIRST, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", login="superuser")
    province.rows(FIRST, "SELECT pg_reload_conf()", login="superuser")
    missed = write_event(province)
    for _ in range(3):
        province.rows(FIRST, "SELECT pg_switch_wal()", login="superuser")
        province.rows(
            FIRST, "CREATE TABLE fill AS SELECT generate_series(1, 200000)", login="owner"
        )
        province.rows(FIRST, "DROP TABLE fill", login="owner")
        province.rows(FIRST, "CHECKPOINT", login="superuser")
    until(lambda: outgoing(province).wal_status == "lost")
    assert province.jianqiao("nodes", "lag", check=False).returncode == 1

    province.rows(FIRST, "ALTER SYSTEM RESET max_slot_wal_keep_size", login="superuser")
    province.rows(FIRST, "SELECT pg_reload_conf()", login="superuser")
    province.jianqiao("nodes", "reload", FIRST)

    arrives(province, missed)
    arrives(province, write_event(province))
    until(lambda: province.jianqiao("nodes", "lag", check=False).returncode == 0)
