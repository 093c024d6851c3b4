"""Searching records: each parameter, pages, and what is not understood."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from health_records.finding import rows
from health_records.formats.fhir.columns import OPEN_END
from health_records.formats.fhir.parsing import dump
from health_records.models import ClinicalEntry
from kernel.audit.models import AuditRow
from tests.conftest import arriving
from tests.factories.records import DocumentFactory, EncounterFactory, EntryFactory, VersionFactory
from tests.factories.registry import RegistrationFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def whose(hospital):
    """A patient of the hospital."""
    return RegistrationFactory(organisation=hospital)


def kept(made, **source):
    """The row, with its version."""
    VersionFactory(
        node=made.node, resource_id=made.id, resource_type=made.resource_type,
        source=dump({"resourceType": made.resource_type} | source).decode(),
        recorded_at=made.changed_at,
    )  # fmt: skip
    return made


@pytest.fixture
def record(whose):
    """Five results, an hour apart, of two kinds."""
    return [
        kept(
            EntryFactory(
                registration=whose, occurred_at=START + hour * HOUR, status_code="final",
                code="8310-5" if hour % 2 else "718-7", code_system="http://loinc.org",
            ),
            note=[{"text": str(hour)}],
        )
        for hour in range(5)
    ]  # fmt: skip


def ask(client, path="Observation", **asked):
    answer = client.get(
        f"/fhir/R4/{path}", {name.replace("__", ":"): v for name, v in asked.items()}
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(bundle):
    return [
        one["resource"]["id"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"
    ]


def of(*rows):
    return [str(one.id) for one in rows]


def follow(client, bundle):
    """The next page, or None."""
    links = {one["relation"]: one["url"] for one in bundle["link"]}
    if "next" not in links:
        return None
    url = urlsplit(links["next"])
    assert links["next"].startswith("http://testserver/fhir/R4/")
    return client.get(url.path, dict(parse_qsl(url.query))).json()


def told(answer):
    """Rule, place and severity of each issue."""
    return [
        (one["details"]["coding"][0]["code"], one.get("expression"), one["severity"])
        for one in answer["issue"]
    ]


def test_the_results_of_a_patient_newest_first(system, whose, record):
    answer = system.get("/fhir/R4/Observation", {"patient": str(whose.id)})

    bundle = answer.json()
    assert answer["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 5)
    assert ids(bundle) == of(*reversed(record))
    newest = bundle["entry"][0]
    assert newest["fullUrl"] == f"http://testserver/fhir/R4/Observation/{record[4].id}"
    assert newest["resource"]["note"] == [{"text": "4"}]
    assert newest["resource"]["meta"]["versionId"] == "1"
    assert bundle["link"] == [
        {"relation": "self", "url": f"http://testserver/fhir/R4/Observation?patient={whose.id}"}
    ]


def test_what_is_found_is_what_is_read(system, whose):
    kept(
        EntryFactory(registration=whose), meta={"profile": ["urn:p"], "tag": []}, valueString="1.0"
    )
    kept(EntryFactory(registration=whose), meta={}, contained=[{"meta": {"tag": []}}])
    kept(EntryFactory(registration=whose), valueQuantity={"value": 38.50})
    kept(EntryFactory(registration=whose), meta={"versionId": "7", "lastUpdated": "2020-01-01"})
    kept(EntryFactory(registration=whose), meta="x", note='"meta":{')

    bundle = ask(system, patient=whose.id)

    assert len(ids(bundle)) == 5
    for one in bundle["entry"]:
        path = one["fullUrl"].removeprefix("http://testserver")
        assert system.get(path).json() == one["resource"]


@pytest.mark.parametrize("text", ["{id}", "Patient/{id}", "http://testserver/fhir/R4/Patient/{id}"])
@pytest.mark.parametrize("name", ["patient", "subject", "subject__Patient"])
def test_a_patient_by_each_form_of_reference(name, text, system, whose, record):
    assert len(ids(ask(system, **{name: text.format(id=whose.id)}))) == 5
    assert ids(ask(system, **{name: text.format(id=uuid4())})) == []
    assert ids(ask(system, **{name: "not-one-of-ours"})) == []


def test_several_patients_and_none_that_is_both(system, hospital, whose, record):
    other = RegistrationFactory(organisation=hospital)
    theirs = kept(EntryFactory(registration=other, occurred_at=START + 2.5 * HOUR))

    both = ask(system, patient=f"{whose.id},{other.id}")
    neither = system.get(f"/fhir/R4/Observation?patient={whose.id}&patient={other.id}").json()

    assert ids(both) == of(record[4], record[3], theirs, record[2], record[1], record[0])
    assert neither["total"] == 0


def test_by_code(system, whose, record):
    fever = of(record[3], record[1])
    for code in ("8310-5", "http://loinc.org|8310-5", "8310-5,nothing"):
        assert ids(ask(system, patient=whose.id, code=code)) == fever
        assert ids(ask(system, code=code)) == fever
    assert len(ids(ask(system, code="8310-5,http://loinc.org|718-7"))) == 5
    assert ids(ask(system, patient=whose.id, code="http://loinc.org|")) == of(*reversed(record))
    assert ids(ask(system, patient=whose.id, code__not="718-7")) == fever
    for code in ("http://other|8310-5", "|8310-5", "8310"):
        assert ids(ask(system, code=code)) == ids(ask(system, code=code, patient=whose.id)) == []
    assert ids(ask(system, "Condition", code="8310-5")) == []


def test_every_coding_counts(system, whose):
    made = kept(EntryFactory(
        registration=whose, code="A1", code_system="urn:local",
        more_codes=["http://loinc.org|8310-5", "=8310-5"],
    ))  # fmt: skip

    for code in ("A1", "urn:local|A1", "8310-5", "http://loinc.org|8310-5", "A1,8310-5"):
        assert ids(ask(system, code=code)) == of(made)
        assert ids(ask(system, code=code, patient=whose.id)) == of(made)
        assert ask(system, code=code, _summary="count")["total"] == 1
    assert ids(ask(system, code="http://loinc.org|A1")) == []


def test_repeated_means_both(system, whose, record):
    path = f"/fhir/R4/Observation?patient={whose.id}&code=8310-5&code="

    assert ids(system.get(path + "718-7").json()) == []
    assert ids(system.get(path + "8310-5").json()) == of(record[3], record[1])


def test_by_category_and_status(system, whose, record):
    labs = kept(EntryFactory(
        registration=whose, occurred_at=START, status_code="amended",
        categories=["urn:c|laboratory", "=laboratory"],
    ))  # fmt: skip

    for category in ("laboratory", "urn:c|laboratory", "urn:c|", "vital-signs,laboratory"):
        assert ids(ask(system, patient=whose.id, category=category)) == of(labs)
    for category in ("|laboratory", "urn:d|laboratory", "urn:d|", "vital-signs"):
        assert ids(ask(system, patient=whose.id, category=category)) == []
    assert ids(ask(system, patient=whose.id, status="amended")) == of(labs)
    assert ids(ask(system, patient=whose.id, status="amended,other")) == of(labs)
    assert ids(ask(system, patient=whose.id, status__not="final")) == of(labs)
    assert ids(ask(system, patient=whose.id, category__not="laboratory")) == of(*reversed(record))


def test_missing(system, whose, record):
    bare = kept(EntryFactory(registration=whose, occurred_at=START))

    assert ids(ask(system, patient=whose.id, code__missing="true")) == of(bare)
    assert ids(ask(system, patient=whose.id, status__missing="false")) == of(*reversed(record))
    assert len(ids(ask(system, patient=whose.id, encounter__missing="true"))) == 6
    assert len(ids(ask(system, patient=whose.id, category__missing="false"))) == 0


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


def test_by_encounter(system, whose, record):
    visit = kept(EncounterFactory(registration=whose, occurred_at=START))
    inside = kept(EntryFactory(registration=whose, encounter=visit))

    for text in (visit.id, f"Encounter/{visit.id}", f"{visit.id},{uuid4()}"):
        assert ids(ask(system, encounter=text)) == of(inside)
        assert ids(ask(system, encounter=text, patient=whose.id)) == of(inside)
    assert ids(ask(system, encounter=uuid4())) == []
    assert ids(ask(system, "Encounter", _id=visit.id)) == of(visit)


def test_by_identifier(system, whose, hospital):
    other = RegistrationFactory()
    tokens = ["urn:s|1", "=1", "|2", "=2"]
    made = kept(EntryFactory(registration=whose, identifiers=tokens))
    kept(EntryFactory(registration=other, identifiers=tokens))

    for text in ("urn:s|1", "1", "|2", "2", "7,urn:s|1"):
        assert ids(ask(system, identifier=text)) == of(made)
        assert ids(ask(system, identifier=text, patient=whose.id)) == of(made)
    for text in ("urn:t|1", "|1", "urn:s|2", "urn:s|"[:5]):
        assert ids(ask(system, identifier=text)) == []
    assert ids(ask(system, identifier="urn:s|", patient=whose.id)) == of(made)
    assert ids(ask(system, identifier="urn:t|", patient=whose.id)) == []


def test_by_id(system, record):
    assert ids(ask(system, _id=record[2].id)) == of(record[2])
    assert ids(ask(system, _id=f"{record[2].id},{record[3].id},{uuid4()}")) == of(
        record[3], record[2]
    )
    assert ids(ask(system, "Condition", _id=record[2].id)) == []


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

    assert len(ids(ask(system, patient=whose.id, _count=1000))) == 3


def test_by_form(system, whose, record):
    answer = system.post(
        f"/fhir/R4/Observation/_search?patient={whose.id}", "code=8310-5&_count=10",
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip

    assert ids(answer.json()) == of(record[3], record[1])
    assert answer.json()["link"][0]["url"].endswith(f"?patient={whose.id}&code=8310-5&_count=10")


@pytest.mark.parametrize(
    ("type_", "body", "status", "rule"),
    [
        ("application/json", b"{}", 415, "form-type"),
        ("application/x-www-form-urlencoded", b"\xff=1", 400, "search-form"),
        ("application/x-www-form-urlencoded", b"a=%FF", 400, "search-form"),
        ("application/x-www-form-urlencoded", b"a=1&" * 300, 400, "search-form"),
        ("application/x-www-form-urlencoded", b"code=%00", 400, "search-value"),
    ],
)
def test_forms_that_are_none(type_, body, status, rule, system):
    answer = system.post("/fhir/R4/Observation/_search", body, content_type=type_)

    assert (answer.status_code, told(answer.json())[0][0]) == (status, rule)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("favourite", "1", "search-parameter"),
        ("code:in", "urn:set", "search-modifier"),
        ("date:not", "2026", "search-modifier"),
        ("_sort", "status,-date", "search-sort"),
        ("_sort", "code", "search-sort"),
        ("_include", "Observation:nothing", "search-include"),
        ("_include", "Condition:subject", "search-include"),
        ("_revinclude", "Provenance:target", "search-parameter"),
        ("_summary", "text", "search-parameter"),
        ("_elements", "code", "search-parameter"),
        ("_has:Condition:subject:code", "1", "search-parameter"),
    ],
)
def test_what_is_not_supported_is_said_or_refused(name, text, rule, system, whose, record):
    asked = {"patient": str(whose.id), name: text}

    lenient = system.get("/fhir/R4/Observation", asked)
    strict = system.get("/fhir/R4/Observation", asked, headers={"Prefer": "handling=strict"})

    bundle = lenient.json()
    assert ids(bundle) == of(*reversed(record))
    said = bundle["entry"][-1]
    assert said["search"]["mode"] == "outcome"
    assert told(said["resource"]) == [(rule, [name], "warning")]
    assert name.split(":")[0] not in bundle["link"][0]["url"]
    assert (strict.status_code, told(strict.json())) == (400, [(rule, [name], "error")])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("patient", "Group/1"),
        ("patient", "Patient/"),
        ("patient", "a b"),
        ("patient", "http://elsewhere/Patient/1"),
        ("patient", ""),
        ("patient", "a,,b"),
        ("encounter", "Patient/1"),
        ("_id", "x/y/z"),
        ("code", ""),
        ("code", "|"),
        ("code", "a|b|c"),
        ("code", "a,"),
        ("code", "x" * 5000),
        ("code", ",".join("x" * 101)),
        ("status", "urn:s|"),
        ("date", "yesterday"),
        ("date", "2026-13"),
        ("date", "2026-02-30"),
        ("date", "0000"),
        ("date", "ge"),
        ("date", "ap2026"),
        ("date", "2026-01-01T25:00:00Z"),
        ("date", "9999-12-31T23:59:59-14:00"),
        ("_lastUpdated", "x"),
        ("_count", "-1"),
        ("_count", "many"),
        ("_count", "１"),
        ("_total", "perhaps"),
        ("code:missing", "perhaps"),
        ("_id:missing", "true"),
    ],
)
def test_values_that_are_none_are_refused_by_name(name, text, system, record):
    answer = system.get("/fhir/R4/Observation", {name: text})

    assert answer.status_code == 400, answer.content
    assert told(answer.json()) == [("search-value", [name], "error")]
    assert not AuditRow.objects.filter(action="record.search").exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "final"}, {"category": "x"}, {"date": "2026"}, {"code": "urn:s|"},
        {"code": "x", "_sort": "_lastUpdated"}, {"_sort": "date"}, {"_sort": "_id"},
    ],
)  # fmt: skip
def test_what_no_index_leads_to_is_too_broad(asked, system, record):
    answer = system.get("/fhir/R4/Observation", asked)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "too-costly"


def test_a_search_that_takes_too_long_is_too_broad(system, record, monkeypatch):
    monkeypatch.setattr(rows, "LONGEST_MS", 1)
    monkeypatch.setattr(rows, "page_statement", lambda *_: ("SELECT pg_sleep(1), NULL, NULL", {}))

    answer = system.get("/fhir/R4/Observation")

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "too-costly")


def test_what_was_deleted_is_not_found(system, whose, record):
    with arriving():
        ClinicalEntry.objects.filter(pk=record[2].pk).update(deleted=True)

    left = of(record[4], record[3], record[1], record[0])
    assert ids(ask(system, patient=whose.id)) == left
    assert ids(ask(system, _id=record[2].id)) == []
    assert ask(system, _summary="count")["total"] == 4


def test_documents_and_visits(system, whose):
    note = kept(DocumentFactory(registration=whose, code="18842-5", code_system="urn:l"))
    visit = kept(EncounterFactory(registration=whose, status_code="finished"))

    assert ids(ask(system, "DocumentReference", patient=whose.id, type="18842-5")) == of(note)
    assert ids(ask(system, "Encounter", patient=whose.id, status="finished")) == of(visit)
    assert ids(ask(system, "Encounter", date="ge2026", status="finished")) == of(visit)


def test_an_unknown_type_and_head(system, whose, record):
    assert system.get("/fhir/R4/Nothing").status_code == 422
    assert system.head(f"/fhir/R4/Observation?patient={whose.id}").status_code == 200


def test_a_page_takes_three_statements_however_long(system, whose, record):
    ask(system, patient=whose.id, _count=2)  # reads the keys that seal cursors
    with CaptureQueriesContext(connection) as few:
        ask(system, patient=whose.id, _count=2)
    with CaptureQueriesContext(connection) as many:
        ask(system, patient=whose.id, _count=200)

    assert len(few) == len(many) == 3  # the token, the page, the audit rows
