"""`jianqiao push` against a door that behaves as told."""

import bz2
import gzip
import json
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.cli import hospital_client, input_files
from config.cli.failures import NoAnswer
from config.cli.home import Home
from config.cli.main import cli
from config.cli.push import message_id
from tests.cli.door_server import HOSPITAL, Keeper, procedure, transaction


def push(door, *words):
    return CliRunner().invoke(
        cli, ["--home", str(door.home), "push", *map(str, words), "--hospital", HOSPITAL, "--json"]
    )


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_files_folders_and_archives_go_in_order(door, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.json").write_bytes(transaction("Patient", "Observation"))
    (folder / "b.json.gz").write_bytes(gzip.compress(transaction("Patient")))
    (folder / "deep/c.json.bz2").write_bytes(
        bz2.compress(transaction("Practitioner", kind="batch"))
    )
    (folder / "d.json").write_text('{"resourceType": "Patient", "id": "p"}')
    (folder / "e.json").write_text('{"resourceType": "Organization", "id": "o"}')
    (folder / "z-hospitalInformation9.json").write_bytes(transaction("Organization", kind="batch"))
    (folder / "README.md").write_text("not for pushing")
    with zipfile.ZipFile(folder / "f.zip", "w") as archive:
        archive.writestr("one.json", transaction("Patient"))
        archive.writestr("notes.txt", "no")

    result = push(door, folder)

    assert result.exit_code == 0, result.output
    *files, totals = lines(result)
    assert [line["file"].removeprefix(f"{folder}/") for line in files] == [
        "z-hospitalInformation9.json",
        "deep/c.json.bz2",
        "e.json",
        "d.json",
        "a.json",
        "b.json.gz",
        "f.zip!one.json",
    ]
    assert {line["status"] for line in files} == {"accepted"}
    assert [path for path, _, _ in door.received] == [
        *["/fhir/R4"] * 2,
        "/fhir/R4/Organization",
        "/fhir/R4/Patient",
        *["/fhir/R4"] * 3,
    ]
    assert set(files[0]) == {"file", "status", "resources", "stored", "refused", "issues"}
    assert {name: totals[name] for name in ("files", "resources", "stored", "refused")} == {
        "files": 7,
        "resources": 8,
        "stored": 8,
        "refused": 0,
    }
    assert totals["by_type"]["Patient"] == {"resources": 4, "stored": 4, "refused": 0}
    assert len(door.signed_in) == 1


def test_bytes_arrive_as_they_are_with_a_stable_message_id(door, tmp_path):
    plain, named = transaction("Patient"), transaction("Patient", identifier="m-1")
    (tmp_path / "plain.json").write_bytes(plain)
    (tmp_path / "named.json.gz").write_bytes(gzip.compress(named))

    push(door, tmp_path / "plain.json", tmp_path / "named.json.gz")
    push(door, tmp_path / "plain.json")

    assert [body for _, _, body in door.received] == [named, plain, plain]
    first, second, third = (identity for _, identity, _ in door.received)
    assert first == "urn:x|m-1"
    assert second == third
    assert len(second) == 64


@pytest.mark.parametrize(
    ("identifier", "kind", "name"),
    [
        ({"system": "urn:y", "value": "m-1"}, "batch", "urn:y|m-1"),
        ({"value": "m-1"}, "transaction", "m-1"),
        ({"system": "urn:y"}, "transaction", None),
        ({"system": "urn:y", "value": "甲"}, "transaction", None),
        ({"system": "urn:y", "value": "m-1"}, "document", None),
    ],
)
def test_a_message_is_named_as_the_node_names_it(identifier, kind, name):
    """A document that is kept whole has an identifier of its own, which is no message's."""
    content = {"resourceType": "Bundle", "type": kind, "identifier": identifier}

    assert message_id(content, b"x") == (name or sha256(b"x").hexdigest())


def test_broken_connections_and_busy_nodes_are_tried_again_as_the_same_message(door, tmp_path):
    door.script = ["drop", 503, "drop", "take"]
    (tmp_path / "a.json").write_bytes(transaction("Patient"))

    result = push(door, tmp_path / "a.json")

    assert result.exit_code == 0
    assert len(door.received) == 4
    assert len(set(door.received)) == 1


def test_no_answer_at_all_is_exit_1(door, tmp_path):
    door.script = [503] * 100
    (tmp_path / "a.json").write_bytes(transaction("Patient"))

    result = push(door, tmp_path / "a.json")

    assert result.exit_code == 1
    assert lines(result)[0]["status"] == "unanswered"
    assert lines(result)[-1]["stored"] == 0
    assert len(door.received) == hospital_client.ATTEMPTS


def test_a_refused_sign_in_is_counted_as_no_answer_and_the_last_line_comes(door, tmp_path):
    door.refuses = 401
    (tmp_path / "a.json").write_bytes(transaction("Patient"))

    result = push(door, tmp_path / "a.json")

    assert result.exit_code == 1
    first, totals = lines(result)
    assert (first["status"], first["issues"][0]["rule"]) == ("unanswered", "sign-in-refused")
    assert (totals["files"], totals["stored"]) == (1, 0)
    assert door.received == []


def test_a_token_of_a_door_that_is_shut_is_a_failure_in_words(door):
    door.refuses = 503

    result = CliRunner().invoke(cli, ["--home", str(door.home), "demo", "token", HOSPITAL])

    assert result.exit_code == NoAnswer.exit_code
    assert "没有应答：HTTP 503" in result.output


def test_a_refusal_is_an_answer_with_reasons(door, tmp_path):
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "details": {"coding": [{"code": "cardinality"}], "text": "缺少 status"},
                "expression": ["Bundle.entry[1].resource.status"],
            }
        ],
    }
    door.script = [(422, outcome), (400, {"title": "Bad", "detail": "nothing stored"})]
    (tmp_path / "a.json").write_bytes(transaction("Patient", "Observation"))
    (tmp_path / "b.json").write_bytes(b"{not json")

    result = push(door, tmp_path / "a.json", tmp_path / "b.json")

    assert result.exit_code == 0
    first, second, totals = lines(result)
    assert first["issues"] == [
        {"path": "Bundle.entry[1].resource.status", "rule": "cardinality", "text": "缺少 status"}
    ]
    assert (first["status"], first["stored"], first["refused"]) == ("rejected", 0, 2)
    assert second["issues"] == [{"path": "", "rule": "http-400", "text": "nothing stored"}]
    assert totals["by_type"]["Observation"] == {"resources": 1, "stored": 0, "refused": 1}


def test_a_batch_may_be_taken_in_part(door, tmp_path):
    answers = [
        {"response": {"status": "201 Created"}},
        {
            "response": {
                "status": "422",
                "outcome": {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "error", "code": "value", "diagnostics": "bad date"}],
                },
            }
        },
    ]
    door.script = [(200, {"resourceType": "Bundle", "type": "batch-response", "entry": answers})]
    (tmp_path / "a.json").write_bytes(transaction("Patient", "Observation", kind="batch"))

    report, totals = lines(push(door, tmp_path / "a.json"))

    assert (report["status"], report["stored"], report["refused"]) == ("partial", 1, 1)
    assert report["issues"] == [{"path": "", "rule": "value", "text": "bad date"}]
    assert totals["by_type"]["Patient"]["stored"] == 1


@pytest.fixture
def folder(tmp_path):
    """A folder of resources."""
    made = tmp_path / "resources"
    made.mkdir()
    return made


def test_resources_are_sent_again_until_what_they_refer_to_is_there(door, folder):
    door.resolves = True
    for name, *targets in (("a", "b"), ("b", "c"), ("c",), ("d", "nothing"), ("e", "d")):
        procedure(folder, name, *targets)

    result = push(door, folder)

    *files, totals = lines(result)
    assert result.exit_code == 0
    assert {Path(line["file"]).stem: line["status"] for line in files} == {
        "c": "accepted", "b": "accepted", "a": "accepted", "d": "rejected", "e": "rejected",
    }  # fmt: skip
    assert [Path(line["file"]).stem for line in files][:3] == ["c", "b", "a"]
    assert (totals["files"], totals["resources"], totals["stored"], totals["refused"]) == (
        5,
        5,
        3,
        2,
    )
    assert all(
        set(line) == {"file", "status", "resources", "stored", "refused", "issues"}
        for line in files
    )
    assert [issue["text"] for line in files for issue in line["issues"]] == [
        "Procedure/nothing", "Procedure/d",
    ]  # fmt: skip


def test_a_circle_goes_together_and_then_each_by_itself(door, folder):
    door.resolves = True
    for name, *targets in (
        ("a", "b"), ("b", "c"), ("c", "a", "x"), ("x", "y"), ("y", "x"), ("z", "a", "nothing"),
    ):  # fmt: skip
        procedure(folder, name, *targets)

    result = push(door, folder)

    *files, totals = lines(result)
    statuses = {Path(line["file"]).stem: line["status"] for line in files}
    assert statuses == dict.fromkeys("abcxy", "accepted") | {"z": "rejected"}
    assert (totals["stored"], totals["refused"]) == (5, 1)
    together = [json.loads(body) for path, _, body in door.received if path == "/fhir/R4"]
    assert [sorted(one["request"]["url"] for one in bundle["entry"]) for bundle in together] == [
        ["Procedure/x", "Procedure/y"], ["Procedure/a", "Procedure/b", "Procedure/c"],
    ]  # fmt: skip
    assert {one["request"]["method"] for bundle in together for one in bundle["entry"]} == {"PUT"}


def test_a_circle_that_is_refused_is_not_sent_for_ever(door, folder):
    door.resolves = True
    for name, *targets in (("a", "b", "nothing"), ("b", "a")):
        procedure(folder, name, *targets)

    result = push(door, folder)

    assert [line["status"] for line in lines(result)[:-1]] == ["rejected", "rejected"]
    assert len(door.received) == 5


def test_what_is_refused_for_another_reason_too_is_not_sent_again(door, folder):
    issues = [
        {"code": "not-found", "details": {"coding": [{"code": rule}], "text": "x"}}
        for rule in ("reference-resolves", "date")
    ]
    door.script = [(422, {"resourceType": "OperationOutcome", "issue": issues})]
    procedure(folder, "a", "b")

    push(door, folder)

    assert len(door.received) == 1


def test_tokens_renew_before_they_expire_and_after_a_401(door, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.json").write_bytes(transaction("Patient"))
    door.script = ["take", 401, "take", "take"]

    result = push(door, *(tmp_path / f"{number}.json" for number in range(3)))

    assert result.exit_code == 0
    assert door.tokens == ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]

    client = hospital_client.client_of(Home(door.home), HOSPITAL)
    door.life = 0.05
    client.token()
    time.sleep(0.06)
    client.token()
    assert len(door.signed_in) == 4


def test_a_bomb_and_a_broken_file_are_told_and_not_sent(door, tmp_path, monkeypatch):
    monkeypatch.setattr(input_files, "UNPACKED_LIMIT", 100_000)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 200_000))
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(transaction("Patient"))[:-12])
    (tmp_path / "no.zip").write_bytes(b"PK but not really")

    result = push(door, tmp_path / "bomb.json.gz", tmp_path / "cut.json.gz", tmp_path / "no.zip")

    assert result.exit_code == 1
    assert [line["status"] for line in lines(result)[:-1]] == ["unanswered"] * 3
    assert all(line["issues"][0]["rule"] == "unreadable" for line in lines(result)[:-1])
    assert door.received == []


def test_people_read_a_summary(door, tmp_path):
    (tmp_path / "a.json").write_bytes(transaction("Patient", "Observation"))
    words = ["--home", str(door.home), "push", str(tmp_path / "a.json"), "--hospital", HOSPITAL]

    chinese = CliRunner().invoke(cli, ["--lang", "zh", *words])
    english = CliRunner().invoke(cli, ["--lang", "en", *words])
    CliRunner().invoke(cli, ["--lang", "zh", "--help"])

    assert "1 个文件，1 个全部接收；2 个资源，2 个已存，0 个拒收" in chinese.output
    assert "1 files, 1 accepted whole; 2 resources, 2 stored, 0 refused" in english.output


def test_an_answer_kept_as_a_resource_is_one_resource(door, tmp_path):
    door.keeper = Keeper()
    kept = json.loads(transaction("Patient", kind="transaction-response"))
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(kept).encode())

    report, totals = lines(push(door, tmp_path / "a.json", "--check"))

    assert [path for path, _, _ in door.received] == ["/fhir/R4/Bundle"]
    assert (report["status"], report["stored"], report["checked"]) == ("accepted", 1, 1)
    assert totals["by_type"] == {"Bundle": {"resources": 1, "stored": 1, "refused": 0}}


def test_an_unknown_hospital_is_named(door, tmp_path):
    (tmp_path / "a.json").write_bytes(transaction("Patient"))

    result = CliRunner().invoke(
        cli,
        ["--home", str(door.home), "push", str(tmp_path / "a.json"), "--hospital", "NOBODY"],
    )

    assert result.exit_code == 24
    assert HOSPITAL in result.output
