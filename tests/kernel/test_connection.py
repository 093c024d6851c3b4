"""A connection that the server let go of is noticed before the first statement, without asking the server."""

import time

import pytest
from django.db import DatabaseError, connection
from django.db.backends.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db


@pytest.fixture
def own():
    """A connection beside the test's own."""
    made = connection.copy()
    made.ensure_connection()
    yield made
    made.close()


def backend_of(db):
    with db.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@pytest.fixture
def asked(own, monkeypatch):
    """How often the server was asked whether it is there."""
    calls = []
    ask = DatabaseWrapper.is_usable
    monkeypatch.setattr(DatabaseWrapper, "is_usable", lambda db: calls.append(db) or ask(db))
    return calls


def test_one_that_stands_costs_no_statement(own, asked):
    before = backend_of(own)
    own.close_if_unusable_or_obsolete()

    assert backend_of(own) == before
    assert own.health_check_done
    assert asked == []


def test_one_that_the_server_closed_is_opened_anew(own, asked):
    with own.cursor() as cursor:
        cursor.execute("SET idle_session_timeout = 20")
    before = backend_of(own)
    time.sleep(0.3)
    own.close_if_unusable_or_obsolete()

    assert backend_of(own) != before
    assert asked == [own]


def test_what_the_server_says_unasked_does_not_end_it(own, asked):
    with own.cursor() as cursor:
        cursor.execute("LISTEN told")
    before = backend_of(own)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("NOTIFY told")
    other.close()
    time.sleep(0.1)
    own.close_if_unusable_or_obsolete()

    assert backend_of(own) == before
    assert asked == [own]


def test_after_an_error_the_server_is_asked(own, asked):
    with pytest.raises(DatabaseError), own.cursor() as cursor:
        cursor.execute("SELECT FROM nowhere")
    own.close_if_unusable_or_obsolete()

    assert asked == [own]


def test_one_that_is_closed_is_not_usable(own):
    own.connection.close()

    assert not own.is_usable()


def test_what_is_prepared_is_planned_once_for_all_values(own):
    with own.cursor() as cursor:
        cursor.execute("PREPARE known AS SELECT id FROM unnest($1::int[]) AS w(id) WHERE id = $2")
        for number in range(8):
            cursor.execute("EXECUTE known (%s, %s)", [[number, 9], number])
            assert cursor.fetchall() == [(number,)]
        cursor.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements")
        planned = cursor.fetchall()

    assert planned == [(8, 0)]


def test_options_of_the_address_are_kept():
    made = connection.copy()
    made.settings_dict["OPTIONS"] |= {"options": "-c statement_timeout=7s"}
    with made.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('plan_cache_mode'), current_setting('statement_timeout')"
        )
        told = cursor.fetchone()
    made.close()

    assert told == ("force_generic_plan", "7s")
