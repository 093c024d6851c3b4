"""Our validation beside HL7's reference validator: `python -m benchmarks.validation_judge ZIP…`.

A ZIP with a `manifest.json` holds instances in `cases/` and what the reference validator said of
each in `outcomes/` (org.hl7.fhir.testcases). Of any other ZIP every instance is validated and what is
wrong with it printed. Exit 1 when an instance that the reference finds clean is refused, or when fewer
than nine of ten errors of our kinds have an issue of ours at the same path.
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from health_records.formats.fhir.issues import Issue, MessageRefused
from health_records.formats.fhir.parsing import parse
from health_records.formats.fhir.validation.resources import validate

SHARE_WANTED = 0.9
WORST = frozenset({"error", "fatal"})
COMMENT = re.compile(r"/\*.*?\*/")

OTHERS: Mapping[str, str] = {
    r"Wrong Display Name": "a terminology server's word on displays",
    r"extension .* could not be found": "extensions of other countries are kept, not judged",
    r"Example URLs": "example addresses are addresses",
    r"signature": "signatures are not verified",
    r"committee|Slicing|slicing|No slicing|Snapshot": "publishing of profiles",
    r"concept-properties|property .* has the invalid type|already defined with": "business rules of CodeSystem",
    r"number of concepts": "business rules of CodeSystem",
    r"SearchParameter '|derivedFrom SearchParameter": "needs other definitions",
    r"expression language|Invalid ECL": "business rules of ValueSet",
    r"link relationship type": "links of search results, never pushed",
    r"embedded HTML tag": "markdown is shown as text, never as HTML",
    r"Unable to resolve": "the door resolves references, not the validation of one resource",
}
"""Errors of the reference validator that are not about structure, and why we leave them."""

SYNTAX = re.compile(r"Error parsing JSON|extra comma|[Cc]omma is missing|Comments are not allowed")


@dataclass
class Tally:
    """How the cases went."""

    cases: int = 0
    clean: int = 0
    clean_refused: list[str] = field(default_factory=list)
    ours: int = 0
    same_path: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing clean is refused and enough of the rest is found."""
        return not self.clean_refused and self.same_path >= SHARE_WANTED * self.ours


def issues_of(raw: bytes) -> list[Issue]:
    """What we say of an instance."""
    try:
        resource = parse(raw)
    except MessageRefused as refusal:
        return refusal.issues
    return validate(resource, str(resource.get("resourceType")))


def judge(archive: zipfile.ZipFile) -> Tally:
    """Every case of the manifest, ours beside theirs."""
    tally = Tally()
    for case in json.loads(archive.read("manifest.json")):
        tally.cases += 1
        found = issues_of(archive.read(f"cases/{case['file']}"))
        outcome = json.loads(archive.read(f"outcomes/{case['name'].replace('/', '_')}.json"))
        errors = list(_errors(outcome))
        if not errors:
            tally.clean += 1
            if found:
                tally.clean_refused.append(f"{case['name']}: {found}")
            continue
        paths = {issue.path for issue in found}
        syntax = any(issue.rule == "json" for issue in found)
        for path, text in errors:
            reason = next((why for sign, why in OTHERS.items() if re.search(sign, text)), None)
            if reason is not None:
                tally.lines.append(f"left   {case['name']}: {path}: {text[:90]} ({reason})")
                continue
            tally.ours += 1
            if path in paths or (syntax and SYNTAX.search(text)):
                tally.same_path += 1
            else:
                tally.lines.append(f"MISSED {case['name']}: {path}: {text[:90]}; ours: {found}")
    return tally


def _errors(outcome: Mapping[str, list[dict[str, object]]]) -> Iterator[tuple[str, str]]:
    for issue in outcome.get("issue", ()):
        if issue["severity"] in WORST:
            expression = issue.get("expression")
            path = str(expression[0]) if isinstance(expression, list) else ""
            yield COMMENT.sub("", path), str(issue["details"]["text"])  # type: ignore[index]


def main(paths: list[str]) -> bool:
    """Judge every ZIP and print it; whether all hold."""
    holds = True
    for path in map(Path, paths):
        with zipfile.ZipFile(path) as archive:
            if "manifest.json" in archive.namelist():
                tally = judge(archive)
                print(*tally.lines, sep="\n")  # noqa: T201
                print(*(f"CLEAN, REFUSED {one}" for one in tally.clean_refused), sep="\n")  # noqa: T201
                print(  # noqa: T201
                    f"{path.name}: {tally.cases} cases; clean {tally.clean}, of them refused "
                    f"{len(tally.clean_refused)}; errors of our kinds {tally.ours}, found at the same "
                    f"path {tally.same_path}"
                )
                holds = holds and tally.holds
                continue
            names = [one for one in archive.namelist() if one.endswith(".json")]
            faulty = 0
            for name in names:
                found = issues_of(archive.read(name))
                faulty += bool(found)
                for issue in found[:5]:
                    print(f"{name}: {issue.path}: {issue.rule} {issue.value}")  # noqa: T201
            print(f"{path.name}: {len(names)} instances, {faulty} with something wrong")  # noqa: T201
    return holds


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
