"""What a hostile or broken system sends: values, and changes to a sound message, for Hypothesis to draw."""

import copy
import json
import random

from hypothesis import strategies as st

from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.structure import definitions

_random = random.Random(2026)  # noqa: S311 — the same in every run
INCOMPRESSIBLE = "".join(
    _random.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345", k=3_000)
)
WIDE = "".join(chr(0x20000 + _random.randrange(0x8000)) for _ in range(1_500))
ELEMENTS = sorted({name for one in definitions()["types"].values() for name in one["elements"]})
TYPES = sorted(RESOURCE_TYPES)

RAW = {
    "@overflow@": "1e400", "@underflow@": "1e-400", "@long@": "1." + "0" * 400, "@nan@": "NaN",
    "@minus@": "-0", "@exponent@": "1E+5", "@twice@": '{"a":1,"a":2}', "@open@": "[",
    "@deep@": "[" * 300 + "]" * 300, "@deeper@": '{"extension":[' * 5_000 + "]}" * 5_000,
}  # fmt: skip
"""JSON that `json.dumps` does not write."""

REFERENCES = st.one_of(
    st.sampled_from([
        "#", "#x", "#doctor", "urn:uuid:1", "urn:oid:1.2", "urn:uuid:00000000-0000-4000-8000-000000000000",
        "Patient/", "Patient/1/2", "Patient/1/_history/", "Patient/1/_history/99999999999999999999",
        "Patient/pat-00012345/_history/1", "http://testserver/fhir/R4/Patient/x", "http://x/Patient/1|2",
        "//x", "Patient?identifier=x|%00", "Patient?identifier=%ED%A0%80|%80", "Patient?identifier=|",
        "Patient?identifier=a|b&identifier=c|d", "Patient?name=x", "Nothing/1", "../Patient/1", "://",
        f"Practitioner?identifier=s|{INCOMPRESSIBLE}", f"Patient/{'9' * 64}", f"Patient/{2**63}",
    ]),
    st.builds(lambda type_, id_: f"{type_}/{id_}", st.sampled_from(TYPES), st.text(max_size=8)),
)  # fmt: skip
DATES = st.sampled_from([
    "2026-02-30", "2026-13", "0000-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-01-01T24:00:00Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+25:00",
    "-2026", "10000", "２０２６-01-01", "2026-01-01T00:00:00." + "1" * 40 + "Z", "1582-10-10",
])  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([
        "", " ", "\0", "a\0b", "\ud800", "\udc00\ud800", "\x0b", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff",
        "\uffff", "\U0010ffff", "e\u0301" * 50, "\u0e4a" * 500, "👨‍👩‍👧‍👦", "ﷺ" * 100, "İ" * 400, "ẞ" * 400, "１３８１２３４５６７８",
        "620102199003070018", "13812345678", "\\", '\\"', "{}", "{a,b}", "%s%n", "'; DROP TABLE x; --",
        "<div xmlns='http://www.w3.org/1999/xhtml'>" + "<b>" * 300, "<!DOCTYPE x [<!ENTITY a 'a'>]>",
        INCOMPRESSIBLE, WIDE, "x" * 100_000, "1" * 400, "true", "null", "1e5", "2147483648",
    ]),
    st.text(max_size=12),
    DATES,
    REFERENCES,
    st.sampled_from(sorted(RAW)),
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1e308, 5e-324, 0.1]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
KEYS = st.one_of(
    st.sampled_from([
        "id", "value", "system", "extension", "_id", "_value", "contained", "reference", "resourceType",
        "", " ", "__proto__", "a/b", "~", "a.b", "\0", "\ud800", INCOMPRESSIBLE, "data", "telecom", "identifier",
    ]),
    st.sampled_from(ELEMENTS).map(lambda name: name.replace("[x]", "Reference")),
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
CHANGES = st.sampled_from([
    "replace", "replace", "retype", "remove", "double", "rename", "move", "wrap", "unwrap", "add", "deepen",
    "grow", "refer", "contain", "number",
])  # fmt: skip


def places(node, path=()):
    """Every path below a node."""
    children = (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    )  # fmt: skip
    for key, value in children:
        yield (*path, key)
        yield from places(value, (*path, key))


def at(node, path):
    """The node at a path."""
    for key in path:
        node = node[key]
    return node


def change(message, draw):
    """One change somewhere in the message."""
    every = list(places(message))
    if not every:
        return
    path = every[draw(st.integers(0, len(every) - 1))]
    holder, last = at(message, path[:-1]), path[-1]
    value = holder[last]
    match draw(CHANGES):
        case "replace":
            holder[last] = draw(VALUES)
        case "retype":
            holder[last] = draw(
                st.sampled_from([str(value)[:200], [value], {"value": value}, 1, True, None])
            )
        case "remove":
            del holder[last]
        case "double" if isinstance(holder, list):
            holder.append(copy.deepcopy(value))
        case "rename" | "double" if isinstance(holder, dict):
            holder[draw(KEYS)] = copy.deepcopy(value)
        case "move":
            target = at(message, every[draw(st.integers(0, len(every) - 1))])
            moved = copy.deepcopy(value)
            if isinstance(target, dict):
                target[str(last)] = moved
            elif isinstance(target, list):
                target.append(moved)
        case "wrap":
            holder[last] = [value, draw(VALUES)]
        case "unwrap" if isinstance(value, list) and value:
            holder[last] = value[0]
        case "add" if isinstance(value, dict):
            value[draw(KEYS)] = draw(VALUES)
        case "deepen":
            for _ in range(draw(st.sampled_from([3, 30, 66]))):
                value = [value] if isinstance(value, list) else {"extension": [value]}
            holder[last] = value
        case "grow" if isinstance(value, list) and value and len(json.dumps(value[0])) < 400:
            holder[last] = value * draw(st.sampled_from([2, 101, 1_500]))
        case "refer" if isinstance(value, dict):
            value["reference"] = draw(REFERENCES)
        case "contain" if isinstance(value, dict):
            value["contained"] = [
                {"resourceType": "PractitionerRole", "id": "a", "practitioner": {"reference": "#b"}},
                {"resourceType": "Practitioner", "id": draw(st.sampled_from(["b", "a", ""])),
                 "contained": [], "qualification": [{"issuer": {"reference": "#a"}}]},
            ]  # fmt: skip
        case "number" if isinstance(value, str):
            holder[last] = draw(NUMBERS)
        case _:
            holder[last] = draw(TEXTS)


def as_json(message):
    """The bytes of it, with what only raw JSON can say."""
    text = json.dumps(message)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode()
