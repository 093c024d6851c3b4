"""Holds coverage of the combined runs to its floors: rules, states and services whole, 90 % overall.

Run after the suite: `python -m tests.coverage_floor`.
"""

import json
import sys
import tempfile
from pathlib import Path, PurePath
from typing import Any

from coverage import Coverage

WHOLE = {"rules.py", "states.py", "services.py"}
OVERALL = 90.0


def report() -> dict[str, Any]:
    """Coverage's own figures for everything measured so far."""
    coverage = Coverage()
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(path))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def shortfalls(figures: dict[str, Any]) -> list[str]:
    """What is below its floor, one line each."""
    short = []
    for name, file in figures["files"].items():
        path = PurePath(name)
        whole = path.name in WHOLE or path.parent.name == "services"
        if whole and file["summary"]["percent_covered"] < 100:
            branches = [f"{start}->{end}" for start, end in file["missing_branches"]]
            places = ", ".join([*map(str, file["missing_lines"]), *branches])
            short.append(f"{name} must be covered whole; missing: {places}")
    overall = figures["totals"]["percent_covered"]
    if overall < OVERALL:
        short.append(f"{overall:.1f} % overall is below {OVERALL:.0f} %")
    return short


def main() -> int:
    """Report; the answer is an exit status."""
    figures = report()
    short = shortfalls(figures)
    for line in short:
        sys.stderr.write(f"Coverage: {line}\n")
    sys.stdout.write(
        f"Branch coverage over all runs: {figures['totals']['percent_covered']:.1f} %"
        f" of {len(figures['files'])} modules{'' if short else ', every floor held'}\n"
    )
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
