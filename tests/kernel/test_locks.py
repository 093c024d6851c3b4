"""Names that a transaction holds against others."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from kernel.postgres import locks

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ["甲", "乙", "丙", "丁", "戊", "己"]


def locks_of(condition):
    """Process and key of each advisory lock here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, classid, objid FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            f" AND {condition}"
        )
        return cursor.fetchall()


def held_when_stopped(names, at):
    """What a transaction that wants these names has got when it comes to one that is held."""

    def want():
        try:
            with transaction.atomic():
                locks.hold(names)
        finally:
            connection.close()

    other = threading.Thread(target=want)
    with transaction.atomic():
        locks.hold([at])
        other.start()
        until = time.monotonic() + 20
        while not locks_of("NOT granted"):
            assert time.monotonic() < until
            time.sleep(0.01)
        held = {tuple(key) for _, *key in locks_of("granted AND pid <> pg_backend_pid()")}
    other.join(20)
    assert not other.is_alive()
    return held


def test_a_name_is_held_once_and_until_the_end():
    with transaction.atomic():
        locks.hold([*NAMES, NAMES[0]])
        assert len(locks_of("granted")) == len(NAMES)

    assert locks_of("true") == []


def test_names_are_taken_in_one_order():
    held = held_when_stopped(NAMES, "丙")

    assert held == held_when_stopped(NAMES[::-1], "丙")
    assert 0 < len(held) < len(NAMES) - 1


def test_somebody_elses_name_is_waited_for():
    outcome = []

    def want(name):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '50ms'")
                locks.hold([name])
                outcome.append("held")
        except OperationalError as error:
            outcome.append(error.__cause__.pgcode)
        finally:
            connection.close()

    with transaction.atomic():
        locks.hold(["甲"])
        for name in ("甲", "乙"):
            other = threading.Thread(target=want, args=[name])
            other.start()
            other.join(20)

    assert outcome == ["55P03", "held"]


def test_what_a_name_says_is_not_sent(django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1) as asked:
        locks.hold(["620102199003070018"])

    assert "620102199003070018" not in asked.captured_queries[0]["sql"]
