"""Small work by the clock that the consumer does between its rounds, without the broker.

A task each second through Celery costs two processes and Redis some 12 ms; here it costs its query.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Chore:
    """A service and when it is next due."""

    path: str
    every: float
    due: float = 0.0


class Chores:
    """Services by dotted path, each with the seconds between its runs."""

    def __init__(self, periods: Mapping[str, float]) -> None:
        self._chores = [Chore(path, every) for path, every in periods.items()]

    def run_due(self) -> None:
        """Run what is due; a failing chore is logged and tried again at its next time."""
        for chore in self._chores:
            if time.monotonic() < chore.due:
                continue
            chore.due = time.monotonic() + chore.every
            try:
                import_string(chore.path)()
            except (InterfaceError, OperationalError):
                raise  # the consumer reconnects
            except Exception:
                log.exception("chore %s failed", chore.path)
