"""The sign of life of worker and consumer."""

import os

from config.celery import Heartbeat
from config.heartbeat import EVERY, beat
from kernel.events.chores import Chores


def test_a_beat_touches_the_file(settings, tmp_path):
    settings.HEARTBEAT_FILE = str(tmp_path / "heartbeat")

    beat()
    os.utime(tmp_path / "heartbeat", (1, 1))
    Chores({"config.heartbeat.beat": EVERY}).run_due()

    assert (tmp_path / "heartbeat").stat().st_mtime > 1


def test_without_a_file_nothing_beats(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings.HEARTBEAT_FILE = ""

    beat()

    assert list(tmp_path.iterdir()) == []


def test_a_worker_beats_by_its_own_timer():
    asked = []

    class Worker:
        """What a bootstep is started with."""

        class timer:  # noqa: N801 — Celery's name
            """Notes what is asked of it."""

            call_after = staticmethod(lambda delay, what: asked.append((delay, what)))
            call_repeatedly = staticmethod(lambda every, what: asked.append((every, what)))

    Heartbeat(Worker).start(Worker)

    assert asked == [(0, beat), (EVERY, beat)]
