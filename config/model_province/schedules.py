"""Outpatient schedules of a hospital of the model province for the days to come."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from config.model_province.sources import Hospital, Practitioner

DOCTORS = 8
NUMBERS = 5
MORNING, AFTERNOON = (("08:00", "09:00"), ("09:00", "10:00")), (("14:30", "15:30"),)
FEES = {"231": 5000, "232": 3000}
"""In 分, by GB/T 8561 title: chief and deputy chief doctors; others 2,500."""


def schedules_of(
    hospital: Hospital, first: date, days: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The number each schedule has at the hospital, and what is published under it."""
    for day in (first + timedelta(number) for number in range(days)):
        for place, doctor in enumerate(hospital.practitioners[:DOCTORS]):
            period = "am" if (day.toordinal() + place) % 2 else "pm"
            yield (
                f"{day:%Y%m%d}-{doctor.code}-{period}",
                schedule_of(hospital, doctor, day, period, NUMBERS),
            )


def schedule_of(
    hospital: Hospital, doctor: Practitioner, day: date, period: str, numbers: int
) -> dict[str, Any]:
    """A doctor's morning or afternoon with so many numbers in each period."""
    return {
        "department": hospital.department_codes[doctor.department],
        "practitioner": doctor.code,
        "day": day.isoformat(),
        "period": period,
        "fee": FEES.get(doctor.title, 2500),
        "periods": [
            {"starts": starts, "ends": ends, "numbers": numbers}
            for starts, ends in (MORNING if period == "am" else AFTERNOON)
        ],
    }
