"""Tells which numbered functions of docs/functions.md are proven by tests, by their `covers` marks.

Run as `make functions`: tests are collected, not run.
"""

import contextlib
import io
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

LIST = Path(__file__).resolve().parents[1] / "docs" / "functions.md"


class CoversMarks:
    """Pytest plugin that notes, for each function number, the tests that prove it."""

    def __init__(self) -> None:
        self.tests: defaultdict[str, set[str]] = defaultdict(set)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Read the marks before tests of the other role are left out."""
        for mark in item.iter_markers("covers"):
            for number in mark.args:
                self.tests[number].add(item.nodeid.partition("[")[0])


def listed() -> dict[str, str]:
    """Function number and its wording, in the order of the page."""
    rows = re.findall(
        r"^\| (S\d{3}-\d+)\s*\| ([^|]+?) \|", LIST.read_text(encoding="utf-8"), re.MULTILINE
    )
    return dict(rows)


def proven() -> dict[str, set[str]]:
    """Function number and the tests that carry it in a `covers` mark."""
    marks = CoversMarks()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"], plugins=[marks])
    if status != pytest.ExitCode.OK:
        sys.exit(f"{said.getvalue()[-2000:]}\nThe tests could not be collected.")
    return marks.tests


def main() -> None:
    """Print both lists and a summary; a mark that names no function is an error."""
    functions, tests = listed(), proven()
    unknown = sorted(set(tests) - set(functions))
    lines = [f"{number}  {functions[number]}" for number in functions if number not in tests]
    sys.stdout.write("Not proven by a test:\n" + "\n".join(lines) + "\n\nProven:\n")
    for number in functions:
        if number in tests:
            sys.stdout.write(f"{number}  {functions[number]}\n")
            sys.stdout.writelines(f"    {test}\n" for test in sorted(tests[number]))
    sys.stdout.write(f"\n{len(functions) - len(lines)} of {len(functions)} functions are proven.\n")
    if unknown:
        sys.exit(f"Marks name functions that are not in docs/functions.md: {', '.join(unknown)}")


if __name__ == "__main__":
    main()
