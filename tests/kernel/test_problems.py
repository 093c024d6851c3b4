"""Problems, transitions, actors."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.actor import Actor, Purpose, Role
from kernel.problems import DomainError, FieldError, InputInvalid, problem_body, said
from kernel.transitions import TransitionRefused, require_transition

TABLE = {"draft": frozenset({"sent", "gone"}), "sent": frozenset({"gone"}), "gone": frozenset()}


class NotTheReceiver(DomainError):
    status, code = 403, "not-the-receiver"
    title = {"zh": "只有接收方可以答复", "en": "Only the receiver may answer"}


def test_a_problem_is_told_in_the_language_of_the_request():
    error = NotTheReceiver({"zh": "转诊单", "en": "the referral"}, facts={"received": 2})

    assert problem_body(error, "zh-hans") == {
        "type": "urn:problem:not-the-receiver",
        "title": "只有接收方可以答复",
        "status": 403,
        "detail": "转诊单",
        "facts": {"received": 2},
    }
    assert problem_body(error, "en-gb") == {
        "type": "urn:problem:not-the-receiver",
        "title": "Only the receiver may answer",
        "status": 403,
        "detail": "the referral",
        "facts": {"received": 2},
    }


def test_an_input_problem_says_where_which_rule_and_how_to_mend_it():
    error = InputInvalid(
        errors=[
            FieldError("name", "required", {"zh": "请填写姓名", "en": "Give a name"}),
            FieldError("birth_date", "date", "YYYY-MM-DD"),
        ]
    )

    assert problem_body(error, "en") == {
        "type": "urn:problem:input-invalid",
        "title": "The input is not valid",
        "status": 422,
        "errors": [
            {"field": "name", "rule": "required", "text": "Give a name"},
            {"field": "birth_date", "rule": "date", "text": "YYYY-MM-DD"},
        ],
    }


def test_an_error_reads_as_its_code_and_detail():
    assert str(NotTheReceiver()) == "not-the-receiver"
    assert str(NotTheReceiver({"zh": "甲", "en": "a"})) == "not-the-receiver: a"


def test_a_text_in_one_language_is_better_than_none():
    assert said({"zh": "甲"}, "en") == "甲"
    assert said("plain", "zh") == "plain"


@pytest.mark.parametrize(("current", "target"), [("draft", "sent"), ("sent", "gone")])
def test_a_transition_of_the_table_is_allowed(current, target):
    require_transition(TABLE, current=current, target=target)


@pytest.mark.parametrize(
    ("current", "target", "allowed"),
    [("sent", "draft", ["gone"]), ("gone", "gone", []), ("unheard", "sent", [])],
)
def test_any_other_transition_is_refused(current, target, allowed):
    with pytest.raises(TransitionRefused) as refused:
        require_transition(TABLE, current=current, target=target)

    assert refused.value.status == 409
    assert refused.value.facts == {"current": current, "target": target, "allowed": allowed}


actors = st.builds(
    Actor,
    id=st.uuids(),
    role=st.sampled_from(Role),
    node=st.from_regex(r"\A\d{6}\Z"),
    organisation_id=st.none() | st.uuids(),
    person_id=st.none() | st.uuids(),
    purpose=st.sampled_from(Purpose),
    on_behalf_of=st.none() | st.uuids(),
)


@given(actors)
def test_an_actor_survives_the_journey_to_another_node(actor):
    assert Actor.from_claims(actor.as_claims()) == actor


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"id": "x", "role": "resident", "node": "620100", "purpose": "TREAT"},
        {"id": 7, "role": "resident", "node": "620100", "purpose": "TREAT"},
        {"id": str(UUID(int=1)), "role": "king", "node": "620100", "purpose": "TREAT"},
        {"id": str(UUID(int=1)), "role": "resident", "node": "620100", "purpose": "FUN"},
    ],
)
def test_claims_that_name_no_actor_are_refused(claims):
    with pytest.raises(ValueError, match=r".+"):
        Actor.from_claims(claims)


def test_a_node_acts_under_one_id_everywhere():
    assert Actor.of_node("620100") == Actor.of_node("620100")
    assert Actor.of_node("620100").id != Actor.of_node("620200").id
    assert Actor.of_node("620100").role is Role.NODE
