"""Who went to which hospital, when and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from random import Random

from config.model_province.chance import chance_of
from config.model_province.clinic import COMPLAINTS, Complaint
from config.model_province.population import Resident
from config.model_province.sources import Hospital, Practitioner, hospitals_of

BEIJING = timezone(timedelta(hours=8))
CAPITAL = "620100"
AWAY = 0.08
"""Share of visits to the great hospital of another city."""

VISITS_A_YEAR = ((4, 7.0), (15, 3.5), (45, 4.0), (65, 6.5), (200, 10.0))
"""Up to which age how many visits a year."""

SHARES: Mapping[tuple[str, str], int] = {
    ("A100", "3"): 38,
    ("A210", "3"): 14,
    ("A100", "2"): 22,
    ("C220", "1"): 13,
    ("B100", "9"): 13,
}
"""Where residents go at home, by type and level of institution."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of one resident, with the doctor who saw them."""

    resident: Resident
    hospital: Hospital
    department: str
    doctor: Practitioner
    starts: datetime
    complaint: Complaint
    admitted: bool

    @property
    def key(self) -> str:
        """The same for the same visit, however it was generated."""
        return f"{self.resident.key}@{self.starts:%Y%m%dT%H%M}"


def visits_of(
    resident: Resident, *, first: date, last: date, cities: Sequence[str], seed: int
) -> Iterator[Visit]:
    """The resident's visits from the first day to the last.

    Drawn month by month, so that a longer stretch of time holds the same visits and more.
    """
    month = first.replace(day=1)
    while month <= last:
        chance = chance_of(seed, "visits", resident.key, month.isoformat())
        for day in _days(resident, month, chance):
            if day < resident.birth_date:
                continue
            visit = _visit(resident, day, cities, chance)
            if visit is not None and first <= day <= last:
                yield visit
        month = (month + timedelta(days=32)).replace(day=1)


def _days(resident: Resident, month: date, chance: Random) -> list[date]:
    """Days of the month with a visit; each of the first 28 is as likely as another."""
    age = resident.age_on(month)
    yearly = next(rate for limit, rate in VISITS_A_YEAR if age <= limit)
    return [month.replace(day=day) for day in range(1, 29) if chance.random() < yearly / 12 / 28]


def _visit(resident: Resident, day: date, cities: Sequence[str], chance: Random) -> Visit | None:
    hospital = _hospital(resident, cities, chance)
    return visit_to(hospital, resident, day, chance)


def visit_to(hospital: Hospital, resident: Resident, day: date, chance: Random) -> Visit | None:
    """A visit to a given hospital, or None when it has no department for what ails the resident."""
    complaint = _complaint(resident.age_on(day), resident.sex, chance)
    starts = datetime(
        day.year, day.month, day.day, chance.randint(8, 17), chance.randint(0, 59), tzinfo=BEIJING
    )
    admitted = hospital.type == "A100" and chance.random() < complaint.admitted
    pick = chance.random()
    for department in complaint.departments:
        doctors = hospital.doctors_of.get(department)
        if doctors:
            doctor = doctors[int(pick * len(doctors))]
            return Visit(resident, hospital, department, doctor, starts, complaint, admitted)
    return None


def _hospital(resident: Resident, cities: Sequence[str], chance: Random) -> Hospital:
    others = [city for city in cities if city != resident.city]
    if others and chance.random() < AWAY:
        away = CAPITAL if CAPITAL in others else chance.choice(others)
        return hospitals_of(away)[0]
    at_home = hospitals_of(resident.city)
    weights = [SHARES[hospital.type, hospital.level] for hospital in at_home]
    return chance.choices(at_home, weights)[0]


def _complaint(age: int, sex: str, chance: Random) -> Complaint:
    complaints, weights = _complaints_of(age, sex)
    return chance.choices(complaints, weights)[0]


@cache
def _complaints_of(age: int, sex: str) -> tuple[tuple[Complaint, ...], tuple[int, ...]]:
    possible = tuple(
        complaint
        for complaint in COMPLAINTS
        if complaint.ages[0] <= age <= complaint.ages[1] and complaint.sex in {None, sex}
    )
    return possible, tuple(complaint.weight for complaint in possible)
