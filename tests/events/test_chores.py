"""Chores run when they are due; one that fails does not stop the others."""

import logging

import pytest
from django.db import OperationalError

from kernel.events import chores

done: list[str] = []


def sweep():
    done.append("sweep")


def stumble():
    raise ValueError("a stone")


def disconnect():
    raise OperationalError("gone")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    done.clear()
    now = [100.0]
    monkeypatch.setattr("kernel.events.chores.time.monotonic", lambda: now[0])
    return now


def test_a_chore_runs_at_once_and_then_by_its_period(clock):
    each_second = chores.Chores({f"{__name__}.sweep": 1.0})

    for step in (0.0, 0.5, 0.6, 0.1):
        clock[0] += step
        each_second.run_due()

    assert done == ["sweep", "sweep"]


def test_a_failing_chore_is_logged_and_the_next_one_runs(caplog):
    both = chores.Chores({f"{__name__}.stumble": 1.0, f"{__name__}.sweep": 1.0})

    with caplog.at_level(logging.ERROR):
        both.run_due()

    assert done == ["sweep"]
    assert "stumble failed" in caplog.text


def test_a_lost_database_is_left_to_the_consumer():
    with pytest.raises(OperationalError):
        chores.Chores({f"{__name__}.disconnect": 1.0}).run_due()
