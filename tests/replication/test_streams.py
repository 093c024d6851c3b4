"""What opening a stream finds on the publisher, on the test's own cluster."""

import uuid
from contextlib import closing
from dataclasses import replace

import pytest
from django.db import connection
from psycopg2 import OperationalError
from psycopg2.extensions import make_dsn

from kernel.homes import uuid7
from kernel.replication import enrolment
from kernel.replication.enrolment import NodeEnds, clear, let_in, now_at
from kernel.replication.lag import incoming, outgoing
from kernel.replication.subscriptions import Stream, can_flow, cluster_of, connect
from tests.cluster import PASSWORD

SUBSCRIBER = "629900"

pytestmark = pytest.mark.django_db(transaction=True)  # a slot waits for open transactions


@pytest.fixture
def publisher(transactional_db):
    """This node as a publisher, with the slots of its database gone afterwards."""
    own = connection.get_connection_params()
    place = make_dsn(host=own["host"], dbname=own["dbname"])
    ends = NodeEnds(
        "620000",
        make_dsn(place, user="jianqiao_owner", password=PASSWORD),
        make_dsn(place, user="postgres"),
    )
    yield ends
    with closing(connect(ends.superuser_dsn)) as master, master.cursor() as cursor:
        cursor.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE database = current_database()"
        )


def stream_of(publisher):
    return Stream("620000", SUBSCRIBER, (), publisher.owner_dsn, str(uuid.uuid4()))


def slots(publisher):
    with closing(connect(publisher.superuser_dsn)) as master, master.cursor() as cursor:
        cursor.execute(
            "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"
            " ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def make_slots(publisher, *names):
    with closing(connect(publisher.superuser_dsn)) as master, master.cursor() as cursor:
        for name in names:
            cursor.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [name])


def test_a_slot_that_an_earlier_stream_left_is_dropped(publisher):
    with closing(connect(publisher.owner_dsn)) as owner:
        copying = f"pg_16400_sync_16384_{cluster_of(owner)}"
        make_slots(publisher, f"to_{SUBSCRIBER}_e1", f"to_{SUBSCRIBER}_e12", copying)
        make_slots(publisher, "to_629800_e1", "pg_16400_sync_16384_7000000000000000000")
        with owner.cursor() as cursor:
            assert {slot.peer for slot in outgoing(cursor)} == {SUBSCRIBER, "629800", "copy"}

        let_in(publisher, stream_of(publisher))
        clear(publisher, owner, owner, stream_of(publisher))

    assert slots(publisher) == ["pg_16400_sync_16384_7000000000000000000", "to_629800_e1"]


def test_what_cannot_be_undone_waits_for_what_may_fail(publisher, monkeypatch):
    """A reload whose publisher does not let the superuser in has thrown nothing away."""
    shut = replace(publisher, superuser_dsn=make_dsn(publisher.superuser_dsn, user="nobody"))
    done = []
    monkeypatch.setattr(enrolment, "close_stream", lambda *_: done.append("closed"))
    monkeypatch.setattr(enrolment, "_forget_hub", lambda *_: done.append("forgotten"))

    with pytest.raises(OperationalError):
        enrolment.reload_at_city(shut, publisher)

    assert done == []


@pytest.mark.node("hub")
def test_an_enrolled_city_without_a_stream_is_told_of():
    with connection.cursor() as cursor:
        assert [(one.peer, one.enabled, one.running) for one in incoming(cursor)] == [
            ("620100", False, False),
            ("620800", False, False),
        ]


@pytest.mark.node("city")
def test_a_city_without_a_stream_from_the_hub_is_told_of():
    with connection.cursor() as cursor:
        [stream] = incoming(cursor)

    assert (stream.peer, stream.enabled, stream.running) == ("620000", False, False)


def test_a_subscription_whose_slot_is_gone_cannot_flow(publisher):
    stream = stream_of(publisher)
    with closing(connect(publisher.superuser_dsn)) as master, master.cursor() as cursor:
        cursor.execute(
            "CREATE SUBSCRIPTION from_620000 CONNECTION 'host=nowhere' PUBLICATION node"
            " WITH (connect = false, slot_name = to_629900_e3)"  # slots are the cluster's: no other test has it
        )
        try:
            assert not can_flow(master, master, stream), "disabled"
            cursor.execute("ALTER SUBSCRIPTION from_620000 ENABLE")
            assert not can_flow(master, master, stream), "without its slot"
            make_slots(publisher, "to_629900_e3")
            assert can_flow(master, master, stream)
        finally:
            cursor.execute("ALTER SUBSCRIPTION from_620000 DISABLE")
            cursor.execute("ALTER SUBSCRIPTION from_620000 SET (slot_name = NONE)")
            cursor.execute("DROP SUBSCRIPTION from_620000")


def test_history_ends_by_the_clock_of_the_city(publisher):
    began = uuid7()

    assert began < now_at(publisher) < uuid.UUID(int=began.int + (60_000 << 80))
