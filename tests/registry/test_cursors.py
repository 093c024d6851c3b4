"""Cursors say where a page ended, and nothing else is taken for one."""

from uuid import UUID

import pytest

from registry.cursors import CursorInvalid, cursor_of, id_in

ID = UUID("01981111-0000-7000-8000-000000000001")


def test_the_id_that_a_page_ended_with():
    assert id_in(cursor_of(ID)) == ID


@pytest.mark.parametrize("place", [(), ("x",), (None,), (7,), ([str(ID)],), (ID, ID)])
def test_anything_else_in_a_cursor_is_refused(place):
    with pytest.raises(CursorInvalid):
        id_in(cursor_of(*place))
