"""`manage.py consume_events`: the event consumer of this node."""

import logging
import signal
from threading import Event as Flag
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from kernel.events import consumer, services
from kernel.events.chores import Chores

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Handle events until asked to stop; the one at hand is finished first."""

    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Install the signal handlers, bring the routes up to date, work."""
        stop = Flag()

        def leave(number: int, frame: FrameType | None) -> None:
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, leave)
        self._sync_routes(stop)
        log.info("consuming events")
        consumer.consume(stop, Chores(settings.CHORES).run_due)
        log.info("stopped")

    def _sync_routes(self, stop: Flag) -> None:
        while not stop.is_set():
            try:
                services.sync_routes()
            except (InterfaceError, OperationalError):
                log.warning("the database is not reachable yet")
                connection.close()
                stop.wait(0.5)
            else:
                return
