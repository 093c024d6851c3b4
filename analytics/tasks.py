"""What figures need by the clock."""

import time
from dataclasses import dataclass

from celery import shared_task

from analytics import counting

SHARE = 0.05
"""Of the consumer's time counting takes at most so much: a long count is followed by a longer rest."""


@dataclass(slots=True)
class Pace:
    """When the next count may begin."""

    due: float = 0.0


pace = Pace()


def count_in_time() -> None:
    """Count what happened since the last time, unless that just took long."""
    began = time.monotonic()
    if began < pace.due:
        return
    counting.count()
    took = time.monotonic() - began
    pace.due = began + took / SHARE


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
