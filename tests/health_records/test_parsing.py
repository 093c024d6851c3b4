"""The quick way to read JSON is taken only where it tells the same as the careful one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_records.formats.fhir import parsing
from health_records.formats.fhir.issues import MessageRefused
from health_records.formats.fhir.parsing import Decimal, dump, parse

NUMBERS = st.sampled_from(
    ["0", "-0", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "0.0", "-0.0", "1.0", "1.00", "1E5", "1e-7", "0.1e1", "12345678901234567890",
     "123456789012345678901234567890", "-71.21162918715163", "1e400", "01", "1.", "NaN", "0e0"]
)  # fmt: skip
KEYS = st.sampled_from(["a", "b", "a b", "a:b", "\\u0061", 'a\\"', "键", "-0"])
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "x y",
        "-0",
        '\\"',
        "\\\\",
        "\\/",
        "\\u0000",
        "\\ud800",
        "\\n",
        "中文，",
        "😀",
        "\t",
        "1.00",
    ]
)
BLANKS = st.sampled_from(["", " ", "\n  ", "\t"])
SCALARS = st.one_of(NUMBERS, TEXTS.map(lambda text: f'"{text}"'), st.sampled_from(["true", "null"]))


def _object(parts: list[tuple[str, str, str]]) -> str:
    return "{" + ",".join(f'{blank}"{key}"{blank}:{value}' for blank, key, value in parts) + "}"


TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(st.tuples(BLANKS, KEYS, inner), max_size=4).map(_object),
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    ),
    max_leaves=12,
)


def _told(read: Any, raw: bytes) -> Any:
    try:
        return _as_written(read(raw))
    except MessageRefused as refusal:
        return [(one.rule, one.path, one.value) for one in refusal.issues]


def _as_written(value: Any) -> Any:
    """The value with its types, and decimals as texts."""
    if isinstance(value, dict):
        return {key: _as_written(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_written(one) for one in value]
    return type(value).__name__, value.text if isinstance(value, Decimal) else value


@given(TREES)
def test_both_ways_tell_the_same(text: str) -> None:
    raw = text.encode()
    assert _told(parse, raw) == _told(parsing._parse_carefully, raw)


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_usual_messages_are_read_quickly(indent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_parse_carefully", None)
    value = {"resourceType": "Patient", "name": [{"text": "张 三"}], "n": [1, 2.5, True, None]}
    raw = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    assert parse(raw) == value
    assert dump(parse(b'{"value":1.00}')) == b'{"value":1.00}'
