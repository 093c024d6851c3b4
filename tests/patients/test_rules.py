"""Which documents identify somebody, and how phones are compared."""

import pytest

from registry.names import normalise_name
from registry.patients.rules import (
    RegistrationFacts,
    identifying_number,
    identity_of,
    indexed_identity,
    indexed_phone,
    normalise_phone,
)

NUMBER = "620102199003070018"


@pytest.mark.parametrize(
    ("kind", "typed", "number"),
    [
        ("01", NUMBER, NUMBER),
        ("01", "11010519491231002x", "11010519491231002X"),
        ("01", "620102199003070019", None),
        ("03", "e12345678", "E12345678"),
        ("03", "E-1", None),
        ("06", "H12345678", "H12345678"),
        ("06", "X12345678", None),
        ("07", "12345678", "12345678"),
        ("99", "anything", None),
    ],
)
def test_numbers_that_identify(kind, typed, number):
    assert identifying_number(kind, typed) == number


def test_the_citizen_number_is_the_strongest_document():
    facts = RegistrationFacts(documents=(("03", "E12345678"), ("01", NUMBER)))

    assert identity_of(facts) == ("01", NUMBER)
    assert indexed_identity(facts) == NUMBER
    assert indexed_identity(RegistrationFacts(documents=(("03", "E12345678"),))) == "03/E12345678"
    assert indexed_identity(RegistrationFacts()) is None


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("138 1234 5678", "13812345678"),
        ("+86-13812345678", "13812345678"),
        ("008613812345678", "13812345678"),
        ("0931-8888888", "09318888888"),
    ],
)
def test_phones(typed, digits):
    assert normalise_phone(typed) == digits
    assert indexed_phone(RegistrationFacts(phones=(typed,))) == digits


@pytest.mark.parametrize(
    "typed", ["阿依古丽·买买提", "阿依古丽 买买提", "阿依古丽•买买提", "阿依古丽．买买提"]
)
def test_middle_dots_are_no_difference(typed):
    assert normalise_name(typed) == "阿依古丽买买提"
