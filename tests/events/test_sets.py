"""A handler that takes several events at once: together, and each for itself when that fails."""

import pytest
from django.db import OperationalError, connection

from kernel.events import consumer, selectors, services
from kernel.events.errors import NotYet
from kernel.events.models import Event, EventDelivery, EventWatermark
from kernel.events.states import BACK_OFF_SECONDS, State
from tests.events import wiring
from tests.events.consuming import all_due, consume_all, record, run_until_idle

COLLECT = "tests.events.wiring.collect"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("routes")]


def test_a_handler_that_takes_several_gets_them_together(unhurried):
    ids = [record("thing.collected") for _ in range(5)]

    assert consumer.run_round() == (10, False)

    assert [sorted(one) for one in wiring.sets] == [ids]
    assert sorted(event.id for _, event in wiring.seen) == ids
    assert marks() == ids
    assert set(EventDelivery.objects.values_list("state", "attempts")) == {("done", 0)}


def marks():
    """Events of which a handler's effect stands, as often as it does."""
    return sorted(EventWatermark.objects.values_list("before_id", flat=True))


def failing(error, *poisonous):
    def hook(event):
        if event.id in poisonous:
            raise error

    return hook


@pytest.mark.parametrize("poisonous", [{0}, {4}, {2, 3}, {0, 1, 2, 3, 4}])
def test_what_fails_in_a_set_fails_alone_and_is_parked_alone(poisonous, unhurried):
    ids = [record("thing.collected") for _ in range(5)]
    bad = {ids[place] for place in poisonous}
    wiring.hooks["leave_a_mark"] = failing(ValueError("poison"), *bad)

    consumer.run_round()

    assert marks() == [one for one in ids if one not in bad]
    deliveries = EventDelivery.objects.filter(handler=COLLECT)
    assert {(one.event_id, one.state, one.attempts, one.last_error) for one in deliveries} == {
        (one, "due", 1, "ValueError: poison") if one in bad else (one, "done", 0, "") for one in ids
    }
    for _ in BACK_OFF_SECONDS:
        all_due()
        run_until_idle()
    assert {one.event_id for one in selectors.parked_deliveries()} == bad

    wiring.hooks.clear()
    assert services.replay_all(handler=COLLECT) == len(bad)
    run_until_idle()
    assert marks() == ids


def test_what_waits_in_a_set_waits_alone(arrives, unhurried):
    ids = [record("thing.collected") for _ in range(5)]
    wiring.hooks["leave_a_mark"] = failing(NotYet(), ids[1])
    event = Event.objects.get(id=ids[3])
    with arrives():
        Event.objects.filter(id=ids[3]).delete()

    consumer.run_round()

    assert marks() == [ids[0], ids[2], ids[4]]
    waiting = EventDelivery.objects.filter(handler=COLLECT, state=State.DUE)
    assert {(one.event_id, one.attempts, one.waits) for one in waiting} == {
        (ids[1], 0, 1), (ids[3], 0, 1),
    }  # fmt: skip
    wiring.hooks.clear()
    with arrives():
        event.save(force_insert=True)
    all_due()
    run_until_idle()
    assert marks() == ids


def test_a_set_is_handled_whole_even_when_the_round_is_over(monkeypatch):
    ids = [record("thing.collected") for _ in range(3)]
    monkeypatch.setattr(consumer, "ROUND_SECONDS", 0.0)

    while consumer.run_round().handled:
        pass

    assert [sorted(one) for one in wiring.sets] == [ids]
    assert len(wiring.seen) == 3


@pytest.mark.django_db(transaction=True)
def test_a_crash_in_the_middle_of_a_set_repeats_it_once_in_effect():
    ids = [record("thing.collected") for _ in range(5)]

    def die(event):
        if event.id == ids[2]:
            wiring.hooks.clear()
            connection.connection.close()
            raise OperationalError("server closed the connection unexpectedly")

    wiring.hooks["leave_a_mark"] = die
    consume_all()

    assert [sorted(one) for one in wiring.sets] == [ids, ids]
    assert marks() == ids
    assert set(EventDelivery.objects.values_list("state", "attempts")) == {("done", 0)}
