"""The judge compares ours with the reference validator's word, case by case."""

import json
import zipfile

from benchmarks.validation_judge import judge, main

CLEAN = {"resourceType": "Basic", "code": {"text": "x"}}
WRONG = CLEAN | {"author": []}


def error(path, text):
    return {"severity": "error", "expression": [path], "details": {"text": text}}


def case(archive, name, instance, *issues):
    text = instance if isinstance(instance, str) else json.dumps(instance)
    archive.writestr(f"cases/{name}.json", text)
    archive.writestr(f"outcomes/{name.replace('/', '_')}.json", json.dumps({"issue": issues}))
    return {"name": name, "file": f"{name}.json"}


def cases(path, *more):
    with zipfile.ZipFile(path, "w") as made:
        manifest = [
            case(made, "clean", CLEAN),
            case(
                made,
                "wrong",
                WRONG,
                error("Basic.author", "no array"),
                error("Basic", "Wrong Display Name"),
            ),
            case(made, "syntax", "{", error("Basic.id", "Comments are not allowed in JSON")),
            *(case(made, *one) for one in more),
        ]
        made.writestr("manifest.json", json.dumps(manifest))
    return path


def test_all_is_well(tmp_path, capsys):
    assert main([str(cases(tmp_path / "cases.zip"))])
    assert capsys.readouterr().out.splitlines()[-1] == (
        "cases.zip: 3 cases; clean 1, of them refused 0; errors of our kinds 2, found at the same path 2"
    )


def test_what_is_clean_must_pass(tmp_path):
    path = cases(tmp_path / "cases.zip", ("refused", WRONG))

    with zipfile.ZipFile(path) as archive:
        tally = judge(archive)

    assert (tally.holds, len(tally.clean_refused)) == (False, 1)


def test_what_is_wrong_must_be_told_where_it_is(tmp_path):
    path = cases(tmp_path / "cases.zip", ("missed", WRONG, error("Basic.code", "no code")))

    with zipfile.ZipFile(path) as archive:
        tally = judge(archive)

    assert (tally.holds, tally.ours, tally.same_path) == (False, 3, 2)
    assert tally.lines[-1].startswith("MISSED missed: Basic.code: no code; ours: [Issue(")


def test_other_instances_are_listed(tmp_path, capsys):
    path = tmp_path / "examples.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.json", json.dumps(CLEAN))
        made.writestr("b.json", json.dumps(WRONG))

    assert main([str(path)])
    assert capsys.readouterr().out.splitlines() == [
        "b.json: Basic.author: no-array ",
        "examples.zip: 2 instances, 1 with something wrong",
    ]
