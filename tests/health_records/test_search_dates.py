"""Dates of a search: prefixes, partial dates, and what lasts."""

from datetime import UTC, datetime

import pytest

from health_records.counting import count_attempts
from health_records.formats.fhir.columns import OPEN_END
from tests.factories.fhir import bundle, entry, patient
from tests.factories.records import EncounterFactory, EntryFactory
from tests.health_records.searching import START, ask, ids, kept, of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-03-01T02:00:00Z", [2]),
        ("2026-03-01T10:00:00+08:00", [2]),
        ("2026-03-01T10:00:00", [2]),
        ("2026-03-01T10:00", [2]),
        ("ne2026-03-01T10:00:00", [4, 3, 1, 0]),
        ("gt2026-03-01T10:00:00", [4, 3]),
        ("gt2026-03-01T10:00:00.000", [4, 3]),
        ("ge2026-03-01T10:00:00", [4, 3, 2]),
        ("lt2026-03-01T10:00:00", [1, 0]),
        ("le2026-03-01T10:00:00", [2, 1, 0]),
        ("sa2026-03-01T10:00:00", [4, 3]),
        ("eb2026-03-01T10:00:00", [1, 0]),
        ("2026-03-01", [4, 3, 2, 1, 0]),
        ("2026-03", [4, 3, 2, 1, 0]),
        ("2026", [4, 3, 2, 1, 0]),
        ("gt2026-03-01", []),
        ("ge2026-03-01", [4, 3, 2, 1, 0]),
        ("lt2026-03-01", []),
        ("le2026-03-01", [4, 3, 2, 1, 0]),
        ("sa2026-02", [4, 3, 2, 1, 0]),
        ("2026-02,2026-03", [4, 3, 2, 1, 0]),
        ("ge9999", []),
    ],
)
def test_dates(text, hours, system, whose, record):
    wanted = of(*(record[hour] for hour in hours))

    assert ids(ask(system, patient=whose.id, date=text)) == wanted
    by_code = ask(system, code="8310-5,718-7", date=text)
    assert ids(by_code) == wanted
    assert ask(system, code="8310-5,718-7", date=text, _summary="count")["total"] == len(hours)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("2026-03-02", False),
        ("2026-03", True),
        ("ne2026-03-02", True),
        ("gt2026-03-02", True),
        ("gt2026-03-03", False),
        ("ge2026-03-03T23:59", True),
        ("ge2026-03-03", True),
        ("ge2026-03-04", False),
        ("ge2026-03-02", True),
        ("lt2026-03-02", True),
        ("lt2026-03-01", False),
        ("le2026-03-01", True),
        ("le2026-02", False),
        ("le2026-03", True),
        ("sa2026-02", True),
        ("sa2026-03-01", False),
        ("eb2026-03-04", True),
        ("eb2026-03-03", False),
    ],
)
def test_a_period_of_three_days(text, is_found, system, whose):
    """From the first to the third of March, in China."""
    lasting = kept(EntryFactory(
        registration=whose, code="x", occurred_at=datetime(2026, 2, 28, 16, tzinfo=UTC),
        ended_at=datetime(2026, 3, 3, 15, 59, 59, 999999, tzinfo=UTC),
    ))  # fmt: skip
    wanted = of(lasting) if is_found else []

    assert ids(ask(system, patient=whose.id, date=text)) == wanted
    assert ids(ask(system, code="x", date=text)) == wanted


def test_what_goes_on_is_found_by_later_dates(system, whose):
    visit = kept(EncounterFactory(registration=whose, occurred_at=START))
    plan = kept(EntryFactory(
        registration=whose, resource_type="CarePlan", occurred_at=START, ended_at=OPEN_END
    ))  # fmt: skip

    assert ids(ask(system, "Encounter", date="gt2031")) == of(visit)
    assert ids(ask(system, "Encounter", date="gt2031", patient=whose.id)) == of(visit)
    assert ids(ask(system, "Encounter", date="lt2026")) == []
    assert ids(ask(system, "CarePlan", date="gt2031", patient=whose.id)) == of(plan)


def test_what_says_no_time_is_not_found_by_date(system, whose):
    made = EntryFactory(registration=whose, occurred_at=START, changed_at=START)
    kept(made)

    assert ids(ask(system, patient=whose.id, date="2026")) == []
    assert ids(ask(system, patient=whose.id, date__missing="true")) == of(made)


def test_by_last_update(system, whose):
    at = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
    made = kept(EntryFactory(registration=whose, changed_at=at))
    updated = ask(system)["entry"][0]["resource"]["meta"]["lastUpdated"]

    assert updated == "2026-05-01T12:00:00.123+00:00"
    for text in (updated, f"ge{updated}", f"le{updated}", "gt2026-04", "2026-05-01"):
        assert ids(ask(system, _lastUpdated=text)) == of(made)
    for text in (f"gt{updated}", f"lt{updated}", f"ne{updated}", "2026-04"):
        assert ids(ask(system, _lastUpdated=text)) == []
    status = ask(system, _lastUpdated="gt2026-04", status__missing="true", code__missing="true")
    assert ids(status) == of(made)


@pytest.mark.node("city")
@pytest.mark.parametrize(
    ("text", "found", "missed"),
    [
        ("0001-01-01", ["0001-01-01", "0001", "lt0002", "le0001-01-01T00:00:00Z"], ["gt0002", "9999"]),
        ("0001", ["0001", "lt0002", "le0001-01-01T00:00:00+14:00"], ["ge0002", "eb0001"]),
        ("0001-01-01T00:00:00+08:00", ["lt0002", "0001-01-01"], ["gt0001"]),
        ("9999-12-31T23:59:59Z", ["ge9999", "9999-12-31T23:59:59Z", "9999", "gt2031"], ["lt9999"]),
        ("9999-12-31T23:59:59.9999999Z", ["9999-12-31", "ge9999-12-31T23:59:59-05:00"], ["lt0002"]),
        ("9999-12-31T23:59:59-05:00", ["ge9999", "ge9999-12-31T23:59:59.999Z"], ["sa9999"]),
    ],
)  # fmt: skip
def test_the_ends_of_the_calendar_are_stored_read_found_and_counted(
    text, found, missed, push, system
):
    whose = entry(patient())
    result = entry({
        "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
        "subject": {"reference": whose["fullUrl"]}, "effectiveDateTime": text,
    })  # fmt: skip

    told = push(bundle(whose, result)).json()["entry"]

    person, stored = (one["response"]["location"].split("/")[1] for one in told)
    assert system.get(f"/fhir/R4/Observation/{stored}").json()["effectiveDateTime"] == text
    for date in found:
        assert ids(ask(system, patient=person, date=date)) == [stored], date
    for date in missed:
        assert ids(ask(system, patient=person, date=date)) == [], date
    assert (
        system.get(f"/fhir/R4/Patient/{person}/$everything?start=0001&end=9999").status_code == 200
    )
    assert count_attempts() == 1
