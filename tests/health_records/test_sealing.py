"""What is cut out of a resource comes back, whatever the resource."""

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_records.formats.fhir.parsing import dump, parse
from health_records.formats.fhir.sealing import cut, needles_of, put_back, secrets_of

PHONE, NUMBER = "13812345678", "620102199003070018"
TEXTS = st.sampled_from(
    [
        PHONE,
        NUMBER,
        f"电话 {PHONE}。",
        "abc",
        "",
        "~1/~",
        base64.b64encode(b"x").decode(),
        "not base64",
    ]
)
KEYS = st.sampled_from(
    [
        "value",
        "telecom",
        "identifier",
        "text",
        "a/b",
        "c~d",
        "data",
        "contentType",
        "resourceType",
        "id",
    ]
)
TREES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


def back(resource, attachments, sealed):
    values = dict(sealed)
    for one in attachments:
        text = base64.b64encode(one.content) if one.is_base64 else one.content
        values[one.pointer] = text.decode()
    put_back(resource, values)


@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_cut_and_put_back_is_nothing(resource):
    given_ = copy.deepcopy(resource)

    sealed, attachments = cut(resource, needles_of(secrets_of([resource])))

    left = json.dumps(resource, ensure_ascii=False)
    assert PHONE not in left
    assert NUMBER not in left
    back(resource, attachments, sealed)
    assert resource == given_


@pytest.mark.parametrize("type_", ["Patient", "RelatedPerson", "Person"])
def test_every_number_of_a_person_is_cut(type_):
    resource = {"resourceType": type_, "identifier": [{"system": "s", "value": "7"}]}

    sealed, _ = cut(resource, None)

    assert sealed == {"/identifier/0/value": "7"}
    assert resource["identifier"] == [{"system": "s"}]


def test_a_contained_person_is_a_person_too():
    inner = {"resourceType": "Patient", "identifier": [{"value": "A7"}]}
    resource = {
        "resourceType": "Observation",
        "identifier": [{"value": "B7"}],
        "contained": [inner],
    }

    sealed, _ = cut(resource, needles_of(secrets_of([resource])))

    assert sealed == {"/contained/0/identifier/0/value": "A7"}


def test_a_value_of_one_resource_is_cut_out_of_another():
    patient = {"resourceType": "Patient", "identifier": [{"value": "S99979112"}]}
    note: dict[str, Any] = {
        "resourceType": "Basic",
        "text": {"div": "<p>licence S99979112</p>"},
        "code": ["S99979112"],
    }

    sealed, _ = cut(note, needles_of(secrets_of([patient])))

    assert sealed == {"/text/div": "<p>licence S99979112</p>", "/code/0": "S99979112"}
    assert note["code"] == [None]


@pytest.mark.parametrize(
    "text",
    ["0138123456789", "a13812345678", "01a1fd86-29b2-729d-a2e3-138123456789", "620102199003"],
)
def test_what_only_resembles_a_number_stays(text):
    resource = {"resourceType": "Basic", "note": text}

    assert cut(resource, None) == ({}, [])


def test_sampled_data_is_no_attachment():
    wave = {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2 3"}

    assert cut({"resourceType": "Observation", "valueSampledData": wave}, None) == ({}, [])


@pytest.mark.parametrize("text", ["1.10", "0.5", "1e2", "12345678901234.567890", "-0.0"])
def test_decimals_are_kept_as_they_were_written(text):
    assert dump(parse(f'{{"value":{text}}}'.encode())) == f'{{"value":{text}}}'.encode()


@pytest.mark.parametrize("text", ["1e400", "1e-400", f"0.{'1' * 200}", str(2**70)])
def test_numbers_that_no_column_holds(text):
    with pytest.raises(Exception, match="json-number"):
        dump(parse(f'{{"value":{text}}}'.encode()))
