"""Residents of the model province and how hospitals write them down."""

from collections import Counter
from itertools import islice

import pytest

from config.model_province.institutions import tables
from config.model_province.population import BORN_BY, CITY_WEIGHTS, residents_of, shares
from config.model_province.registrations import (
    BORN_BEFORE_18_PLACES,
    Habit,
    registration_of,
    registration_with,
)
from config.model_province.sources import cities, divisions, hospitals, hospitals_of
from registry.identity_documents import (
    birth_date_of,
    citizen_number_of,
    identity_number_is_valid,
    sex_of,
    uscc_is_valid,
)

SIZE = 6_000


@pytest.fixture(scope="module")
def people():
    return list(islice(residents_of("620800", seed=1), SIZE))


def test_a_longer_stream_begins_with_the_shorter_one(people):
    assert list(islice(residents_of("620800", seed=1), 50)) == people[:50]
    assert list(islice(residents_of("620800", seed=2), 50)) != people[:50]


def test_every_number_is_valid_local_and_says_what_the_person_is(people):
    with_number = [person for person in people if person.identity_number]

    assert len({person.identity_number for person in with_number}) == len(with_number)
    for person in with_number:
        number = person.identity_number
        assert identity_number_is_valid(number, born_by=BORN_BY)
        assert birth_date_of(number) == person.birth_date
        assert sex_of(number) == person.sex
        assert divisions()[number[:6]].parent == person.city


def test_only_newborns_are_without_number(people):
    without = [person for person in people if person.identity_number is None]

    assert without
    assert all(person.age_on(BORN_BY) == 0 for person in without)


def test_families_share_phones(people):
    lent = Counter(person.phone for person in people)

    assert sum(person.borrows_phone for person in people) / SIZE == pytest.approx(0.23, abs=0.04)
    assert all(lent[person.phone] > 1 for person in people if person.borrows_phone)
    assert all(person.phone[0] == "1" and len(person.phone) == 11 for person in people)


def test_minority_names_carry_a_dot():
    west = list(islice(residents_of("620900", seed=1), SIZE))

    assert sum("·" in person.name for person in west) > 50
    assert {"02", "17"} <= {person.ethnic_group for person in west}


def test_residents_are_shared_out_as_in_the_census():
    assert set(CITY_WEIGHTS) == {city.code for city in cities()}
    assert shares(("620100", "620800"), 1000) == {"620100": 703, "620800": 297}
    assert sum(shares(tuple(CITY_WEIGHTS), 12_345).values()) == 12_345


def test_bad_habits_are_as_frequent_as_meant(people):
    hospital = hospitals_of("620800")[0]
    found = Counter(registration_of(person, hospital, seed=1).habit for person in people)

    assert found[Habit.CORRECT] / SIZE == pytest.approx(0.88, abs=0.03)
    assert found[Habit.MISSING] / SIZE == pytest.approx(0.045, abs=0.01)
    assert found[Habit.WRONG_CHECK_DIGIT] / SIZE == pytest.approx(0.015, abs=0.006)
    assert found[Habit.FULL_WIDTH] / SIZE == pytest.approx(0.01, abs=0.005)
    assert found[Habit.LOWER_CASE] / SIZE == pytest.approx(0.3 / 11, abs=0.01)
    assert found[Habit.FIFTEEN_PLACES] / SIZE == pytest.approx(0.015, abs=0.008)
    assert found[Habit.SPACED] / SIZE == pytest.approx(0.01, abs=0.005)


@pytest.mark.parametrize(
    "habit", [Habit.CORRECT, Habit.LOWER_CASE, Habit.FULL_WIDTH, Habit.SPACED, Habit.FIFTEEN_PLACES]
)
def test_most_habits_can_be_mended(people, habit):
    hospital = hospitals_of("620100")[0]
    older = [person for person in people[:400] if person.birth_date < BORN_BEFORE_18_PLACES]

    for person in older:
        written = registration_with(person, hospital, habit, seed=1)
        assert citizen_number_of(written.identity_number or "") == person.identity_number


def test_a_wrong_check_digit_cannot(people):
    hospital = hospitals_of("620100")[0]
    for person in people[:200]:
        if person.identity_number:
            written = registration_with(person, hospital, Habit.WRONG_CHECK_DIGIT, seed=1)
            assert citizen_number_of(written.identity_number or "") is None


def test_local_numbers_differ_between_people_and_hospitals(people):
    first, second = hospitals_of("620100")[:2]
    numbers = [registration_of(person, first, seed=1).local_number for person in people]

    assert len(set(numbers)) == SIZE
    others = [registration_of(person, second, seed=1).local_number for person in people]
    assert not any(a == b for a, b in zip(numbers, others, strict=True))


def test_institutions_are_well_formed_and_fictional():
    for row in tables()["organisations.csv"]:
        assert uscc_is_valid(row["uscc"])
        assert row["uscc"][8:17] == row["code"][:9]
        assert len(row["code"]) == 22
        assert "示范" in row["name"]
        assert row["division"] in divisions()


def test_every_city_has_institutions_of_every_kind():
    kinds = {(hospital.type, hospital.level) for hospital in hospitals().values()}

    for city in cities():
        found = hospitals_of(city.code)
        assert {(hospital.type, hospital.level) for hospital in found} == kinds
        assert len({hospital.name for hospital in found}) == 5
    assert len({hospital.name for hospital in hospitals().values()}) == 70
    for hospital in hospitals().values():
        assert {doctor.department for doctor in hospital.practitioners} == set(hospital.departments)
