"""Reading one's own write: a caller waits for the event, not for a position in the log."""

import threading

import pytest
from django.db import connection

from kernel.events import arrival
from kernel.events.arrival import LOOK_EVERY_SECONDS, WITHIN_SECONDS, wait_for_event
from kernel.events.models import Event
from kernel.homes import uuid7


@pytest.mark.django_db
def test_an_event_that_is_there_is_found_at_once(settings):
    event = Event.objects.create(name="x.done", subject_id=uuid7(), actor_id=uuid7())

    assert wait_for_event(event.id, node=settings.NODE_CODE) is True


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, sleeping=lambda: None):
        self.now, self.sleeping = 1_000.0, sleeping

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.sleeping()


@pytest.mark.django_db
def test_waiting_is_bounded(settings, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(arrival, "time", clock)

    assert wait_for_event(uuid7(), node=settings.NODE_CODE) is False
    assert clock.now == pytest.approx(1_000 + WITHIN_SECONDS, abs=2 * LOOK_EVERY_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_while_waiting_is_seen(settings, monkeypatch):
    event_id = uuid7()

    def write():
        Event.objects.create(id=event_id, name="x.done", subject_id=uuid7(), actor_id=uuid7())
        connection.close()

    def written_by_another():
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()

    clock = Clock(sleeping=written_by_another)
    monkeypatch.setattr(arrival, "time", clock)

    assert wait_for_event(event_id, node=settings.NODE_CODE) is True
    assert clock.now == 1_000 + LOOK_EVERY_SECONDS
