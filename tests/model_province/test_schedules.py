"""What the hospitals of the model province open for booking."""

from datetime import date, time

import pytest

from appointment_pool.rules import LONGEST_PERIOD, SETTINGS, Period, faults_of
from config.model_province.schedules import DOCTORS, schedules_of
from config.model_province.write_samples import two_hospitals

FIRST = date(2026, 11, 30)


@pytest.mark.parametrize("hospital", two_hospitals(), ids=lambda hospital: hospital.code)
def test_every_schedule_can_be_published(hospital):
    made = list(schedules_of(hospital, FIRST, 7))

    assert len({key for key, _ in made}) == len(made) == 7 * DOCTORS
    assert {plan["day"] for _, plan in made} == {
        f"2026-{day}"
        for day in (
            "11-30",
            "12-01",
            "12-02",
            "12-03",
            "12-04",
            "12-05",
            "12-06",
        )
    }
    doctors = {one.code: one for one in hospital.practitioners}
    codes = {code: standard for standard, code in hospital.department_codes.items()}
    for _, plan in made:
        assert codes[plan["department"]] == doctors[plan["practitioner"]].department
        periods = [
            Period(
                time.fromisoformat(one["starts"]), time.fromisoformat(one["ends"]), one["numbers"]
            )
            for one in plan["periods"]
        ]
        assert faults_of(periods, longest_minutes=SETTINGS[LONGEST_PERIOD]) == []
    assert {plan["period"] for _, plan in made} == {"am", "pm"}


def test_the_same_every_time():
    hospital = two_hospitals()[0]

    assert list(schedules_of(hospital, FIRST, 2)) == list(schedules_of(hospital, FIRST, 2))
