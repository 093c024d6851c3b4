"""The lock files follow pyproject.toml, carry hashes and say nothing of where they were made."""

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import ROOT, project

SETS = {"runtime": [], "local": ["local"], "dev": ["local", "dev"]}


def pins(name: str) -> dict[str, str]:
    """Package and version of every line that installs something."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def asked(extras: list[str]) -> list[Requirement]:
    """What pyproject.toml asks for."""
    section = project()["project"]
    lines = [*section["dependencies"]]
    for extra in extras:
        lines += section["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name", SETS)
def test_every_dependency_is_locked_within_its_range(name):
    locked = pins(name)

    for requirement in asked(SETS[name]):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in requirements/{name}.txt"
        assert version in requirement.specifier, f"{requirement} but locked {version}"


@pytest.mark.parametrize("name", SETS)
def test_every_locked_package_carries_a_hash(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")

    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]

    assert len(entries) == len(pins(name))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("smaller", ["runtime", "local"])
def test_the_sets_agree(smaller):
    assert pins(smaller).items() <= pins("dev").items()


@pytest.mark.parametrize("name", SETS)
def test_no_lock_file_names_a_place(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")

    assert re.findall(r"https?://|--index-url|--find-links|--trusted-host|file:/", text) == []


def test_every_direct_dependency_is_justified():
    page = (ROOT / "docs" / "adr" / "0002-choice-of-packages.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    named = {canonicalize_name(word) for word in re.findall(r"[A-Za-z][\w.-]+", rows)}

    assert {canonicalize_name(each.name) for each in asked(["local", "dev"])} - named == set()
