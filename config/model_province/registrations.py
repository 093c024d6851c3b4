"""What hospitals wrote down about a resident, with the bad habits of real registration desks."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from config.model_province.chance import chance_of
from config.model_province.population import Resident
from config.model_province.sources import Hospital

BORN_BEFORE_18_PLACES = date(1985, 1, 1)
"""People who may still show a number of 15 places."""

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(ord("0"), ord("z") + 1)}
_LOCAL_NUMBERS = 10**10
_SCATTER = 7_393_913_197


class Habit(StrEnum):
    """What may be wrong with an identity number as it was typed."""

    CORRECT = "correct"
    MISSING = "missing"
    WRONG_CHECK_DIGIT = "wrong-check-digit"
    LOWER_CASE = "lower-case"
    FULL_WIDTH = "full-width"
    SPACED = "spaced"
    FIFTEEN_PLACES = "fifteen-places"


HABITS = {
    Habit.CORRECT: 895,
    Habit.MISSING: 40,
    Habit.WRONG_CHECK_DIGIT: 15,
    Habit.FULL_WIDTH: 10,
    Habit.SPACED: 10,
    Habit.FIFTEEN_PLACES: 30,
}
"""How many of a thousand registrations show each; a number ending in X is typed small by 3 in 10."""

LOWER_CASE_X = 0.3


@dataclass(frozen=True, slots=True)
class Registration:
    """A resident in the words of one hospital."""

    local_number: str
    name: str
    family_name: str
    given_name: str
    sex: str
    birth_date: date
    ethnic_group: str
    identity_number: str | None
    habit: Habit
    phone: str
    township: str
    address: str


def registration_of(resident: Resident, hospital: Hospital, *, seed: int) -> Registration:
    """How this hospital registered the resident; the same at every visit."""
    return registration_with(resident, hospital, habit_of(resident, hospital, seed=seed), seed=seed)


def habit_of(resident: Resident, hospital: Hospital, *, seed: int) -> Habit:
    """Which habit the desk had when this resident came first."""
    chance = chance_of(seed, "habit", hospital.code, resident.key)
    number = resident.identity_number
    if number is None:
        return Habit.MISSING
    if number.endswith("X") and chance.random() < LOWER_CASE_X:
        return Habit.LOWER_CASE
    habit = chance.choices(list(HABITS), list(HABITS.values()))[0]
    if habit is Habit.FIFTEEN_PLACES and resident.birth_date >= BORN_BEFORE_18_PLACES:
        return Habit.CORRECT
    return habit


def registration_with(
    resident: Resident, hospital: Hospital, habit: Habit, *, seed: int
) -> Registration:
    """The registration under a given habit."""
    chance = chance_of(seed, "desk", hospital.code, resident.key)
    given = resident.given_name
    if "·" in given:
        given = given.replace("·", chance.choice("··•．"))
    return Registration(
        local_number=_local_number(resident, hospital, seed),
        name=resident.family_name + given,
        family_name=resident.family_name,
        given_name=given,
        sex=resident.sex,
        birth_date=resident.birth_date,
        ethnic_group=resident.ethnic_group,
        identity_number=_typed(resident.identity_number, habit),
        habit=habit,
        phone=resident.phone,
        township=resident.township,
        address=resident.address,
    )


def _typed(number: str | None, habit: Habit) -> str | None:
    if number is None or habit is Habit.MISSING:
        return None
    match habit:
        case Habit.WRONG_CHECK_DIGIT:
            return number[:17] + ("0" if number[17] != "0" else "1")
        case Habit.LOWER_CASE:
            return number.lower()
        case Habit.FULL_WIDTH:
            return number.translate(_FULL_WIDTH)
        case Habit.SPACED:
            return f"{number[:6]} {number[6:14]} {number[14:]}"
        case Habit.FIFTEEN_PLACES if number[6:8] == "19":
            return number[:6] + number[8:17]
        case _:
            return number


def _local_number(resident: Resident, hospital: Hospital, seed: int) -> str:
    """The hospital's own number; no two residents share one in a hospital.

    The resident's place in the census is scattered by a multiplier prime to the range, so that
    numbers neither show the order nor agree between hospitals.
    """
    city, household, member = (int(part) for part in resident.key.split("-"))
    place = (city // 100 % 100) * 10**8 + household * 10 + member
    shift = chance_of(seed, hospital.code).randrange(_LOCAL_NUMBERS)
    return f"{(place * _SCATTER + shift) % _LOCAL_NUMBERS:010d}"
