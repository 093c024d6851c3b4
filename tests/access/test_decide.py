"""The table of access, and the decision over it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.access.rules import ACTIONS, RULES, Decision, Fact, Reason, decide
from kernel.actor import Role

PERSONAL = {
    "record.read",
    "record.search",
    "timeline.read",
    "document.read",
    "access_log.read",
    "person.read",
    "record.write",
    "message.read",
    "message.write",
}


@pytest.mark.parametrize(
    ("role", "action", "facts", "decision"),
    [
        (Role.RESIDENT, "timeline.read", {"own_record"}, Decision(True, "own_record")),
        (Role.RESIDENT, "timeline.read", set(), Decision(False, "no-fact")),
        (Role.RESIDENT, "record.write", {"own_record"}, Decision(False, "no-rule")),
        (
            Role.CLINICIAN,
            "record.read",
            {"treatment_relationship"},
            Decision(True, "treatment_relationship"),
        ),
        (Role.CLINICIAN, "record.read", {"source_hospital"}, Decision(False, "no-fact")),
        (
            Role.CLINICIAN,
            "record.read",
            {"source_hospital", "treatment_relationship"},
            Decision(True, "treatment_relationship"),
        ),
        (Role.CLINICIAN, "timeline.read", {"source_hospital"}, Decision(False, "no-fact")),
        (Role.CLINICIAN, "access_log.read", {"treatment_relationship"}, Decision(False, "no-rule")),
        (
            Role.HOSPITAL_SYSTEM,
            "record.write",
            {"own_organisation"},
            Decision(True, "own_organisation"),
        ),
        (Role.HOSPITAL_SYSTEM, "record.read", {"own_organisation"}, Decision(False, "no-fact")),
        (Role.HOSPITAL_SYSTEM, "timeline.read", {"source_hospital"}, Decision(False, "no-rule")),
        (Role.OPERATOR, "operations.write", {"authenticated"}, Decision(True, "authenticated")),
        (Role.OPERATOR, "record.read", {"authenticated"}, Decision(False, "no-rule")),
        (Role.NODE, "keys.share", {"own_organisation"}, Decision(True, "own_organisation")),
        (Role.NODE, "record.read", set(Fact), Decision(False, "no-rule")),
    ],
)
def test_the_table_decides(role, action, facts, decision):
    assert decide(role, action, frozenset(facts)) == decision


@given(
    st.sampled_from(Role),
    st.text() | st.sampled_from(sorted(ACTIONS)),
    st.frozensets(st.sampled_from(Fact)),
)
def test_only_what_the_table_says_is_allowed(role, action, facts):
    decision = decide(role, action, facts)

    assert decision.allowed == bool(RULES.get((role, action), frozenset()) & facts)
    assert decision.allowed or decision.reason in set(Reason)


@pytest.mark.parametrize("role", [Role.COMMISSION_ANALYST, Role.OPERATOR, Role.NODE])
def test_who_has_no_business_with_persons_reads_nothing_about_them(role):
    assert not {action for whose, action in RULES if whose == role} & PERSONAL


def test_no_rule_allows_without_a_fact():
    assert all(RULES.values())


@pytest.mark.parametrize("action", sorted(PERSONAL))
def test_being_signed_in_is_not_enough_to_read_about_a_person(action):
    assert not any(Fact.AUTHENTICATED in RULES.get((role, action), ()) for role in Role)
