"""The tables of `samples/registry` as the generator needs them."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples"


@dataclass(frozen=True, slots=True)
class Division:
    """A row of GB/T 2260: province, city, county (six places) or township (nine)."""

    code: str
    name: str
    parent: str
    level: str


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A doctor of the model province in one department."""

    code: str
    certificate: str
    name: str
    sex: str
    title: str
    department: str


@dataclass(frozen=True)
class Hospital:
    """A fictional institution with its departments (standard code → name, → own code) and doctors."""

    code: str
    uscc: str
    name: str
    type: str
    level: str
    node: str
    division: str
    departments: Mapping[str, str]
    department_codes: Mapping[str, str]
    practitioners: tuple[Practitioner, ...]

    @cached_property
    def doctors_of(self) -> Mapping[str, tuple[Practitioner, ...]]:
        """Doctors by department."""
        found: dict[str, list[Practitioner]] = defaultdict(list)
        for practitioner in self.practitioners:
            found[practitioner.department].append(practitioner)
        return {department: tuple(doctors) for department, doctors in found.items()}


def rows(name: str, folder: Path = SAMPLES / "registry") -> Iterator[dict[str, str]]:
    """The rows of one table of `samples/registry`, gzipped or not."""
    path = folder / name
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def divisions() -> Mapping[str, Division]:
    """Every division of Gansu by code."""
    return {row["code"]: Division(**row) for row in rows("divisions.csv")}


@cache
def children_of(code: str) -> tuple[Division, ...]:
    """The divisions right below one."""
    return tuple(division for division in divisions().values() if division.parent == code)


@cache
def cities() -> tuple[Division, ...]:
    """The fourteen cities in the order of their codes."""
    return children_of("620000")


@cache
def diagnoses() -> Mapping[str, str]:
    """ICD-10 code → Chinese name."""
    return {row["code"]: row["name"] for row in rows("icd10.csv.gz")}


@cache
def department_names() -> Mapping[str, str]:
    """CT08.00.002 code → name."""
    return {row["code"]: row["name"] for row in rows("department_codes.csv")}


@cache
def hospitals() -> Mapping[str, Hospital]:
    """Every institution of the model province by registration code."""
    departments: dict[str, dict[str, str]] = defaultdict(dict)
    codes: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows("departments.csv"):
        departments[row["organisation"]][row["standard"]] = row["name"]
        codes[row["organisation"]][row["standard"]] = row["code"]
    doctors: dict[str, list[Practitioner]] = defaultdict(list)
    for row in rows("practitioners.csv"):
        doctors[row.pop("organisation")].append(Practitioner(**row))
    return {
        row["code"]: Hospital(
            code=row["code"],
            uscc=row["uscc"],
            name=row["name"],
            type=row["type"],
            level=row["level"],
            node=row["node"],
            division=row["division"],
            departments=departments[row["code"]],
            department_codes=codes[row["code"]],
            practitioners=tuple(doctors[row["code"]]),
        )
        for row in rows("organisations.csv")
    }


@cache
def hospitals_of(node: str) -> tuple[Hospital, ...]:
    """The institutions of one city, greatest first."""
    return tuple(hospital for hospital in hospitals().values() if hospital.node == node)
