"""Whatever becomes of a resource, validation answers with issues and never fails."""

import bz2
import copy
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from health_records.formats.fhir.issues import RULES, outcome
from health_records.formats.fhir.parsing import Decimal, parse
from health_records.formats.fhir.validation.findings import Findings
from health_records.formats.fhir.validation.resources import paths_to, validate
from health_records.formats.fhir.validation.structure import definitions

SAMPLES = Path(__file__).parents[2] / "samples" / "fhir"


def sound_resources():
    """One of each type in the samples."""
    found: dict[str, dict[str, object]] = {}
    files = [
        *sorted(SAMPLES.glob("synthea/*.bz2"))[2:5],
        *sorted(SAMPLES.glob("gansu/*/*.json"))[:3],
    ]
    for path in files:
        raw = path.read_bytes()
        for entry in parse(bz2.decompress(raw) if path.suffix == ".bz2" else raw)["entry"]:
            found.setdefault(entry["resource"]["resourceType"], entry["resource"])
    return list(found.values())


RESOURCES = sound_resources()
NAMES = sorted({name for one in definitions()["types"].values() for name in one["elements"]})
TEXTS = st.sampled_from(
    ["", " ", "x", "#", "#x", "urn:uuid:1", "Patient/1", "2026-02-30", "\u3000", "\x0b", "\ud800", "1e400",
     "http://terminology.hl7.org/CodeSystem/condition-clinical", "urn:jianqiao:insurance-type"]
) | st.text(max_size=5)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS | st.just(Decimal("1.50"))
KEYS = st.sampled_from(
    ["extension", "_value", "value", "coding", "code", "system", "url", "x", "start", "end"]
) | (st.sampled_from(NAMES).map(lambda name: name.replace("[x]", "String")))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def places(node, path=()):
    yield path
    children = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in children:
        yield from places(value, (*path, key))


def change(resource, draw):
    """Replace, remove, add or double something somewhere."""
    path = draw(st.sampled_from([one for one in places(resource) if one]))
    node = resource
    for key in path[:-1]:
        node = node[key]
    last = path[-1]
    match draw(st.sampled_from(["replace", "remove", "add", "wrap", "unwrap"])):
        case "replace":
            node[last] = draw(VALUES)
        case "remove":
            del node[last]
        case "add" if isinstance(node, dict):
            node[draw(KEYS)] = draw(VALUES)
        case "wrap":
            node[last] = [node[last], draw(VALUES)]
        case "unwrap" if isinstance(node[last], list) and node[last]:
            node[last] = node[last][0]
        case _:
            node[last] = None


@settings(deadline=None)
@given(st.data())
def test_mutated_samples(data):
    resource = copy.deepcopy(data.draw(st.sampled_from(RESOURCES)))
    type_ = resource["resourceType"]
    for _ in range(data.draw(st.integers(1, 4))):
        if resource:
            change(resource, data.draw)
    found = Findings()

    issues = validate(resource, type_, found)

    assert all(issue.rule in RULES and issue.path.startswith(type_) for issue in issues)
    assert len(issues) <= 100
    assert {one["severity"] for one in outcome(issues, "en")["issue"]} <= {"error"}
    assert validate(resource, type_) == issues
    paths = paths_to([holder for holder, _ in found.references], resource, type_)
    assert len(paths) <= len(found.references)
    assert all(path.startswith(type_) for path in paths.values())


@given(VALUES)
def test_anything_at_all(value):
    issues = validate(value, "Patient")

    assert issues
    assert all(issue.rule in RULES for issue in issues)


@given(st.sampled_from(RESOURCES))
def test_samples_are_sound(resource):
    assert validate(resource, resource["resourceType"]) == []
    assert json.loads(json.dumps(resource)) == resource
