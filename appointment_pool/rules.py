"""Decisions about schedules and appointments over plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from appointment_pool.errors import NotOpenYet, ScheduleOver, ScheduleStopped
from appointment_pool.states import ScheduleStatus
from kernel.problems import DomainError, FieldError

DAYS_AHEAD = "days-ahead"
MOST_OPEN = "most-open"
MOST_PER_DEPARTMENT_AND_DAY = "most-per-department-and-day"
CANCEL_DAYS_BEFORE = "cancel-days-before"
LONGEST_PERIOD = "longest-period-minutes"

SETTINGS: Mapping[str, int] = {
    DAYS_AHEAD: 7,
    MOST_OPEN: 3,
    MOST_PER_DEPARTMENT_AND_DAY: 1,
    CANCEL_DAYS_BEFORE: 1,
    LONGEST_PERIOD: 60,
}
"""Defaults of `BookingSetting`: days that may be booked ahead; open appointments of a person in the
province, and in one department on one day; how many days before the day it may last be cancelled; the
longest period of numbers."""

BOUNDS: Mapping[str, tuple[int, int]] = {
    DAYS_AHEAD: (0, 365),
    MOST_OPEN: (1, 100),
    MOST_PER_DEPARTMENT_AND_DAY: (1, 20),
    CANCEL_DAYS_BEFORE: (0, 30),
    LONGEST_PERIOD: (5, 60),
}
"""Within which a number may be set. No period is longer than an hour (甘肃方案 3.1.2)."""

OF_THE_PROVINCE = frozenset({MOST_OPEN})
"""What is counted over all hospitals, so that no hospital has its own."""


@dataclass(frozen=True, slots=True)
class Period:
    """So many numbers between two times of the day."""

    starts: time
    ends: time
    numbers: int


def faults_of(periods: Sequence[Period], *, longest_minutes: int) -> list[FieldError]:
    """What is wrong with the periods of a schedule, by their place."""
    faults = []
    before: time | None = None
    for place, period in enumerate(periods):
        field, minutes = f"periods.{place}", _minutes(period.ends) - _minutes(period.starts)
        if minutes <= 0:
            faults.append(
                FieldError(
                    field,
                    "period-order",
                    {"zh": "结束须晚于开始", "en": "it ends before it begins"},
                )
            )
        elif minutes > longest_minutes:
            faults.append(
                FieldError(
                    field, "period-length",
                    {"zh": f"时段不得超过 {longest_minutes} 分钟", "en": f"longer than {longest_minutes} minutes"},
                )
            )  # fmt: skip
        if before is not None and period.starts < before:
            faults.append(
                FieldError(
                    field, "period-overlap",
                    {"zh": "时段须按时间先后且不重叠", "en": "periods must follow each other"},
                )
            )  # fmt: skip
        before = period.ends
    return faults


def faults_of_setting(name: str, value: int, *, of_hospital: bool) -> list[FieldError]:
    """What is wrong with a number that a rule is to have."""
    least, most = BOUNDS[name]
    faults = []
    if not least <= value <= most:
        faults.append(
            FieldError(
                "value", "bounds",
                {"zh": f"须在 {least} 与 {most} 之间", "en": f"from {least} to {most}"},
            )
        )  # fmt: skip
    if of_hospital and name in OF_THE_PROVINCE:
        faults.append(
            FieldError(
                "hospital", "of-the-province",
                {"zh": "该规则全省统一，不能按医院设置", "en": "this is one number for the whole province"},
            )
        )  # fmt: skip
    return faults


def refusal_to_book(
    *, status: str, day: date, ends_at: datetime, today: date, now: datetime, days_ahead: int
) -> DomainError | None:
    """Why nobody may book a number of a schedule now; None when it is open."""
    if status == ScheduleStatus.STOPPED:
        return ScheduleStopped()
    if ends_at <= now:
        return ScheduleOver()
    opens = day - timedelta(days=days_ahead)
    if today < opens:
        return NotOpenYet(facts={"opens": opens.isoformat()})
    if status == ScheduleStatus.PLANNED:
        return NotOpenYet()
    return None


def last_day_to_cancel(*, day: date, booked_on: date, days_before: int) -> date:
    """The last day on which the patient may give the number back, while its time has not come.

    What was booked on the day itself may be given back on that day.
    """
    return day if booked_on == day else day - timedelta(days=days_before)


def may_cancel(
    *, day: date, starts_at: datetime, booked_on: date, today: date, now: datetime, days_before: int
) -> bool:
    """Whether the patient may still give the number back."""
    last = last_day_to_cancel(day=day, booked_on=booked_on, days_before=days_before)
    return now < starts_at and today <= last


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
