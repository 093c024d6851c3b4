"""Cursors say where a page ended, and nothing else is taken for one."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from registry.cursors import CursorInvalid, cursor_of, id_in, moment_and_id_in, page_of

ID = UUID("01981111-0000-7000-8000-000000000001")


def test_the_id_that_a_page_ended_with():
    assert id_in(cursor_of(ID)) == ID


@pytest.mark.parametrize("place", [(), ("x",), (None,), (7,), ([str(ID)],), (ID, ID)])
def test_anything_else_in_a_cursor_is_refused(place):
    with pytest.raises(CursorInvalid):
        id_in(cursor_of(*place))


def test_the_time_and_id_that_a_page_ended_with():
    at, last = datetime(2026, 11, 21, 8, tzinfo=UTC), ID

    assert moment_and_id_in(cursor_of(at.isoformat(), last)) == (at, last)


@pytest.mark.parametrize("place", [("2026-11-21",), ("soon", ID), (7, ID), ("2026-11-21", 7)])
def test_what_is_no_time_and_id_is_refused(place):
    with pytest.raises(CursorInvalid):
        moment_and_id_in(cursor_of(*place))


@pytest.mark.parametrize(
    ("limit", "page"),
    [(2, ([1, 2], True)), (4, ([1, 2, 3, 4], False)), (9, ([1, 2, 3], True)), (0, ([1], True)),
     (-5, ([1], True))],
)  # fmt: skip
def test_a_page_holds_what_is_wanted_and_never_too_much(limit, page):
    assert page_of([1, 2, 3, 4], limit, most=3 if limit == 9 else 4) == page
