"""Order, pages and totals of a search."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories.records import EntryFactory
from tests.health_records.searching import HOUR, START, ask, follow, ids, kept, of, told

pytestmark = pytest.mark.django_db


def test_orders(system, whose, record):
    def order(text):
        return ids(ask(system, patient=whose.id, _sort=text))

    assert order("date") == of(*record)
    assert order("-date") == of(*reversed(record))
    assert order("_id") == order("_lastUpdated") == of(*record)
    assert order("-_id") == order("-_lastUpdated") == of(*reversed(record))


def test_without_a_patient_in_order_of_change(system, record):
    assert ids(ask(system)) == of(*record)
    assert ids(ask(system, _sort="-_lastUpdated")) == of(*reversed(record))


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"_sort": "-_lastUpdated"}, {"code": "718-7,8310-5"}, {"_sort": "date", "of": True},
        {"_sort": "_id", "of": True}, {"of": True}, {"of": True, "_sort": "-_lastUpdated"},
    ],
)  # fmt: skip
def test_pages_join_without_gap_or_repetition(asked, system, whose, record):
    """Also when rows with the same time are there, and others come meanwhile at both ends."""
    for _ in range(3):
        kept(EntryFactory(
            registration=whose, code="718-7", code_system="http://loinc.org",
            occurred_at=record[2].occurred_at, changed_at=record[2].changed_at,
        ))  # fmt: skip
    asked = dict(asked)
    if asked.pop("of", False):
        asked["patient"] = whose.id
    whole = ids(ask(system, **asked))

    page, seen = ask(system, _count=3, **asked), []
    assert "total" not in page
    while page is not None:
        assert len(ids(page)) <= 3
        seen += ids(page)
        kept(EntryFactory(registration=whose, occurred_at=START - 9 * HOUR, code="other"))
        kept(EntryFactory(registration=whose, occurred_at=START + 90 * HOUR, code="other"))
        page = follow(system, page)

    assert [one for one in seen if one in whole] == whole
    assert len(set(seen)) == len(seen)


def test_a_cursor_of_another_search_is_none(system, whose, record):
    page = ask(system, patient=whose.id, _count=2)
    cursor = dict(parse_qsl(urlsplit(page["link"][1]["url"]).query))["_cursor"]

    assert str(whose.id) not in page["link"][1]["url"]
    for path, text in (("Condition", cursor), ("Observation", cursor[:-6]), ("Observation", "x")):
        answer = system.get(f"/fhir/R4/{path}", {"_cursor": text})
        assert answer.status_code == 400
        assert told(answer.json()) == [("cursor-invalid", None, "error")]


def test_totals(system, whose, record):
    def total(**asked):
        return ask(system, patient=whose.id, **asked).get("total")

    assert (total(), total(_count=2), total(_count=2, _total="none")) == (5, None, None)
    assert total(_count=2, _total="accurate") == total(_count=2, _total="estimate") == 5
    assert total(_total="none") is None
    for counted in ({"_summary": "count"}, {"_count": 0}):
        bundle = ask(system, patient=whose.id, **counted)
        assert (bundle["total"], "entry" in bundle) == (5, False)
        assert len(bundle["link"]) == 1


def test_a_page_is_not_larger_than_the_setting_says(system, whose, record, settings):
    settings.SEARCH_PAGE_MAX = 3

    for count in (1000, 2**31 - 1):
        assert len(ids(ask(system, patient=whose.id, _count=count))) == 3


def test_a_page_takes_two_statements_however_long(system, whose, record):
    ask(system, patient=whose.id, _count=2)  # reads the keys that seal cursors
    with CaptureQueriesContext(connection) as few:
        ask(system, patient=whose.id, _count=2)
    with CaptureQueriesContext(connection) as many:
        ask(system, patient=whose.id, _count=200)

    assert len(few) == len(many) == 2  # the page, the audit rows: whose the token is was remembered
