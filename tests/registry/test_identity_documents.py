"""Rules of identity numbers and social credit codes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity_documents import (
    birth_date_of,
    citizen_number_of,
    identity_check_digit,
    identity_number_is_valid,
    normalise_identity_number,
    organisation_code_check,
    sex_of,
    uscc_check,
    uscc_is_valid,
    widen_15,
)

first_17 = st.builds(
    "{}{:%Y%m%d}{:03d}".format,
    st.sampled_from(["620102", "110105", "513721", "810000"]),
    st.dates(min_value=date(1900, 1, 1), max_value=date(2026, 1, 1)),
    st.integers(min_value=0, max_value=999),
)


@pytest.mark.parametrize(
    ("number", "born", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), "2"),
        ("440524188001010014", date(1880, 1, 1), "1"),
        ("620102199003070018", date(1990, 3, 7), "1"),
        ("620102199003070026", date(1990, 3, 7), "2"),
    ],
)
def test_published_numbers_pass(number, born, sex):
    assert identity_number_is_valid(number)
    assert birth_date_of(number) == born
    assert sex_of(number) == sex


@pytest.mark.parametrize(
    "number",
    [
        "620102199003070017",  # check digit
        "620102199002300017",  # 30 February
        "000102199003070018",  # no such province
        "11010519491231002x",  # not normalised
        "110105491231002",  # old form
        "１1010519491231002X",  # full-width digit
        "",
    ],
)
def test_malformed_numbers_fail(number):
    assert not identity_number_is_valid(number)


def test_a_number_from_the_future_fails():
    assert identity_number_is_valid("620102199003070018", born_by=date(1990, 3, 7))
    assert not identity_number_is_valid("620102199003070018", born_by=date(1990, 3, 6))


def test_an_abolished_county_stays_valid():
    number = "62299919900307001"
    assert identity_number_is_valid(number + identity_check_digit(number))


def test_permanent_residence_card_of_a_foreigner():
    number = "91112419900307001"
    assert identity_number_is_valid(number + identity_check_digit(number))


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002x",
        " 110105 19491231 002X",
        "１１０１０５１９４９１２３１００２ｘ",
        "110105491231002",
    ],
)
def test_what_people_type_is_understood(typed):
    assert citizen_number_of(typed) == "11010519491231002X"


def test_what_is_no_number_is_not_guessed():
    assert citizen_number_of("无") is None
    assert citizen_number_of("620102199003070017") is None


def test_widening_wants_fifteen_digits():
    assert widen_15("110105491231002") == "11010519491231002X"
    assert widen_15("11010549123100") is None
    assert widen_15("11010519491231002X") is None


def test_nothing_is_read_from_a_broken_number():
    assert birth_date_of("6201021990") is None
    assert birth_date_of("620102199013070018") is None
    assert sex_of("6201021990") is None


@given(first_17)
def test_every_well_formed_number_is_valid_and_no_other_check_digit_is(body):
    right = identity_check_digit(body)

    assert [c for c in "0123456789X" if identity_number_is_valid(body + c)] == [right]


@given(first_17, st.integers(0, 16), st.integers(1, 9))
def test_every_single_slip_is_noticed(body, place, shift):
    number = body + identity_check_digit(body)
    slipped = str((int(number[place]) + shift) % 10)

    assert not identity_number_is_valid(number[:place] + slipped + number[place + 1 :])


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    once = normalise_identity_number(text)

    assert normalise_identity_number(once) == once


@given(st.text())
def test_any_text_gets_an_answer(text):
    citizen_number_of(text)
    uscc_is_valid(text)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "12360000491015900T", "12620000438000013Q"])
def test_published_credit_codes_pass(code):
    assert uscc_is_valid(code)
    assert uscc_check(code[:17]) == code[17]
    assert organisation_code_check(code[8:16]) == code[16]


@pytest.mark.parametrize(
    "code",
    [
        "91350100M0001TGQXM",  # a pilot code that fails by law
        "12620000438000013q",
        "1262000043800001IQ",
        "12620000438000013",
        "",
    ],
)
def test_other_credit_codes_fail(code):
    assert not uscc_is_valid(code)
