"""`jianqiao push --check`: what was stored, read again and compared with what was sent."""

import json
from uuid import uuid4

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ed25519

from config.cli.main import cli
from tests.cli.door_server import HOSPITAL, Keeper

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:mr", "value": "0 1"}],
    "meta": {"profile": ["http://example.org/p"], "versionId": "7", "lastUpdated": "2020-01-01"},
    "name": [{"family": "王", "given": ["小", "明"]}],
}
SOMEBODY = "Procedure/01a1fe4b-482f-760d-8e14-83adb3637d4e"


def observation(**more):
    return {
        "resourceType": "Observation",
        "subject": {"reference": "urn:uuid:1"},
        "contained": [{"resourceType": "Specimen", "id": "s"}],
        "specimen": {"reference": "#s"},
    } | more


def bundle(*resources, kind="transaction"):
    entries = [
        {"fullUrl": f"urn:uuid:{number}", "resource": one}
        for number, one in enumerate(resources, 1)
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


@pytest.fixture
def key():
    """One kind of key is enough here."""
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture
def keeper(door):
    door.keeper = Keeper()
    return door.keeper


@pytest.fixture
def check(door, keeper, tmp_path):
    """Push these contents with --check; exit code, lines of the files, last line."""

    def pushed(*contents, text=None):
        folder = tmp_path / uuid4().hex
        folder.mkdir()
        for number, content in enumerate(contents):
            (folder / f"{number}.json").write_text(text or json.dumps(content))
        words = ["push", str(folder), "--hospital", HOSPITAL, "--check", "--json"]
        result = CliRunner().invoke(cli, ["--home", str(door.home), *words])
        *files, totals = [json.loads(line) for line in result.stdout.splitlines()]
        return result.exit_code, files, totals

    return pushed


def reads_as(keeper, type_, **changed):
    """Whatever is kept of a type comes back with other values; None takes a property away."""

    def altered(resource):
        if resource["resourceType"] != type_:
            return resource
        return {key: value for key, value in (resource | changed).items() if value is not None}

    keeper.altered = altered


def differences(files):
    return [
        (one["path"], one["sent"], one["came_back"])
        for file in files
        for one in file["differences"]
    ]


def test_what_reads_back_as_it_was_sent_is_counted(check):
    again = observation(subject={"reference": "Patient/p1"}) | {"id": "o2"}
    asked = observation(subject={"reference": "Patient?identifier=urn:mr|0 1"})
    code, files, totals = check(bundle(PATIENT, observation()), again, bundle(asked))

    assert (code, differences(files)) == (0, [])
    assert [(one["checked"], one["different"]) for one in files] == [(2, 0), (1, 0), (1, 0)]
    assert (totals["stored"], totals["checked"], totals["different"]) == (4, 4, 0)


def test_a_difference_is_told_by_path_and_shape_only(check, keeper):
    reads_as(keeper, "Patient", name=[{"family": "王", "given": ["小"]}], gender="male")

    code, files, totals = check(bundle(PATIENT, observation()))

    assert code == 1
    assert (totals["stored"], totals["checked"], totals["different"]) == (2, 2, 1)
    assert (files[0]["status"], files[0]["different"]) == ("accepted", 1)
    assert differences(files) == [
        ("Bundle.entry[0].resource.gender", None, "aaaa"),
        ("Bundle.entry[0].resource.name[0].given[1]", "文", None),
    ]


@pytest.mark.parametrize(
    ("kept", "shape"),
    [
        ("1.0", "0.0"),
        ("1", "0"),
        ('"1.00"', "0.00"),
        ("true", "true"),
        ('{"a": 1}', "{a}"),
        ("[1, 2]", "[2]"),
    ],
)
def test_decimals_are_compared_as_they_are_written(check, keeper, kept, shape):
    sent = '{"resourceType": "Observation", "valueQuantity": {"value": 1.00}}'
    keeper.altered = lambda resource: resource
    original = keeper.read
    keeper.read = lambda place: original(place) | {"valueQuantity": {"value": Raw(kept)}}

    code, files, _ = check(sent, text=sent)

    assert code == 1
    assert differences(files) == [("Observation.valueQuantity.value", "0.00", shape)]


class Raw:
    """JSON that is written as it is."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


def test_a_long_text_is_cut_and_its_length_told(check, keeper):
    reads_as(keeper, "Observation", status="final " * 20)

    _, files, _ = check(observation(subject={"display": "x"}))

    assert differences(files) == [("Observation.status", None, "aaaaa " * 10 + "… (120)")]


def test_what_is_not_there_is_a_difference(check, keeper):
    keeper.altered = lambda resource: resource if resource["resourceType"] == "Patient" else None

    code, files, totals = check(bundle(PATIENT, observation()))

    assert code == 1
    assert (totals["checked"], totals["different"]) == (2, 1)
    assert differences(files) == [
        (
            "Bundle.entry[1].resource",
            "{contained, resourceType, specimen, subject}",
            "HTTP 404",
        )
    ]


@pytest.mark.parametrize(
    ("sent", "kept", "is_same"),
    [
        ("urn:uuid:1", "Patient/{p1}", True),
        ("urn:uuid:1", "urn:uuid:1", False),
        ("urn:uuid:1", "Patient/{other}", False),
        ("Patient/p1", "Patient/{p1}", True),
        ("Patient/p1", "Patient/p1", False),
        ("Patient/p1/_history/4", "Patient/{p1}", True),
        ("Patient/p1/_history/4", "Patient/{p1}/_history/4", False),
        ("{url}/fhir/R4/Patient/p1", "Patient/{p1}", True),
        ("Patient/{p1}", "Patient/{p1}", True),
        ("Patient/{p1}/_history/1", "Patient/{p1}/_history/1", True),
        ("Patient/{p1}/_history/1", "Patient/{p1}", False),
        ("Patient?identifier=urn%3Amr%7C0%201", "Patient/{p1}", True),
        ("Patient?identifier=urn:mr|0 1", "Patient/{other}", False),
        ("Device/earlier", "Device/{other}", True),
        ("Device/earlier", "Patient/{other}", False),
        ("Device?identifier=a|b", "Device/{other}", True),
        ("Device?identifier=a|b", "Device?identifier=a|b", False),
        ("#s", "#s", True),
        ("#s", "#t", False),
        ("http://example.org/fhir/Patient/9", "http://example.org/fhir/Patient/9", True),
        ("http://example.org/fhir/Patient/9", "Patient/{other}", False),
    ],
)
def test_references_are_compared_by_what_they_lead_to(check, keeper, door, sent, kept, is_same):
    other = str(uuid4())
    check(PATIENT)
    [p1] = [place.split("/")[1] for place in keeper.kept]
    keeper.take = taking_as(p1, keeper.take)
    names = {"p1": p1, "other": other, "url": door.url}
    subject = {"reference": sent.format(**names)}
    original = keeper.read

    def read(place):
        found = original(place)
        told = {"subject": {"reference": kept.format(**names)}}
        return found | told if found and found["resourceType"] == "Observation" else found

    keeper.read = read

    code, files, totals = check(bundle(PATIENT, observation(subject=subject)))

    assert totals["checked"] == 2
    assert (totals["different"], code) == ((0, 0) if is_same else (1, 1))
    assert [path for path, _, _ in differences(files)] == (
        [] if is_same else ["Bundle.entry[1].resource.subject.reference"]
    )


def taking_as(id_, take):
    """The patient is the one that is there already."""

    def taken(body):
        status, answer, location = take(body)
        response = answer["entry"][0]["response"]
        response["location"] = f"Patient/{id_}/_history/1"
        return status, answer, location

    return taken


@pytest.mark.parametrize(
    ("sent", "kept", "is_same"),
    [
        ("urn:uuid:1", "Patient/{p1}", True),
        ("urn:uuid:1", "Patient/{other}", False),
        ("https://example.org/7", "https://example.org/7", True),
        ("Binary/earlier", "Binary/earlier", True),
        ("https://example.org/7", "https://example.org/8", False),
    ],
)
def test_the_address_of_an_attachment_must_lead_to_what_it_named(
    check, keeper, sent, kept, is_same
):
    original = keeper.read
    document = {"resourceType": "DocumentReference", "content": [{"attachment": {"url": sent}}]}

    def read(place):
        found = original(place)
        [p1, *_] = [one.split("/")[1] for one in keeper.kept if one.startswith("Patient")]
        told = {"content": [{"attachment": {"url": kept.format(p1=p1, other=uuid4())}}]}
        return found | told if found and found["resourceType"] == "DocumentReference" else found

    keeper.read = read

    code, _, totals = check(bundle(PATIENT, document))

    assert (totals["checked"], totals["different"]) == (2, int(not is_same))
    assert code == int(not is_same)


@pytest.mark.parametrize(("partner", "different"), [(None, 0), (SOMEBODY, 2)])
def test_of_a_circle_it_is_known_who_is_who(check, door, keeper, partner, different):
    coding = {"coding": [{"code": "reference-resolves"}]}
    issue = {"severity": "error", "code": "not-found", "details": coding}
    door.script = [(422, {"resourceType": "OperationOutcome", "issue": [issue]})] * 4
    one, other = (
        {"resourceType": "Procedure", "id": id_, "partOf": [{"reference": f"Procedure/{of}"}]}
        for id_, of in ("ab", "ba")
    )
    if partner:
        reads_as(keeper, "Procedure", partOf=[{"reference": partner}])

    _, files, totals = check(one, other)

    assert [path for path, _, _ in door.received].count("/fhir/R4") == 1
    assert (totals["checked"], totals["different"]) == (2, different)
    assert [path for path, _, _ in differences(files)] == [
        "Procedure.partOf[0].reference"
    ] * different


def test_what_is_kept_whole_keeps_its_references(check, keeper):
    kept = bundle(PATIENT, observation(), kind="collection")
    keeper.names["urn:uuid:1"] = "Patient/x"

    _, files, _ = check(kept)

    assert differences(files) == [
        ("Bundle.entry[1].resource.subject.reference", "aaa:aaaa:0", "aaaaaaa/a")
    ]


def test_what_a_condition_found_must_only_be_there(check, keeper):
    keeper.kept["Patient/1"] = json.dumps({"resourceType": "Patient"})
    responses = ["Patient/1", "Patient/2", ""]
    entries = [{"response": {"status": "200 OK", "location": one}} for one in responses]
    answer = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    keeper.take = lambda _: (200, answer, "")

    code, files, totals = check(bundle(PATIENT, PATIENT, PATIENT))

    assert code == 1
    assert (totals["checked"], totals["different"]) == (2, 1)
    assert [(path, back) for path, _, back in differences(files)] == [
        ("Bundle.entry[1].resource", "HTTP 404")
    ]


def test_what_was_refused_is_not_looked_for(check, door):
    issue = {"severity": "error", "code": "value", "diagnostics": "bad"}
    refused = {"status": "422", "outcome": {"resourceType": "OperationOutcome", "issue": [issue]}}
    door.script = [
        (
            200,
            {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": refused}]},
        ),
        (422, {"resourceType": "OperationOutcome", "issue": [issue]}),
    ]

    code, files, totals = check(bundle(PATIENT, kind="batch"), observation())

    assert code == 0
    assert [(one["checked"], one["differences"]) for one in files] == [(0, []), (0, [])]
    assert (totals["refused"], totals["checked"], totals["different"]) == (2, 0, 0)


def test_a_node_that_falls_silent_is_told_once_a_file(check, keeper):
    keeper.altered = lambda _: 1 / 0

    code, files, totals = check(bundle(*[PATIENT] * 20))

    assert code == 1
    assert (totals["stored"], totals["checked"], totals["different"]) == (20, 1, 1)
    assert "没有应答" in files[0]["differences"][0]["came_back"]


def test_people_read_what_differs(door, keeper, tmp_path):
    reads_as(keeper, "Patient", gender="male")
    (tmp_path / "a.json").write_text(json.dumps(bundle(PATIENT, observation())))
    words = ["push", str(tmp_path / "a.json"), "--hospital", HOSPITAL, "--check"]

    result = CliRunner().invoke(cli, ["--home", str(door.home), *words])

    assert result.exit_code == 1
    assert "Bundle.entry[0].resource.gender  None → aaaa" in result.output
    assert "2 个资源已读回比较，1 个不同。" in result.output
