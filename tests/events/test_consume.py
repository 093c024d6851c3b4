"""The consumer: once in effect, failures alone, parked and replayed."""

import io
import json
import os
import signal
import threading
from datetime import timedelta

import pytest
from django.conf import settings as node
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from kernel.events import consumer, selectors, services
from kernel.events.errors import NoSuchDelivery
from kernel.events.metrics import DeliveryCollector
from kernel.events.models import Event, EventDelivery, EventWatermark
from kernel.events.states import (
    BACK_OFF_SECONDS,
    WAITS,
    State,
    pause_after_failure,
    pause_while_waiting,
)
from kernel.events.tasks import forget_old
from kernel.homes import uuid7
from tests.events import wiring
from tests.events.consuming import (
    BY,
    all_due,
    record,
    run_until_idle,
    until_nothing_is_due,
)

FAIL, NOTE = "tests.events.wiring.fail", "tests.events.wiring.note"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("routes")]


def delivery(event_id, handler):
    return EventDelivery.objects.get(event_id=event_id, handler=handler)


def test_handlers_run_and_are_marked_done():
    event_id = record("thing.changed")

    assert consumer.run_round() == (2, False)

    assert [(who, event.id) for who, event in wiring.seen] == [("note", event_id)]
    assert EventWatermark.objects.filter(node=f"mark {event_id}").count() == 1
    assert set(EventDelivery.objects.values_list("state", "attempts")) == {("done", 0)}
    assert not EventDelivery.objects.filter(done_at=None).exists()
    assert consumer.run_round() == (0, False)
    assert len(wiring.seen) == 1


def test_events_of_several_nodes_are_read_where_they_are(arrives):
    other = "620800" if node.ROLE == "province" else "620000"
    with arrives():
        foreign = Event.objects.create(
            name="thing.past", subject_id=uuid7(), actor_id=BY.id, node=other
        )
    own = record("thing.past")

    run_until_idle()

    assert {(event.id, event.node) for _, event in wiring.seen} == {
        (foreign.id, other),
        (own, node.NODE_CODE),
    }


@pytest.mark.parametrize("name", ["thing.fails", "thing.breaks"])
def test_a_failing_handler_undoes_only_itself(name):
    event_id = record(name)
    before = timezone.now()

    run_until_idle()

    failed = EventDelivery.objects.exclude(handler=NOTE).get()
    assert (failed.state, failed.attempts) == ("due", 1)
    assert before < failed.due_at - timedelta(seconds=1) < timezone.now()
    assert delivery(event_id, NOTE).state == "done"
    assert not EventWatermark.objects.exists()


def test_what_is_kept_of_an_error_names_no_number_and_no_row():
    failing, breaking = record("thing.fails"), record("thing.breaks")

    run_until_idle()

    assert delivery(failing, FAIL).last_error == "ValueError: no good: ########### of ######"
    broken = delivery(breaking, "tests.events.wiring.break_the_transaction")
    assert broken.last_error == "DataError"


def test_a_handler_that_goes_on_failing_is_parked_and_can_be_replayed():
    event_id = record("thing.fails")
    for _ in range(len(BACK_OFF_SECONDS) + 1):
        all_due()
        run_until_idle()

    parked = delivery(event_id, FAIL)
    assert (parked.state, parked.attempts) == ("parked", 7)
    assert len(wiring.seen) == 1
    assert list(selectors.parked_deliveries()) == [parked]
    assert selectors.parked_by_handler() == {FAIL: 1}

    services.replay(delivery_id=parked.id)
    again = delivery(event_id, FAIL)
    assert (again.state, again.attempts, again.last_error) == ("due", 0, "")
    run_until_idle()
    assert delivery(event_id, FAIL).attempts == 1
    assert len(wiring.seen) == 1


def test_only_a_parked_delivery_is_replayed():
    record("thing.changed")

    with pytest.raises(NoSuchDelivery):
        services.replay(delivery_id=EventDelivery.objects.first().id)
    assert services.replay_all() == 0


@pytest.mark.parametrize(
    ("name", "handler"),
    [
        ("thing.waits", "tests.events.wiring.wait"),
        ("thing.locked", "tests.events.wiring.lack_a_key"),
    ],
)
def test_a_row_not_yet_here_is_waited_for_without_failure(name, handler):
    event_id = record(name)

    run_until_idle()

    waiting = delivery(event_id, handler)
    assert (waiting.state, waiting.attempts) == ("due", 0)
    assert 1 <= waiting.waits < WAITS
    assert waiting.due_at - timezone.now() < timedelta(seconds=1)


def test_waiting_has_an_end():
    event_id = record("thing.waits")
    EventDelivery.objects.filter(handler__endswith="wait").update(waits=WAITS)

    run_until_idle()

    waiting = delivery(event_id, "tests.events.wiring.wait")
    assert (waiting.state, waiting.attempts, waiting.waits) == ("due", 1, 0)
    assert waiting.last_error == "NotYet: not-yet"


def test_a_delivery_waits_while_a_reload_copies_its_event_again(arrives):
    event_id = record("thing.past")
    event = Event.objects.get(id=event_id)
    with arrives():
        Event.objects.filter(id=event_id).delete()

    run_until_idle()
    waiting = delivery(event_id, NOTE)
    assert (waiting.state, waiting.attempts, waiting.waits > 0) == ("due", 0, True)
    assert not wiring.seen

    with arrives():
        event.save(force_insert=True)
    all_due()
    run_until_idle()
    assert delivery(event_id, NOTE).state == "done"
    assert [seen.id for who, seen in wiring.seen if who == "note"] == [event_id]


def test_a_delivery_whose_event_was_let_go_is_parked_at_last():
    EventDelivery.objects.create(
        event_id=uuid7(), node=node.NODE_CODE, handler=NOTE, waits=WAITS,
        attempts=len(BACK_OFF_SECONDS),
    )  # fmt: skip

    run_until_idle()

    gone = EventDelivery.objects.get()
    assert (gone.state, gone.last_error) == ("parked", "NotYet: not-yet")
    assert not wiring.seen


def test_a_long_round_is_cut_and_the_rest_left_for_the_next(monkeypatch):
    for _ in range(3):
        record("thing.past")
    monkeypatch.setattr(consumer, "ROUND_SECONDS", 0.0)

    assert consumer.run_round() == (1, True)
    assert EventDelivery.objects.filter(state=State.DONE).count() == 1
    run_until_idle()
    assert EventDelivery.objects.filter(state=State.DONE).count() == 6


def test_a_handler_that_is_no_more_fails_each_time():
    EventDelivery.objects.create(
        event_id=record("thing.unheard"), node=node.NODE_CODE, handler="tests.events.wiring.gone"
    )

    consumer.run_round()

    gone = EventDelivery.objects.get()
    assert (gone.state, gone.attempts) == ("due", 1)
    assert gone.last_error.startswith("ImportError")


def test_pauses_grow_and_end():
    assert [pause_after_failure(n) for n in range(1, 8)] == [1, 5, 30, 120, 600, 3600, None]
    assert pause_while_waiting(0) == 0.02
    assert pause_while_waiting(500) == 2.0


@pytest.mark.django_db(transaction=True)
def test_two_consumers_share_the_work_without_doing_it_twice():
    for _ in range(40):
        record("thing.changed")
    stop = threading.Event()

    def work():
        try:
            consumer.consume(stop)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    until_nothing_is_due()
    stop.set()
    for worker in workers:
        worker.join()

    assert selectors.due_count() == 0
    assert len(wiring.seen) == 40
    assert EventWatermark.objects.count() == 40  # its unique node would refuse a second mark


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_effect_and_commit_repeats_the_handler_once_in_effect():
    event_id = record("thing.changed")

    def die(event):
        wiring.hooks.clear()
        connection.connection.close()
        raise OperationalError("server closed the connection unexpectedly")

    wiring.hooks["leave_a_mark"] = die
    stop = threading.Event()
    worker = threading.Thread(target=lambda: (consumer.consume(stop), connection.close()))
    worker.start()
    until_nothing_is_due()
    stop.set()
    worker.join()

    assert EventWatermark.objects.filter(node=f"mark {event_id}").count() == 1
    assert set(EventDelivery.objects.values_list("state", "attempts")) == {("done", 0)}


class Pauses(threading.Event):
    """A stop that comes after some pauses; none is slept, and in each tenth something happens."""

    def __init__(self):
        super().__init__()
        self.asked, self.left_over = [], []

    def wait(self, timeout=None):
        self.asked.append(timeout)
        self.left_over.append(selectors.due_count())
        if len(self.asked) % 10 == 0:
            record("thing.changed")
        if len(self.asked) == 45:
            self.set()
        return self.is_set()


def test_an_event_is_handled_at_the_next_look_and_looks_are_never_far_apart():
    stop = Pauses()

    consumer.consume(stop)

    assert len(wiring.seen) == 4
    assert set(stop.left_over) == {0}
    assert max(stop.asked) == consumer.LONGEST_PAUSE == 0.1
    assert [stop.asked[tenth] for tenth in (10, 20, 30, 40)] == [consumer.BUSY_PAUSE] * 4


def test_parked_deliveries_are_figures():
    record("thing.changed")
    EventDelivery.objects.filter(handler=NOTE).update(state=State.PARKED)

    due, parked = DeliveryCollector().collect()

    assert [sample.value for sample in due.samples] == [1]
    assert [(sample.labels, sample.value) for sample in parked.samples] == [({"handler": NOTE}, 1)]
    assert len(list(DeliveryCollector().describe())) == 2


def called(*words):
    out = io.StringIO()
    call_command("event_deliveries", *words, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_operator_lists_and_replays():
    event_id = record("thing.changed")
    EventDelivery.objects.update(state=State.PARKED, attempts=7, last_error="ValueError")
    first, second = EventDelivery.objects.order_by("id")

    listed = called("parked")
    assert listed[0] == {
        "id": str(first.id),
        "event": str(event_id),
        "node": node.NODE_CODE,
        "handler": first.handler,
        "attempts": 7,
        "error": "ValueError",
    }
    assert len(listed) == 2
    assert called("replay", str(first.id)) == [{"replayed": 1}]
    assert called("replay", "--handler", second.handler) == [{"replayed": 1}]
    assert called("replay", "--all") == [{"replayed": 0}]
    with pytest.raises(CommandError, match="no-such-delivery"):
        called("replay", str(first.id))
    with pytest.raises(CommandError, match="name deliveries"):
        called("replay")


@pytest.mark.django_db(transaction=True)
def test_the_process_finishes_what_it_has_in_hand_and_leaves_on_sigterm(monkeypatch, settings):
    settings.CHORES = {}
    event_id = record("thing.changed")
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    wiring.hooks["leave_a_mark"] = lambda event: os.kill(os.getpid(), signal.SIGTERM)
    tries = [OperationalError("starting up")]
    real = services.sync_routes

    def sync_routes():
        if tries:
            raise tries.pop()
        real()

    monkeypatch.setattr(services, "sync_routes", sync_routes)
    try:
        call_command("consume_events")
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)

    assert delivery(event_id, "tests.events.wiring.leave_a_mark").state == "done"
    assert EventWatermark.objects.count() == 1


def test_old_deliveries_are_forgotten_by_the_clock():
    forget_old()

    assert not EventDelivery.objects.exists()
