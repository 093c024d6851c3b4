"""Celery: the worker of a node and what it does by the clock."""

import os
from typing import Any

from celery import Celery, bootsteps

from config.heartbeat import EVERY, beat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Heartbeat(bootsteps.StartStopStep):
    """Beats from the loop that takes the tasks, so only while the broker is there and no task hangs."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        """Beat as soon as the loop runs, then again and again; `parent` is the worker."""
        parent.timer.call_after(0, beat)
        parent.timer.call_repeatedly(EVERY, beat)


app = Celery("jianqiao")
app.config_from_object("config.celery_settings")
app.steps["worker"].add(Heartbeat)
