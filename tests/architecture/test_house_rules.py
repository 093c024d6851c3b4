"""Rules of the house about the files themselves."""

import ast
import re

import pytest

from config.cli.main import COMMANDS
from tests.architecture.repository import ROOT, packages, project, sources, tracked_files

# Written in pieces, or this file would break its own rule.
REGISTRIES = [
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "registry" + r"\.npmjs",
    "/simple" + "/",
]
MACHINE_PATHS = rf"(?<![\w.~/-])/(?:{'|'.join(['work', 'root', 'farm', 'home' + '/[a-z]+'])})/"
FORBIDDEN = re.compile("|".join([*REGISTRIES, MACHINE_PATHS, r"--(?:extra-)?index-url\s+http"]))
INPUT_DATA = "samples"  # other people's bytes, kept as they are
LONGEST_MODULE = 400


def texts():
    """Text files in git that were written here."""
    for path in tracked_files():
        relative = path.relative_to(ROOT)
        if relative.parts[0] == INPUT_DATA and path.suffix not in {".py", ".md"}:
            continue
        try:
            yield relative, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"])
def test_no_lock_file_with_addresses_is_kept(name):
    assert [path for path in tracked_files() if path.name == name] == []


def test_no_module_outgrows_reading():
    long = {
        str(path): lines
        for path, text in texts()
        if path.suffix == ".py" and "migrations" not in path.parts
        if (lines := len(text.splitlines())) > LONGEST_MODULE
    }

    assert long == {}


def undocumented(path, tree: ast.Module):
    """Public things of a module without a docstring."""
    if tree.body and not ast.get_docstring(tree):
        yield f"{path}: module"
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{path}:{node.lineno}: {node.name}"


def test_every_public_thing_says_what_it_promises():
    missing = [
        gap
        for path, tree in sources(*packages())
        for gap in undocumented(path, tree)
    ]  # fmt: skip

    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_the_commands_of_a_page_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named_targets = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    named_commands = set(
        re.findall(r"(?:^|[`/])jianqiao (?:--?\w+ \S+ )*([a-z]+)", text, re.MULTILINE)
    )

    assert named_targets, page
    assert named_targets - targets == set()
    assert named_commands - set(COMMANDS) == set()


def test_every_link_of_a_page_leads_somewhere():
    broken = [
        f"{path}: {target}"
        for path, text in texts()
        if path.suffix == ".md"
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
        if not (ROOT / path.parent / target).exists()
    ]

    assert broken == []


def test_the_version_is_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert "## [Unreleased]" in changelog or f"## [{project()['project']['version']}]" in changelog


def test_every_test_that_a_page_names_exists():
    defined = {
        node.name
        for _, tree in sources("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    named = {
        name
        for path, text in texts()
        if path.suffix == ".md"
        for name in re.findall(r"`(test_\w+)`", text)
    }

    assert named - defined == set()


def test_every_pitfall_that_was_promised_a_test_names_one():
    page = (ROOT / "docs" / "replication.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]*) \|$", page, re.MULTILINE)
    tested = {int(number) for number, test in rows if test.startswith("`test_")}

    assert len(rows) == 28
    assert {1, 4, 5, 9, 11, 13, 16, 17, *range(20, 29)} - tested == set()
