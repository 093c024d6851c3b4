# ruff: noqa: INP001  a script beside the data it writes
"""Cut the handed-out source files down to what is kept in this folder.

    python samples/prepare.py SOURCES

SOURCES holds the originals under the names that README.md lists. Running it again writes the same
bytes; nothing at run time needs it.
"""

import bz2
import csv
import gzip
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROVINCE = ("620000", "甘肃省")
SYNTHEA_PATIENTS = 6
DIAGNOSIS = re.compile(r"[A-Z]\d\d\.[0-9A-Z]\d{1,4}\+?")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A UTF-8 table with Unix line ends; gzipped when the name says so."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def divisions(sources: Path) -> Iterator[tuple[str, str, str, str]]:
    """Province, prefectures, counties (six places, right-padded) and townships (nine) of Gansu."""
    yield (*PROVINCE, "", "province")
    with (sources / "admin/cities.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["provinceCode"] == "62":
                yield row["code"] + "00", row["name"], PROVINCE[0], "city"
    with (sources / "admin/areas.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["provinceCode"] == "62":
                yield row["code"], row["name"], row["cityCode"] + "00", "county"
    with (sources / "admin/gansu_streets.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["code"], row["name"], row["areaCode"], "township"


def departments(sources: Path) -> Iterator[tuple[str, str]]:
    """The official table CT08.00.002 as it is."""
    with (sources / "codes/department_codes_CT08.00.002.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["code"], row["name"]


def diagnoses(sources: Path) -> Iterator[tuple[str, str]]:
    """Diagnosis rows only; of a repeated code the first row."""
    seen: set[str] = set()
    with gzip.open(
        sources / "codes/diagnoses_procedures_zh_his.csv.gz", "rt", encoding="utf-8"
    ) as file:
        for row in csv.DictReader(file):
            code = row["ICD"].strip()
            if DIAGNOSIS.fullmatch(code) and code not in seen:
                seen.add(code)
                yield code, row["name"].strip()


def family_names(sources: Path) -> Iterator[tuple[str, str]]:
    """Family name and weight, out of the workbook's only sheet."""
    with zipfile.ZipFile(sources / "names/chinese_family_names_1k.xlsx") as book:
        strings = re.findall(r"<t[^>]*>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    cells = re.findall(
        r'<c r="A\d+"[^>]*t="s"[^>]*><v>(\d+)</v></c><c r="B\d+"[^>]*><v>(\d+)</v>', sheet
    )
    for index, weight in cells[1:]:
        yield strings[int(index)], weight


def conditional_references(value: Any) -> Iterator[tuple[str, str]]:
    """Every (type, identifier) a resource points at by search."""
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and "?identifier=" in reference:
            kind, _, identifier = reference.partition("?identifier=")
            yield kind, identifier
        for part in value.values():
            yield from conditional_references(part)
    elif isinstance(value, list):
        for part in value:
            yield from conditional_references(part)


def synthea(sources: Path, target: Path) -> None:
    """The smallest patients unchanged, and the batches cut to the entries these refer to."""
    target.mkdir(parents=True, exist_ok=True)
    folder = sources / "fhir/synthea-r4"
    patients = sorted(
        (path for path in folder.glob("*.json.bz2") if not path.name.startswith("0-")),
        key=lambda path: path.stat().st_size,
    )[:SYNTHEA_PATIENTS]
    wanted: set[tuple[str, str]] = set()
    for path in patients:
        (target / path.name).write_bytes(path.read_bytes())
        wanted.update(conditional_references(json.loads(bz2.decompress(path.read_bytes()))))
    for path in sorted(folder.glob("0-*.json.bz2")):
        bundle = json.loads(bz2.decompress(path.read_bytes()))
        bundle["entry"] = [
            entry for entry in bundle["entry"] if is_wanted(entry["resource"], wanted)
        ]
        data = json.dumps(bundle, indent=2, ensure_ascii=False).encode()
        (target / path.name).write_bytes(bz2.compress(data, 9))


def is_wanted(resource: dict[str, Any], wanted: set[tuple[str, str]]) -> bool:
    """Whether a patient points at this entry; a role counts with its practitioner."""
    if resource["resourceType"] == "PractitionerRole":
        person = resource["practitioner"]["identifier"]
        return ("Practitioner", f"{person['system']}|{person['value']}") in wanted
    return any(
        (resource["resourceType"], f"{identifier['system']}|{identifier['value']}") in wanted
        for identifier in resource.get("identifier", [])
    )


def main(sources: Path) -> None:
    """Write every file of this folder that comes from elsewhere."""
    registry = HERE / "registry"
    write_csv(registry / "divisions.csv", ("code", "name", "parent", "level"), divisions(sources))
    write_csv(registry / "department_codes.csv", ("code", "name"), departments(sources))
    write_csv(registry / "icd10.csv.gz", ("code", "name"), diagnoses(sources))
    write_csv(HERE / "names/family_names.csv", ("name", "weight"), family_names(sources))
    synthea(sources, HERE / "fhir/synthea")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
