"""Reading one's own write: a caller waits for the event, not for a position in the log."""

import threading
import time

import pytest
from django.db import connection

from kernel.actor import Actor
from kernel.events.arrival import wait_for_event
from kernel.events.models import Event
from kernel.homes import uuid7


@pytest.mark.django_db
def test_an_event_that_is_there_is_found_at_once(settings):
    event = Event.objects.create(name="x.done", subject_id=uuid7(), actor_id=uuid7())

    assert wait_for_event(event.id, node=settings.NODE_CODE) is True


@pytest.mark.django_db
def test_waiting_is_bounded(settings):
    began = time.monotonic()

    assert wait_for_event(uuid7(), node=settings.NODE_CODE, within=0.05) is False
    assert 0.05 <= time.monotonic() - began < 2


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_while_waiting_is_seen(settings):
    event_id = uuid7()

    def write_later():
        time.sleep(0.05)
        actor = Actor.of_node(settings.NODE_CODE)
        Event.objects.create(id=event_id, name="x.done", subject_id=uuid7(), actor_id=actor.id)
        connection.close()

    writer = threading.Thread(target=write_later)
    writer.start()
    try:
        assert wait_for_event(event_id, node=settings.NODE_CODE, within=5) is True
    finally:
        writer.join()
