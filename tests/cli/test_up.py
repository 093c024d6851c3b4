"""Failures that happen side by side are told as one."""

import pytest

from config.cli.failures import NotReady, StepFailed
from config.cli.up import first_failure

STEP, WAIT = StepFailed("步", "step"), NotReady("等", "wait")


@pytest.mark.parametrize(
    "group",
    [
        ExceptionGroup("nodes", [STEP, WAIT]),
        ExceptionGroup("nodes", [ValueError(), ExceptionGroup("inner", [STEP])]),
    ],
)
def test_the_first_failure_of_ours_is_told(group):
    assert first_failure(group) is STEP


def test_a_group_without_one_of_ours_stays_whole():
    group = ExceptionGroup("nodes", [ValueError("bug")])

    assert first_failure(group) is group
