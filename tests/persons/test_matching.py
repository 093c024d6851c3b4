"""The rules by which a registration meets a person, without a database."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from registry.persons.matching import Candidate, Claim, Verdict, decide

BORN = date(1990, 3, 7)
ONE, TWO = UUID(int=1), UUID(int=2)
DOCUMENT = ("01", "620102199003070018")


def claim(**facts):
    given: dict[str, Any] = {
        "name_key": "张三", "sex": "1", "birth_date": BORN, "document": None,
        "phones": frozenset({"13812345678"}),
    }  # fmt: skip
    return Claim(**(given | facts))


def candidate(person_id=ONE, **facts):
    given: dict[str, Any] = {"name_key": "张三", "sex": "1", "birth_date": BORN}
    return Candidate(person_id=person_id, **(given | facts))


def test_the_same_document_and_name_are_the_same_person():
    decision = decide(claim(document=DOCUMENT), [candidate(same_document=True)])

    assert (decision.verdict, decision.person_id, decision.score) == (Verdict.LINK, ONE, 1.0)
    assert decision.explanation["rule"] == "document"


def test_the_same_document_under_another_name_is_for_staff():
    rival = candidate(name_key="李四", same_document=True)

    decision = decide(claim(document=DOCUMENT), [rival])

    assert (decision.verdict, decision.person_id) == (Verdict.CONFLICT, ONE)


def test_of_several_holders_the_namesake_is_meant():
    holders = [
        candidate(ONE, name_key="李四", same_document=True), candidate(TWO, same_document=True)
    ]  # fmt: skip

    assert decide(claim(document=DOCUMENT), holders).person_id == TWO


def test_all_details_agree():
    decision = decide(claim(), [candidate(same_phone=True)])

    assert (decision.verdict, decision.person_id, decision.score) == (Verdict.LINK, ONE, 0.9)


@pytest.mark.parametrize(
    "difference",
    [
        {"same_phone": False},
        {"name_key": "张四"},
        {"sex": "2"},
        {"birth_date": date(1990, 3, 8)},
        {"birth_date": None},
        {"other_document": True},
    ],
)
def test_one_detail_that_differs_makes_a_new_person(difference):
    given = {"same_phone": True} | difference

    assert decide(claim(document=DOCUMENT), [candidate(**given)]).verdict is Verdict.NEW


@pytest.mark.parametrize("unknown", [{"sex": ""}, {"birth_date": None}, {"name_key": ""}])
def test_what_is_unknown_never_agrees(unknown):
    one = candidate(same_phone=True, **unknown)

    assert decide(claim(**unknown), [one]).verdict is Verdict.NEW


def test_two_alike_are_for_staff():
    alike = [candidate(ONE, same_phone=True), candidate(TWO, same_phone=True)]

    decision = decide(claim(), alike)

    assert decision.verdict is Verdict.CONFLICT
    assert decision.explanation["rivals"] == 2


def test_the_explanation_names_nobody():
    told = str(decide(claim(document=DOCUMENT), [candidate(same_document=True)]).explanation)

    assert "张三" not in told
    assert DOCUMENT[1] not in told
    assert "13812345678" not in told
