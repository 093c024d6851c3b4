"""What opening a stream finds on the publisher, on the test's own cluster."""

import uuid
from contextlib import closing

import pytest
from django.db import connection
from psycopg2.extensions import make_dsn

from kernel.replication.enrolment import NodeEnds, admit
from kernel.replication.subscriptions import Stream, connect
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
    make_slots(publisher, f"to_{SUBSCRIBER}_e1", f"to_{SUBSCRIBER}_e12", "to_629800_e1")
    stream = Stream("620000", SUBSCRIBER, (), publisher.owner_dsn, str(uuid.uuid4()))

    with closing(connect(publisher.owner_dsn)) as owner:
        admit(publisher, owner, stream)

    assert slots(publisher) == ["to_629800_e1"]
