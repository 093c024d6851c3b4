"""Thousands of broken messages and odd requests: each is answered soon and with reasons, none is half stored.

pytest --node city tests/health_records/test_fuzz.py --hypothesis-profile=deep
"""

import copy
import gzip
import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.conftest import undone
from tests.factories.fhir import bundle, entry, patient, visit
from tests.health_records import hostile

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

PATIENCE, STALLED = 5.0, 20.0
"""Seconds of work within which anything is answered; and with waiting, for the machine may be busy."""

JSON = "application/fhir+json"
SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "fhir" / "gansu").glob("*/*.json"))
FUZZ = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)  # fmt: skip


def chain():
    """A batch in which each entry refers to the next."""
    listed = [
        entry({"resourceType": "Organization", "id": f"o{number}", "name": "院", "telecom": [
            {"system": "phone", "value": f"0931-{number:07}"}],
            "partOf": {"reference": f"Organization/o{number + 1}"}})
        for number in range(40)
    ]  # fmt: skip
    last = entry({"resourceType": "Organization", "id": "o40", "name": "院"})
    return bundle(*listed, last, type_="batch")


def sound_messages():
    """What the changes are made to."""
    mixed = visit()
    mixed["entry"].append({"request": {"method": "DELETE", "url": "Condition/none"}})
    mixed["entry"].append(
        entry(patient("9"), method="PUT", url="Patient?identifier=urn:test:mrn|9")
    )
    samples = [json.loads(path.read_bytes()) for path in SAMPLES[:4]]
    return {
        "visit": [visit(), visit() | {"type": "batch"}],
        "mixed": [mixed, mixed | {"type": "batch"}],
        "sample": [one | {"type": type_} for one in samples for type_ in ("transaction", "batch")],
        "chain": [chain()],
    }


SOUND = sound_messages()


def answered(send):
    """The answer, in time and none of a fault of ours."""
    started, worked = time.perf_counter(), time.process_time()
    answer = send()
    assert time.process_time() - worked < PATIENCE
    assert time.perf_counter() - started < STALLED
    assert answer.status_code < 500, answer.content
    event(f"answered {answer.status_code}")
    return answer


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("kind", sorted(SOUND))
def test_broken_bundles(kind, data, push, system, stored):
    message = copy.deepcopy(data.draw(st.sampled_from(SOUND[kind])))
    for _ in range(data.draw(st.integers(1, 5))):
        hostile.change(message, data.draw)
    with undone():
        before = stored()

        answer = answered(lambda: push(hostile.as_json(message)))

        told = answer.json()
        if answer.status_code != 200:
            assert told["resourceType"] == "OperationOutcome"
            assert all(issue["details"]["text"] for issue in told["issue"])
            assert stored() == before
            return
        assert told["resourceType"] == "Bundle"
        responses = [one["response"] for one in told.get("entry", ())]
        kept = {one["location"] for one in responses if "location" in one}
        assert len({place.split("/")[1] for place in kept}) >= stored()["ResourceVersion"]
        for place in sorted(kept)[:8]:
            read = answered(lambda place=place: system.get(f"/fhir/R4/{place}"))
            assert read.status_code == 200
            assert read.json()["resourceType"] == place.partition("/")[0]
        for one in responses:
            assert "location" in one or "outcome" in one or one["status"].startswith("204")


@FUZZ
@given(data=st.data())
def test_broken_resources_that_come_alone(data, system, stored):
    kind = data.draw(st.sampled_from(["visit", "sample"]))
    listed = data.draw(st.sampled_from(SOUND[kind]))["entry"]
    resource = copy.deepcopy(data.draw(st.sampled_from(listed))["resource"])
    type_ = resource["resourceType"]
    for _ in range(data.draw(st.integers(0, 4))):
        hostile.change(resource, data.draw)
    address = f"/fhir/R4/{type_}"
    send = system.post
    if data.draw(st.booleans()):
        send, id_ = (
            system.put,
            data.draw(st.sampled_from([resource.get("id"), "x", "9" * 64, 2**63])),
        )
        address += f"/{quote(str(id_)[:300].encode('utf-8', 'replace'))}"
    with undone():
        before = stored()

        answer = answered(lambda: send(address, hostile.as_json(resource), content_type=JSON))

        if answer.status_code >= 400:
            assert answer.json()["resourceType"] == "OperationOutcome"
            assert stored() == before
        else:
            assert answer.status_code in {200, 201}
            read = answered(lambda: system.get(answer["Location"]))
            assert read.status_code == 200


@FUZZ
@given(data=st.data())
def test_broken_bytes(data, push, stored):
    raw = hostile.as_json(data.draw(st.sampled_from(SOUND["visit"])))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.sampled_from([0, 1, 2, 50]))
        raw = raw[:start] + data.draw(st.binary(max_size=6)) + raw[start + length :]
    headers = {}
    match data.draw(st.sampled_from(["plain", "gzip", "cut gzip", "changed gzip", "no gzip"])):
        case "gzip":
            raw, headers = gzip.compress(raw), {"Content-Encoding": "gzip"}
        case "cut gzip":
            raw = gzip.compress(raw)
            raw, headers = raw[: data.draw(st.integers(0, len(raw)))], {"Content-Encoding": "gzip"}
        case "changed gzip":
            packed = bytearray(gzip.compress(raw))
            packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
            raw, headers = bytes(packed), {"Content-Encoding": "gzip"}
        case "no gzip":
            headers = {"Content-Encoding": data.draw(st.sampled_from(["gzip", "br", "GZIP ", ""]))}
    with undone():
        before = stored()

        answer = answered(lambda: push(raw, **headers))

        expected = "Bundle" if answer.status_code == 200 else "OperationOutcome"
        assert answer.json()["resourceType"] == expected
        if answer.status_code != 200:
            assert stored() == before


METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"]
)
NAMES = st.sampled_from([
    "_id", "_lastUpdated", "identifier", "patient", "subject", "encounter", "code", "category", "date",
    "status", "_count", "_sort", "_total", "_include", "_revinclude", "_summary", "_elements", "_format",
    "_pretty", "cursor", "_cursor", "name", "family", "given", "birthdate", "gender", "phone", "telecom",
    "code:not", "date:missing", "name:exact", "patient:Patient", "_has", "_since", "start", "end", "page",
    "patient.name", "", ":", "%00",
])  # fmt: skip
PARAMETERS = st.one_of(
    st.sampled_from([
        "", ",", "|", "||", "a|b|c", "a\\|b", "\\", "a\\", "%00", "%", "%zz", "+", "ge", "ge2026", "gt2026-02-30",
        "sa0000", "eb9999-12-31", "ne10000", "lt2026-01-01T00:00:00+99:99", "-1", "0", "99999999999999999999",
        "1e9", "true", "*", "Patient:*", "Observation:subject", "-date", "date,-date", "-", "accurate", "none",
        "x" * 5_000, ",".join("abc" * 60), "Patient/1", "http://testserver/fhir/R4/Patient/1", "json", "xml",
        "\ud800", "\u202e", "13812345678", hostile.INCOMPRESSIBLE,
    ]),
    st.text(max_size=10),
    hostile.DATES,
)  # fmt: skip
VISIBLE = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), max_size=20
)
HEADERS = st.fixed_dictionaries({}, optional={
    "If-Match": st.sampled_from(["*", 'W/"1"', '"1"', "1", f'W/"{2**63}"', 'W/"-1"', 'W/"1","2"', ""]) | VISIBLE,
    "If-None-Match": st.sampled_from(["*", 'W/"1"', ",", '"']) | VISIBLE,
    "If-None-Exist": st.sampled_from(["identifier=s|1", "identifier=s|%00", "_id=x", "?", "name=x"]) | VISIBLE,
    "If-Modified-Since": st.sampled_from(["Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Foo 99999", "0"]) | VISIBLE,
    "Prefer": st.sampled_from(["return=minimal", "return=", "handling=strict", "respond-async", ";;,"]) | VISIBLE,
    "Accept": st.sampled_from(["*/*", "application/fhir+xml", "text/html;q=x", ";", "application/json;q=-1"]) | VISIBLE,
    "Accept-Encoding": st.sampled_from(["gzip", "gzip;q=0", "gzip;q=nan", "*;q=inf", "identity"]) | VISIBLE,
    "Accept-Language": st.sampled_from(["en", "zh-CN", "x" * 300, "en;q=2,*"]) | VISIBLE,
    "Content-Encoding": st.sampled_from(["gzip", "identity", "deflate"]) | VISIBLE,
    "X-Message-Id": st.sampled_from(["m1", "x" * 201, "13812345678"]) | VISIBLE,
    "X-Request-Id": VISIBLE,
})  # fmt: skip
BOMB = gzip.compress(b" " * 40_000_000, 9)
BODIES = st.one_of(
    st.sampled_from([
        b"", b"{}", b"[]", b"null", BOMB, BOMB[:2_000], gzip.compress(b"{}"), b"\x1f\x8b", b"a=b&c=%00", b"&" * 500,
        b"identifier=%ff", b'{"resourceType":"Parameters"}', json.dumps(patient("7")).encode(),
    ]),
    st.binary(max_size=30),
)  # fmt: skip
CONTENT_TYPES = st.sampled_from([
    JSON, "application/json", "application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data",
    "application/json; charset=nonsense", "application/json-patch+json",
])  # fmt: skip


@st.composite
def addresses(draw, ids):
    """A path below the door and a query."""
    type_ = st.sampled_from(
        ["Patient", "Observation", "Practitioner", "Encounter", "Bundle", "patient", "Nothing"]
    )
    id_ = st.sampled_from(
        [*ids, "pat-00012345", "x", "9" * 64, "00000000-0000-0000-0000-000000000000"]
    )
    version = st.sampled_from(["1", "2", "0", "-1", "1.0", "١", "9" * 30, "%00"])
    odd = st.text(max_size=6).map(lambda text: quote(text.encode("utf-8", "replace")))
    parts = draw(st.one_of(
        st.just([]), st.just(["metadata"]), st.tuples(type_), st.tuples(type_, st.just("_search")),
        st.tuples(type_, id_), st.tuples(type_, id_, st.just("_history")),
        st.tuples(type_, id_, st.just("_history"), version), st.tuples(type_, st.just("_history")),
        st.tuples(type_, id_, st.just("$everything")), st.tuples(type_, odd), st.tuples(odd),
        st.tuples(type_, id_, odd),
    ))  # fmt: skip
    pairs = draw(st.lists(st.tuples(NAMES, PARAMETERS), max_size=4))
    query = "&".join(
        f"{name}={quote(value.encode('utf-8', 'replace'), safe='%|,/:+')}" for name, value in pairs
    )
    return "/fhir/R4" + "".join(f"/{part}" for part in parts) + (f"?{query}" if query else "")


@FUZZ
@given(data=st.data())
def test_odd_requests(data, push, system, stored):
    with undone():
        first = push(visit()).json()["entry"]
        before = stored()
        ids = [one["response"]["location"].split("/")[1] for one in first]
        address = data.draw(addresses(list(range(len(ids)))))
        for place, id_ in enumerate(ids):  # ids differ in every run, the draws must not
            address = address.replace(f"/{place}/", f"/{id_}/").replace(f"/{place}?", f"/{id_}?")
            address = (
                f"{address.removesuffix(f'/{place}')}/{id_}"
                if address.endswith(f"/{place}")
                else address
            )
        method, headers = data.draw(METHODS), data.draw(HEADERS)
        body, content_type = data.draw(BODIES), data.draw(CONTENT_TYPES)

        answer = answered(
            lambda: system.generic(
                method, address, body, content_type=content_type, headers=headers
            )
        )

        if answer.status_code >= 400:
            assert stored() == before
            assert method == "HEAD" or answer.headers["Content-Type"].partition(";")[0].endswith(
                "json"
            )
        elif method in {"GET", "HEAD", "PATCH", "OPTIONS", "TRACE", "BREW"}:
            assert stored() == before
