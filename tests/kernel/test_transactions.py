"""A transaction begins with its first statement, and nothing of it is outside."""

from contextlib import suppress
from io import StringIO
from itertools import count

import pytest
from django.db import connection, transaction
from psycopg2 import sql
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS

from kernel.events.models import EventWatermark
from kernel.homes import uuid7
from kernel.postgres import prepared

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = "INSERT INTO events_eventwatermark (node, before_id) VALUES (%s, %s)"
_nodes = count(1)


class Undo(Exception):
    """Rolls back."""


def values():
    return [f"node-{next(_nodes)}", str(uuid7())]


def status():
    return connection.connection.info.transaction_status


def by_execute(cursor):
    cursor.execute(INSERT, values())


def by_many(cursor):
    cursor.executemany(INSERT, [values()])


def by_copy(cursor):
    row = StringIO("\t".join(values()) + "\n")
    cursor.copy_expert("COPY events_eventwatermark (node, before_id) FROM STDIN", row)


def by_composed(cursor):
    cursor.cursor.execute(sql.SQL(INSERT), values())


def by_function(cursor):
    cursor.callproc("jianqiao_node")
    by_execute(cursor)


WAYS = [by_execute, by_many, by_copy, by_composed, by_function]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_undone_leaves_nothing_whatever_came_first(way):
    with suppress(Undo), transaction.atomic(), connection.cursor() as cursor:
        way(cursor)
        assert status() == TRANSACTION_STATUS_INTRANS
        raise Undo

    assert status() == TRANSACTION_STATUS_IDLE
    assert not EventWatermark.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_what_is_done_stays_and_the_next_statement_stands_alone(way):
    with transaction.atomic(), connection.cursor() as cursor:
        way(cursor)

    assert status() == TRANSACTION_STATUS_IDLE
    EventWatermark.objects.create(**dict(zip(("node", "before_id"), values(), strict=True)))
    connection.close()
    assert EventWatermark.objects.count() == 2


def test_a_transaction_without_a_statement_never_was():
    with transaction.atomic():
        connection.ensure_connection()
        assert status() == TRANSACTION_STATUS_IDLE

    with suppress(Undo), transaction.atomic():
        raise Undo
    assert status() == TRANSACTION_STATUS_IDLE


def test_what_is_asked_beside_does_not_begin_it_and_is_part_of_it_once_it_has_begun():
    def ask(cursor):
        prepared.execute(cursor, "SELECT count(*) FROM events_eventwatermark", [], beside=True)
        return cursor.fetchone()[0]

    with suppress(Undo), transaction.atomic(), connection.cursor() as cursor:
        assert (ask(cursor), status()) == (0, TRANSACTION_STATUS_IDLE)
        by_execute(cursor)
        assert (ask(cursor), status()) == (1, TRANSACTION_STATUS_INTRANS)
        raise Undo

    assert not EventWatermark.objects.exists()


def test_a_savepoint_may_be_the_first_statement():
    with transaction.atomic():
        with suppress(Undo), transaction.atomic(), connection.cursor() as cursor:
            by_execute(cursor)
            raise Undo
        with connection.cursor() as cursor:
            by_execute(cursor)

    assert EventWatermark.objects.count() == 1


def test_rows_are_read_piece_by_piece():
    EventWatermark.objects.bulk_create(
        EventWatermark(node=f"piece-{number}", before_id=uuid7()) for number in range(5)
    )

    with transaction.atomic():
        inside = [one.node for one in EventWatermark.objects.order_by("node").iterator(2)]
        assert status() == TRANSACTION_STATUS_INTRANS

    outside = [one.node for one in EventWatermark.objects.order_by("node").iterator(2)]
    assert inside == outside == [f"piece-{number}" for number in range(5)]


def test_django_may_begin_a_transaction_in_its_older_way():
    transaction.set_autocommit(False)
    try:
        with connection.cursor() as cursor:
            by_execute(cursor)
        transaction.rollback()
        with connection.cursor() as cursor:
            by_execute(cursor)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)

    assert EventWatermark.objects.count() == 1
