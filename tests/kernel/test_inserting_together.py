"""What is inserted together is written together, or not at all."""

from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from kernel.events.models import EventRoute, EventWatermark
from kernel.homes import uuid7
from kernel.postgres import inserting
from kernel.postgres.inserting import Provided, insert_rows, together

pytestmark = pytest.mark.django_db


class Denied(Exception):
    """What was provided for is not so."""


def deny():
    raise Denied


def marks(*nodes):
    return [{"id": uuid7(), "node": node, "before_id": UUID(int=1)} for node in nodes]


def routes(*names):
    return [{"id": uuid7(), "name": name, "handler": "h", "wants_history": False} for name in names]


def names():
    return sorted(EventRoute.objects.filter(handler="h").values_list("name", flat=True))


def nodes():
    return sorted(EventWatermark.objects.values_list("node", flat=True))


def test_few_rows_of_several_tables_are_one_statement():
    with CaptureQueriesContext(connection) as asked, transaction.atomic(), together():
        insert_rows(EventWatermark, marks("a", "b"))
        insert_rows(EventRoute, routes("r"))
        assert nodes() == []

    inserts = [one["sql"] for one in asked if one["sql"].startswith("EXECUTE")]
    assert (len(inserts), nodes(), names()) == (1, ["a", "b"], ["r"])


@pytest.mark.parametrize(
    ("many", "long"), [(inserting.FEW + 1, 1), (1, inserting.LONG)], ids=["many", "long"]
)
def test_many_rows_and_long_ones_are_copied(many, long):
    called = [f"{number:03}{'x' * long}" for number in range(many)]
    with CaptureQueriesContext(connection) as asked, together():
        insert_rows(EventRoute, routes(*called))
        insert_rows(EventWatermark, marks("a"))

    statements = " ".join(one["sql"] for one in asked)
    assert "events_eventroute" not in statements
    assert names() == called
    assert nodes() == ["a"]


def test_nothing_is_written_when_the_block_fails():
    def fail():
        with together():
            insert_rows(EventWatermark, marks("a"))
            deny()

    with pytest.raises(Denied):
        fail()

    assert (nodes(), inserting.are_kept()) == ([], False)


def test_nothing_of_a_statement_is_written_unless_what_it_is_provided_holds():
    for number, is_true in ((1, True), (2, False)):
        provided = Provided("%(given)s = 1", {"given": number}, deny)
        try:
            with together():
                insert_rows(EventRoute, routes(f"r{number}"))
                insert_rows(EventWatermark, marks(f"n{number}"), provided=provided)
        except Denied:
            assert not is_true

    assert nodes() == ["n1"]
    assert names() == ["r1"]


def test_a_row_that_is_there_is_updated_or_left_out_as_by_itself():
    (there,) = marks("a")
    insert_rows(EventWatermark, [there])

    with together():
        insert_rows(EventWatermark, [there | {"node": "changed"}], known=["node"])
        insert_rows(EventRoute, routes("r", "r"), or_leave_out=True)

    assert (nodes(), names()) == (["changed"], ["r"])


@pytest.mark.django_db(transaction=True)
def test_one_statement_that_is_all_is_its_own_transaction():
    def insert(node, name):
        with transaction.atomic(), together(are_all=True):
            insert_rows(EventRoute, routes(name))
            insert_rows(EventWatermark, marks(node))

    insert("a", "r")
    with pytest.raises(IntegrityError):
        insert("a", "other")

    assert nodes() == ["a"]
    assert names() == ["r"]
