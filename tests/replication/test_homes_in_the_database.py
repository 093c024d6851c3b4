"""The database itself refuses a write on a foreign node, whatever the code tries."""

import re
import time
import uuid
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from kernel.events.models import Event
from kernel.homes import Home, home_of, is_written_here, uuid7
from kernel.nodes.models import Node
from kernel.replication import grants, partitions
from kernel.replication.services import tend_partitions
from kernel.replication.tables import managed_models, models_of, table_of

pytestmark = pytest.mark.django_db


def current_roles() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        return cursor.fetchone()


def refused(statement: str, *parameters: Any) -> bool:
    """Whether the database refuses the statement for lack of a right."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
    except ProgrammingError as error:
        return error.__cause__.pgcode == "42501"
    return False


def test_tests_run_under_the_serving_role():
    assert current_roles() == ("jianqiao_app", "jianqiao_owner")


@pytest.mark.parametrize("model", managed_models(), ids=table_of)
def test_a_foreign_home_refuses_insert_update_and_delete(model):
    table = table_of(model)
    key = model._meta.pk.column
    writes = [
        f'INSERT INTO "{table}" SELECT * FROM "{table}" LIMIT 0',
        f'UPDATE "{table}" SET "{key}" = "{key}" WHERE false',
        f'DELETE FROM "{table}" WHERE false',
    ]
    expected = [not is_written_here(model) or table in grants.BY_OWNER] * 3
    if home_of(model) is Home.NODE:
        expected = [False, True, True]

    assert [refused(statement) for statement in writes] == expected


@pytest.mark.parametrize("model", managed_models(), ids=table_of)
def test_no_table_may_be_emptied(model):
    assert refused(f'TRUNCATE "{table_of(model)}" CASCADE')


@pytest.mark.parametrize("model", models_of(Home.CITY, Home.NODE), ids=table_of)
def test_rows_of_another_node_meet_the_guard(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled, pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND tgname = 'jianqiao_guard'",
            [table_of(model)],
        )
        enabled, definition = cursor.fetchone()

    assert enabled == "O", "an ALWAYS guard would stop replication"
    assert "BEFORE INSERT OR UPDATE" in definition
    assert f"new.node IS DISTINCT FROM '{settings.NODE_CODE}'::text" in definition


@pytest.mark.parametrize(
    "model", [m for m in models_of(Home.CITY, Home.NODE) if is_written_here(m)], ids=table_of
)
def test_a_row_of_a_peer_is_refused_and_an_own_one_is_not(model):
    insert = f'INSERT INTO "{table_of(model)}" (id, node) VALUES (%s, %s)'

    assert refused(insert, uuid.uuid4(), "620800")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(insert, [uuid.uuid4(), settings.NODE_CODE])  # past the guard, incomplete


@pytest.mark.node("city")
def test_what_the_hub_wrote_arrives_and_stays_read_only(arrives):
    with arrives():
        Node.objects.create(code="620000", name="甘肃省", url="http://hub.test", public_key="k")

    assert Node.objects.get(code="620000").name == "甘肃省"
    with pytest.raises(ProgrammingError), transaction.atomic():
        Node.objects.filter(code="620000").update(name="x")
    assert current_roles()[0] == "jianqiao_app"


@pytest.mark.node("hub")
def test_an_error_while_rows_arrive_leaves_the_serving_role(arrives):
    with pytest.raises(ZeroDivisionError), arrives():
        raise ZeroDivisionError

    assert current_roles()[0] == "jianqiao_app"


def test_grants_are_what_the_homes_say():
    with connection.cursor() as cursor:
        found = grants.found(cursor, ["jianqiao_app"])

    assert found == grants.wanted([])


@pytest.mark.node("hub")
def test_every_enrolled_node_has_its_partitions():
    with connection.cursor() as cursor:
        codes = partitions.enrolled(cursor)
        for model in models_of(Home.CITY, Home.NODE):
            cursor.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
                [table_of(model)],
            )
            found = {name for (name,) in cursor.fetchall()}
            expected = set(codes) - ({"620000"} if home_of(model) is Home.CITY else set())
            assert {partitions.partition_name(table_of(model), c) for c in expected} <= found

    assert codes == ["620000", "620100", "620800"]


@pytest.mark.node("hub")
def test_months_come_ahead():
    tend_partitions()

    with connection.cursor() as cursor:
        for model in models_of(Home.NODE):
            cursor.execute(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass",
                [partitions.partition_name(table_of(model), "620100")],
            )
            assert cursor.fetchone() == (partitions.MONTHS_AHEAD + 2,), "months and the rest"


@pytest.mark.node("hub")
def test_a_row_dated_far_ahead_moves_into_its_month_when_the_month_comes(arrives):
    """As a clock that ran ahead, or a worker that was away for months, leaves it."""
    row = uuid.UUID(f"{int(time.time() + 86_400 * 120) * 1000:012x}7000800000000000000a")
    with arrives():
        Event.objects.create(
            id=row, node="620100", name="x.ahead", subject_id=uuid7(), actor_id=uuid7()
        )
    assert where_is(row) == "events_event_620100_rest"

    with connection.cursor() as cursor:
        cursor.execute("SELECT public.jianqiao_make_months('events_event_620100', 6)")

    assert re.fullmatch(r"events_event_620100_\d{6}", where_is(row))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass"
            " AND tgname = 'jianqiao_route_event'",
            [where_is(row)],
        )
        assert cursor.fetchall() == [("A",)], "events of that month are routed too"
    with arrives():
        later = Event.objects.create(
            id=uuid.UUID(int=row.int + 1),
            node="620100",
            name="x.ahead",
            subject_id=row,
            actor_id=row,
        )
    assert where_is(later.id) == where_is(row)


@pytest.mark.node("hub")
def test_a_month_that_cannot_be_made_holds_up_no_other_table():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        cursor.execute("DROP TABLE events_event_620800_rest")  # without it nothing can be moved
        cursor.execute("CREATE VIEW events_event_620800_rest AS SELECT 1 AS id")
        months = next_months("audit_auditseal_620800")
        for month in [*months, *next_months("events_event_620800")]:
            cursor.execute(f"DROP TABLE {month}")
        cursor.execute("SET LOCAL ROLE jianqiao_app")
    old = uuid.UUID("016f5e66-e800-7000-8000-000000000001")
    Event.objects.create(id=old, name="x.kept", subject_id=old, actor_id=old)

    tend_partitions()

    assert next_months("events_event_620800") == []
    assert next_months("audit_auditseal_620800") == months
    assert not Event.objects.filter(id=old).exists()


def where_is(event):
    """The partition of an event."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM events_event WHERE id = %s", [event])
        return cursor.fetchone()[0]


def next_months(parent):
    """The monthly partitions of a node's partition that lie ahead."""
    now = time.strftime("%Y%m", time.gmtime())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"
            " ORDER BY 1",
            [parent],
        )
        months = [name for (name,) in cursor.fetchall() if not name.endswith("_rest")]
    return [name for name in months if name.rpartition("_")[2] > now]


@pytest.mark.node("hub")
def test_a_month_goes_as_a_whole_when_its_last_day_is_too_old():
    """No row of it is deleted before: that would leave an empty partition to drop."""
    recent = uuid7()
    Event.objects.create(id=recent, name="x.kept", subject_id=recent, actor_id=recent)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        cursor.execute("COMMENT ON TABLE events_event IS 'jianqiao: kept 0 days'")
        cursor.execute("SET LOCAL ROLE jianqiao_app")
        cursor.execute("SELECT public.jianqiao_forget('events_event')")

    assert Event.objects.filter(id=recent).exists()


def test_a_first_start_that_was_cut_short_can_be_repeated():
    """The node's name and its list of nodes are made together."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        cursor.execute("DROP FUNCTION public.jianqiao_nodes()")

        partitions.prepare(cursor)

        assert partitions.enrolled(cursor) == [settings.NODE_CODE]
        cursor.execute("SET LOCAL ROLE jianqiao_app")


def test_rows_older_than_their_time_are_let_go():
    old, new = uuid.UUID("016f5e66-e800-7000-8000-000000000001"), uuid7()  # 2020-01-01, now
    for event in (old, new):
        Event.objects.create(id=event, name="x.kept", subject_id=new, actor_id=new)

    tend_partitions()

    assert list(Event.objects.values_list("id", flat=True)) == [new]


def test_only_tables_whose_rows_age_out_can_be_emptied_so():
    assert refused("SELECT public.jianqiao_forget('nodes_node'::regclass)")


def test_the_serving_role_cannot_shorten_the_time_rows_are_kept():
    assert refused("COMMENT ON TABLE audit_auditrow IS 'jianqiao: kept 0 days'")
