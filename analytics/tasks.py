"""What figures need by the clock."""

import time
from dataclasses import dataclass
from typing import Any

from celery import shared_task

from analytics import counting
from analytics.rules import BEAT

SHARE = 0.05
"""Of the consumer's time counting takes at most so much: a long count is followed by a longer rest."""


@dataclass(slots=True)
class Pace:
    """When the next count may begin, what was newest at the last look, and when it changed; in seconds."""

    due: float = 0.0
    newest: Any = None
    moved: float = 0.0
    counted: float = 0.0


pace = Pace()


def count_in_time() -> None:
    """Count when something happened in the last seconds, and now and then; not if that just took long."""
    now = time.monotonic()
    if now < pace.due:
        return
    newest, beat = counting.newest(), BEAT.total_seconds()
    if newest != pace.newest:
        pace.newest, pace.moved = newest, now
    if now - pace.moved > beat and now - pace.counted < beat:
        return
    counting.count()
    pace.counted = now
    pace.due = now + (time.monotonic() - now) / SHARE


@shared_task(name="analytics.recount", ignore_result=True)
def recount() -> None:
    """Count yesterday and today anew, whatever was missed. Safe twice."""
    counting.recount()


@shared_task(name="analytics.recount_numbers", ignore_result=True)
def recount_numbers() -> None:
    """Count the numbers of today and of the days to come anew. Safe twice."""
    counting.recount_numbers()


@shared_task(name="analytics.forget_old", ignore_result=True)
def forget_old() -> None:
    """Let go of figures that nothing is compared with any more. Safe twice."""
    counting.forget_old()
