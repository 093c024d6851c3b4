"""Rows written by COPY are the rows that were given."""

from datetime import UTC, date, datetime
from uuid import UUID

import orjson
import pytest
from django.db import connection

from kernel.postgres.copying import copy_rows

pytestmark = pytest.mark.django_db

COLUMNS = ("id", "words", "many", "number", "share", "truth", "at", "day", "ids", "said", "content")
TYPES = (
    "uuid", "text", "text[]", "bigint", "float8", "boolean", "timestamptz", "date", "uuid[]",
    "jsonb", "bytea",
)  # fmt: skip
ROWS = [
    (UUID(int=1), "a\tb\nc\rd\\N", ['x"y\\z', "p,q {r}", "tab\there", ""], 2**40, 1.1, True,
     datetime(2026, 1, 1, 8, 0, 0, 123456, tzinfo=UTC), date(1990, 3, 7), [UUID(int=7)],
     {"why": 'a"b\n', "at": {"n": [1, None]}}, b"\x00\\x\xff"),
    (UUID(int=2), r"\N", [], -1, float("-inf"), False, datetime(1, 1, 2, tzinfo=UTC), date(1, 1, 1),
     [], {}, b""),
    (None,) * 11,
    (UUID(int=3), "", ["健桥"], 0, 1e-300, True, datetime(9999, 12, 31, tzinfo=UTC),
     date(9999, 12, 31), [UUID(int=8), UUID(int=9)], {"\\": "健"}, b"\\"),
]  # fmt: skip


def test_every_kind_of_value_comes_back_as_it_went_in():
    with connection.cursor() as cursor:
        columns = ", ".join(map(" ".join, zip(COLUMNS, TYPES, strict=True)))
        cursor.execute(f"CREATE TEMPORARY TABLE copied ({columns})")
        copy_rows(cursor.cursor, "copied", COLUMNS, ROWS)
        cursor.execute("SELECT * FROM copied")
        found = [
            (*row, said and orjson.loads(said), content if content is None else bytes(content))
            for *row, said, content in cursor
        ]

    assert found == ROWS


def test_nothing_is_written_when_a_value_is_of_no_known_kind():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (words text)")
        with pytest.raises(KeyError):
            copy_rows(cursor.cursor, "copied", ["words"], [("good",), (object(),)])
        cursor.execute("SELECT count(*) FROM copied")

        assert cursor.fetchone() == (0,)
