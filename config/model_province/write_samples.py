"""Write what `samples/` holds of the model province.

    python -m config.model_province.write_samples [DIRECTORY]

The same bytes every time; a test compares them with the files in the repository.
"""

import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from config.model_province.activity import CAPITAL, visit_to
from config.model_province.bundles import as_bytes, bundle_of
from config.model_province.chance import chance_of
from config.model_province.coding import Json
from config.model_province.institutions import tables
from config.model_province.population import BORN_BY, Resident, residents_of
from config.model_province.registrations import (
    BORN_BEFORE_18_PLACES,
    Habit,
    habit_of,
    registration_with,
)
from config.model_province.sources import SAMPLES, Hospital, hospitals_of
from registry.identity_documents import FEMALE

SEED = 620000
HOME, FAR_WEST = "620800", "620900"
FIRST_VISIT = date(2026, 7, 6)
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The only time a ZIP archive can bear without telling when it was written."""


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody seen in two cities: who fits, and how the second hospital wrote the number."""

    city: str
    fits: Callable[[Resident], bool]
    habit_away: Habit


def _adult(resident: Resident) -> bool:
    return 30 <= resident.age_on(BORN_BY) <= 75 and resident.identity_number is not None


PARTS = (
    Part(HOME, lambda r: _adult(r) and r.age_on(BORN_BY) > 55, Habit.CORRECT),
    Part(HOME, lambda r: _adult(r) and (r.identity_number or "").endswith("X"), Habit.LOWER_CASE),
    Part(HOME, lambda r: _adult(r) and r.sex == FEMALE, Habit.FULL_WIDTH),
    Part(HOME, lambda r: _adult(r) and not r.borrows_phone, Habit.WRONG_CHECK_DIGIT),
    Part(HOME, lambda r: _adult(r) and r.birth_date < BORN_BEFORE_18_PLACES, Habit.FIFTEEN_PLACES),
    Part(FAR_WEST, lambda r: _adult(r) and "·" in r.name, Habit.CORRECT),
)
"""The people a first user meets; nobody plays two parts."""


def two_hospitals() -> tuple[Hospital, Hospital]:
    """The hospitals of the demo: at home in 平凉, and away in the capital."""
    return hospitals_of(HOME)[0], hospitals_of(CAPITAL)[0]


def cast() -> list[tuple[Resident, Habit]]:
    """For each part the first resident who fits."""
    found: list[tuple[Resident, Habit]] = []
    for part in PARTS:
        taken = {resident.key for resident, _ in found}
        resident = next(
            r for r in residents_of(part.city, seed=SEED) if r.key not in taken and part.fits(r)
        )
        found.append((resident, part.habit_away))
    return found


def only_at_home() -> list[Resident]:
    """A mother and her baby without a number, who share one phone; they see one hospital only."""
    household: list[Resident] = []
    for resident in residents_of(HOME, seed=SEED):
        if household and household[0].address != resident.address:
            household.clear()
        mothers = [r for r in household if r.sex == FEMALE and r.age_on(BORN_BY) >= 22]
        if resident.identity_number is None and mothers and mothers[-1].phone == resident.phone:
            return [mothers[-1], resident]
        household.append(resident)
    raise AssertionError("the population has no end")


def bundles() -> Iterator[tuple[Hospital, str, Json]]:
    """(hospital, file name without suffix, bundle) in the order of time at each hospital."""
    home, away = two_hospitals()
    for number, (resident, habit) in enumerate(cast()):
        day = FIRST_VISIT + timedelta(days=9 * number)
        yield _bundle(home, resident, day, documented=True)
        yield _bundle(home, resident, day + timedelta(days=30), documented=False)
        yield _bundle(away, resident, day + timedelta(days=60), habit=habit, documented=True)
    for number, resident in enumerate(only_at_home()):
        yield _bundle(home, resident, FIRST_VISIT + timedelta(days=4 + number), documented=False)


def _bundle(
    hospital: Hospital,
    resident: Resident,
    first: date,
    *,
    documented: bool,
    habit: Habit | None = None,
) -> tuple[Hospital, str, Json]:
    """A visit on or soon after a day; with a written note when one is asked for."""
    used = habit or (Habit.CORRECT if documented else habit_of(resident, hospital, seed=SEED))
    registration = registration_with(resident, hospital, used, seed=SEED)
    for later in range(28):
        day = first + timedelta(days=later)
        chance = chance_of(SEED, "sample", resident.key, hospital.code, day)
        visit = visit_to(hospital, resident, day, chance)
        if visit is None:
            continue
        bundle = bundle_of(visit, seed=SEED, registration=registration)
        kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
        if not documented or "DocumentReference" in kinds:
            return hospital, f"{visit.starts:%Y%m%d}-{registration.local_number}", bundle
    raise AssertionError("four weeks without a visit")


def write_registry(target: Path) -> None:
    """The generated tables of `samples/registry`."""
    target.mkdir(parents=True, exist_ok=True)
    for name, table in tables().items():
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        (target / name).write_bytes(text.getvalue().encode())


def write_bundles(target: Path) -> None:
    """A folder for each hospital: bundles, the last of them gzipped, two in a ZIP archive."""
    by_hospital: dict[str, list[tuple[str, bytes]]] = {}
    for hospital, name, bundle in bundles():
        by_hospital.setdefault(hospital.code, []).append((f"{name}.json", as_bytes(bundle)))
    for code, files in by_hospital.items():
        folder = target / code
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files[:-3]:
            (folder / name).write_bytes(data)
        name, data = files[-1]
        (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        with zipfile.ZipFile(folder / "more-visits.zip", "w") as archive:
            for name, data in files[-3:-1]:
                member = zipfile.ZipInfo(name, EARLIEST)
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, data)


def main(target: Path) -> None:
    """Write both."""
    write_registry(target / "registry")
    write_bundles(target / "fhir/gansu")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
