"""Recording events and consuming them, in tests."""

import threading
import time
from uuid import UUID

from django.conf import settings as node
from django.db import connection, transaction
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.events import consumer, selectors, services
from kernel.events.models import EventDelivery
from kernel.events.states import State
from kernel.homes import uuid7

BY = Actor(id=UUID(int=7), role=Role.HOSPITAL_SYSTEM, node=node.NODE_CODE)


def record(name):
    with transaction.atomic():
        return services.record(name, subject_id=uuid7(), by=BY)


def run_until_idle():
    while consumer.run_round().handled:
        pass


def all_due():
    EventDelivery.objects.filter(state=State.DUE).update(due_at=timezone.now())


def until_nothing_is_due():
    deadline = time.monotonic() + 120
    while selectors.due_count() and time.monotonic() < deadline:
        time.sleep(0.02)


def consume_all(consumers=1):
    """Let consumers, each on a connection of its own, work until nothing is due."""
    stop = threading.Event()

    def work():
        try:
            consumer.consume(stop)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(consumers)]
    for worker in workers:
        worker.start()
    until_nothing_is_due()
    stop.set()
    for worker in workers:
        worker.join()
