"""The packages of the pages: exact, with hashes, from no named place, and each with its reason."""

import json
import re

from tests.architecture.repository import ROOT

WEB = ROOT / "web"


def asked() -> dict[str, str]:
    """Direct packages and their versions."""
    project = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    return {**project["dependencies"], **project["devDependencies"]}


def locked() -> dict[str, dict[str, str]]:
    """Every package of the lock file, by its place."""
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {place: facts for place, facts in packages.items() if place}


def test_direct_packages_are_exact_and_locked():
    packages = locked()

    for name, version in asked().items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert packages[f"node_modules/{name}"]["version"] == version


def test_the_lock_file_has_hashes_and_no_addresses():
    packages = locked()

    assert [place for place, facts in packages.items() if "integrity" not in facts] == []
    assert [place for place, facts in packages.items() if "resolved" in facts] == []
    assert [place for place, facts in packages.items() if "hasInstallScript" in facts] == []


def test_nothing_that_a_package_brings_is_run_at_install():
    settings = (WEB / ".npmrc").read_text(encoding="utf-8").splitlines()

    assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set(settings)


def test_every_direct_package_is_justified():
    page = (ROOT / "docs" / "adr" / "0002-choice-of-packages.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in page.splitlines() if line.startswith("|"))

    assert [name for name in asked() if name not in rows] == []
