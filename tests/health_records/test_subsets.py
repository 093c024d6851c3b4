"""`_summary` and `_elements`: less than the whole resource, and marked so."""

import pytest

from health_records.formats.fhir.bundles import SUBSETTED
from health_records.formats.fhir.parsing import parse
from health_records.formats.fhir.subsets import SUMMARIES
from tests.factories.fhir import as_bytes, bundle, entry, patient, visit
from tests.factories.records import EntryFactory
from tests.health_records.searching import ask, ids, kept, told

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]

TAG = {"tag": [SUBSETTED]}
RESULT = {
    "resourceType": "Observation", "id": "r", "status": "final", "language": "zh",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">38.50</div>'},
    "modifierExtension": [{"url": "http://x/m", "valueCode": "m"}],
    "extension": [{"url": "http://x/e", "valueCode": "e"}],
    "contained": [{"resourceType": "Device", "id": "d"}],
    "device": {"reference": "#d"},
    "code": {"text": "体温", "coding": [{"code": "8310-5", "extension": [{"url": "http://x", "valueCode": "y"}]}]},
    "effectiveDateTime": "2026-10-01", "valueQuantity": {"value": 38.50, "unit": "Cel"},
    "_issued": {"extension": [{"url": "http://x", "valueCode": "y"}]},
    "component": [{
        "code": {"text": "a"}, "valueQuantity": {"value": 1.0}, "interpretation": [{"text": "高"}],
    }],
    "note": [{"text": "b"}],
}  # fmt: skip
MAY = {"status", "modifierExtension", "code"}
"""What is required or modifies."""


@pytest.fixture
def address(push):
    """Where a result is."""
    answer = push(bundle(entry(RESULT)))
    return answer.json()["entry"][0]["response"]["location"].partition("/_history")[0]


def read(client, address, **asked):
    """The resource without what is ours."""
    answer = client.get(f"/fhir/R4/{address}", asked)
    assert answer.status_code == 200, answer.content
    resource = answer.json()
    assert resource.pop("resourceType") == "Observation"
    assert resource.pop("id") == address.rpartition("/")[2]
    meta = resource.pop("meta")
    assert meta["versionId"] == "1"
    return resource, {"tag": meta["tag"]} if "tag" in meta else {}


def test_the_summary_is_that_of_the_definitions(system, address):
    resource, tag = read(system, address, _summary="true")

    assert tag == TAG
    assert resource == {
        **{name: RESULT[name] for name in ("status", "modifierExtension", "effectiveDateTime",
                                           "valueQuantity", "_issued")},
        "code": {"text": "体温", "coding": [{"code": "8310-5"}]},
        "component": [{"code": {"text": "a"}, "valueQuantity": {"value": 1.0}}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ({"_summary": "text"}, MAY | {"text"}),
        ({"_summary": "data"}, RESULT.keys() - {"text", "resourceType", "id"}),
        ({"_elements": "value,note"}, MAY | {"valueQuantity", "note"}),
        ({"_elements": "issued"}, MAY | {"_issued"}),
        ({"_elements": "id"}, MAY),
    ],
)
def test_parts(asked, there, system, address):
    resource, tag = read(system, address, **asked)

    assert (resource, tag) == ({name: RESULT[name] for name in there}, TAG)


@pytest.mark.parametrize("asked", [{}, {"_summary": "false"}, {"_elements": ""}])
def test_the_whole(asked, system, address):
    resource, tag = read(system, address, **asked)

    assert (resource.keys(), tag) == (RESULT.keys() - {"resourceType", "id"}, {})


def test_a_version_and_the_head_too(system, address):
    whole = system.get(f"/fhir/R4/{address}/_history/1", {"_elements": "note"})
    head = system.head(f"/fhir/R4/{address}", {"_elements": "note"})
    same = system.get(
        f"/fhir/R4/{address}", {"_elements": "note"}, headers={"If-None-Match": 'W/"1"'}
    )

    assert whole.json()["meta"]["tag"] == [SUBSETTED]
    assert (head.content, head["Content-Length"]) == (b"", str(len(whole.content)))
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    "asked",
    [{"_summary": "count"}, {"_summary": "x"}, {"_elements": "nonsense"}, {"_elements": "value[x]"},
     {"_elements": "code,"}],
)  # fmt: skip
def test_what_is_no_part(asked, system, address):
    for path in (address, "Observation"):
        answer = system.get(f"/fhir/R4/{path}", asked | {"_id": address.rpartition("/")[2]})
        if path == "Observation" and "_summary" in asked:
            continue  # of a search `count` is one, and the other is told in the answer
        assert answer.status_code == 400
        assert told(answer.json())[0][:2] == ("search-value", [next(iter(asked))])


def test_decimals_are_as_they_were_written(push, system):
    raw = as_bytes(bundle(entry(RESULT))).replace(b'"value": 38.5,', b'"value": 38.50,')
    location = push(raw).json()["entry"][0]["response"]["location"]

    for asked in ({"_summary": "true"}, {"_summary": "data"}, {"_elements": "value"}):
        assert b'"value":38.50}' in system.get(f"/fhir/R4/{location}", asked).content


@pytest.mark.parametrize(
    ("tags", "status"), [([SUBSETTED], 422), ([{"code": "x"}], 201), ([{"code": "SUBSETTED"}], 201)]
)
def test_a_part_is_not_stored_as_the_whole(tags, status, push, stored):
    """R4, 3.1.1.5.9: so that nobody overwrites a resource with a part of it."""
    before = stored()

    answer = push(RESULT | {"meta": {"tag": tags}}, path="/fhir/R4/Observation")

    assert answer.status_code == status
    if status == 422:
        assert told(answer.json()) == [("subsetted", ["meta.tag"], "error")]
        assert stored() == before


def test_a_search_gives_parts_of_matches_and_of_what_they_refer_to(push, system):
    push(visit())
    asked = {"_include": "Observation:subject", "code": "8310-5"}

    whole = ask(system, **asked)["entry"]
    summaries = ask(system, **asked, _summary="true")["entry"]
    elements = ask(system, **asked, _elements="code")["entry"]

    assert [one["resource"]["resourceType"] for one in whole] == ["Observation", "Patient"]
    for one, all_of_it in zip(summaries, whole, strict=True):
        assert parse(SUMMARIES["true"](as_bytes(all_of_it["resource"]))) == one["resource"]
        assert one["resource"]["meta"]["tag"] == [SUBSETTED]
    assert elements[0]["resource"].keys() == {"resourceType", "id", "meta", "status", "code"}
    assert elements[1] == whole[1]


def test_pages_after_the_first_are_parts_too(system, whose, record):
    first = ask(system, patient=whose.id, _count=2, _elements="note")
    link = {one["relation"]: one["url"] for one in first["link"]}
    second = system.get(link["next"].removeprefix("http://testserver")).json()

    assert "_elements=note" in link["self"]
    assert len(ids(second)) == 2
    for one in (*first["entry"], *second["entry"]):
        assert one["resource"].keys() == {"resourceType", "id", "meta", "note"}


def test_two_wishes_and_text_with_includes(system, whose, record):
    both = ask(system, patient=whose.id, _summary="data", _elements="note")
    twice = ask(system, patient=whose.id, _elements="note", _summary="data")

    assert told(both["entry"][-1]["resource"]) == [("search-parameter", ["_elements"], "warning")]
    assert told(twice["entry"][-1]["resource"]) == [("search-parameter", ["_summary"], "warning")]
    mixed = system.get(
        f"/fhir/R4/Observation?patient={whose.id}&_summary=text&_include=Observation:subject"
    )
    assert (mixed.status_code, told(mixed.json())[0][0]) == (400, "search-value")


def test_a_mark_of_the_source_is_not_doubled(system, whose):
    made = kept(EntryFactory(registration=whose), meta={"tag": [SUBSETTED, {"code": "x"}]})

    answer = system.get(f"/fhir/R4/Observation/{made.id}", {"_summary": "data"})

    assert answer.json()["meta"]["tag"] == [{"code": "x"}, SUBSETTED]


def test_summaries_of_resources_in_resources(push, system):
    """Of a Bundle that is kept whole the entries are summed up as what they are."""
    inner = bundle(entry(patient("7")), type_="collection")
    del inner["entry"][0]["request"]
    created = push(inner, path="/fhir/R4/Bundle").json()

    summary = system.get(f"/fhir/R4/Bundle/{created['id']}", {"_summary": "true"}).json()

    whole = inner["entry"][0]["resource"]
    assert summary["entry"] == [{"fullUrl": inner["entry"][0]["fullUrl"], "resource": whole}]
    inner["entry"][0]["resource"] = {
        **whole, "maritalStatus": {"text": "已婚"}, "communication": [{"language": {"text": "汉语"}}]
    }  # fmt: skip
    created = push(inner, path="/fhir/R4/Bundle").json()
    again = system.get(f"/fhir/R4/Bundle/{created['id']}", {"_summary": "true"}).json()
    assert again["entry"] == summary["entry"]
