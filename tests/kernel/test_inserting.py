"""Rows written in one statement are the rows that were given."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from kernel.events.models import EventWatermark
from kernel.homes import uuid7
from kernel.postgres.inserting import insert_rows

pytestmark = pytest.mark.django_db

COLUMNS = {
    "id": "uuid", "words": "text", "many": "text[]", "number": "bigint", "truth": "boolean",
    "at": "timestamptz", "day": "date", "content": "bytea", "contents": "bytea[]", "said": "jsonb",
}  # fmt: skip
ROWS = [
    (UUID(int=1), "a\tb\n\\N'\"", ['x"y\\z', "p,q {r}", ""], 2**40, True,
     datetime(2026, 1, 1, 8, 0, 0, 123456, tzinfo=UTC), date(1990, 3, 7), b"\x00\\x\xff",
     [b"\x01", b""], {"name": True, "rivals": [2]}),
    (UUID(int=2), "健桥", [], -1, False, datetime(1, 1, 2, tzinfo=UTC), date(1, 1, 1), b"", [], {}),
    (UUID(int=3), *[None] * 9),
]  # fmt: skip


INSERTED: Any = SimpleNamespace(_meta=SimpleNamespace(db_table="inserted"))


def test_every_kind_of_value_comes_back_as_it_went_in():
    with connection.cursor() as cursor:
        columns = ", ".join(map(" ".join, COLUMNS.items()))
        cursor.execute(f"CREATE TEMPORARY TABLE inserted ({columns})")
        insert_rows(INSERTED, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS])
        cursor.execute("SELECT *, said::text FROM inserted")
        found = cursor.fetchall()

    for row, (*back, _, said) in zip(ROWS, found, strict=True):
        back[7:] = [
            None if back[7] is None else bytes(back[7]),
            None if back[8] is None else [bytes(one) for one in back[8]],
        ]
        assert tuple(back) == row[:-1]
        assert (said is None) == (row[-1] is None)
    assert found[0][-1] == '{"name": true, "rivals": [2]}'


def watermark(node, **values):
    return {"id": uuid7(), "node": node, "before_id": UUID(int=1)} | values


def test_nothing_is_asked_for_no_rows(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows(EventWatermark, [])


def test_a_row_that_is_there_is_updated_and_keeps_the_rest():
    there = watermark("a")
    insert_rows(EventWatermark, [there])

    changed = [there | {"node": "other", "before_id": UUID(int=2)}, watermark("b")]
    insert_rows(EventWatermark, changed, known=["before_id"])

    found = EventWatermark.objects.order_by("node").values_list("node", "before_id")
    assert list(found) == [("a", UUID(int=2)), ("b", UUID(int=1))]


def test_a_row_that_meets_another_is_an_error_or_left_out():
    insert_rows(EventWatermark, [watermark("a")])

    for known in ((), ["before_id"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            insert_rows(EventWatermark, [watermark("b"), watermark("a")], known=known)
    insert_rows(EventWatermark, [watermark("b"), watermark("a")], or_leave_out=True)

    assert sorted(EventWatermark.objects.values_list("node", flat=True)) == ["a", "b"]
