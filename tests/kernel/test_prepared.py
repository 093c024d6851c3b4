"""Statements that a connection prepares once."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kernel.postgres import prepared

pytestmark = pytest.mark.django_db

SQL = "SELECT %(b)s::int - %(a)s::int, %(b)s::text || '%%'"


def run(sql, values):
    with connection.cursor() as cursor:
        prepared.execute(cursor, sql, values)
        return cursor.fetchone()


def test_a_statement_is_prepared_once():
    sql = f"{SQL} -- once"
    with CaptureQueriesContext(connection) as first:
        assert run(sql, {"a": 1, "b": 3, "unused": 7}) == (2, "3%")
    with CaptureQueriesContext(connection) as again:
        assert run(sql, {"a": 10, "b": 30}) == (20, "30%")

    # A connection that had its fill of other tests' statements lets go of the oldest, too.
    done = [one["sql"].split()[0] for one in first]
    assert [word for word in done if word != "DEALLOCATE"] == ["PREPARE", "EXECUTE"]
    assert [one["sql"].split()[0] for one in again] == ["EXECUTE"]


def test_values_in_order_and_none_at_all():
    assert run("SELECT %s::int + 1, %s::text", [1, None]) == (2, None)
    assert run("SELECT 7", []) == (7,)


def test_in_turn_the_rows_are_those_of_the_last_and_it_sees_what_the_first_did():
    first = ("SELECT set_config('jianqiao.said', %(said)s, true)", {"said": "100% 'so'"})
    last = ("SELECT current_setting('jianqiao.said'), %(n)s::int", {"n": 3, "more": 4})

    for _ in range(2):
        with transaction.atomic(), connection.cursor() as cursor:
            prepared.execute_in_turn(cursor, first, last)

            assert cursor.fetchall() == [("100% 'so'", 3)]


def test_it_outlives_a_rollback():
    sql = f"{SQL} -- rollback"
    try:
        with transaction.atomic():
            run(sql, {"a": 1, "b": 2})
            raise RuntimeError
    except RuntimeError:
        pass

    assert run(sql, {"a": 1, "b": 2}) == (1, "2%")


def test_the_one_not_used_for_longest_goes(monkeypatch):
    monkeypatch.setattr(prepared, "MOST", 2)
    monkeypatch.setattr(prepared, "_prepared", type(prepared._prepared)())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        (before,) = cursor.fetchone()

    for number in (1, 2, 1, 3, 1, 2):
        assert run(f"SELECT {number}", []) == (number,)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (before + 2,)
