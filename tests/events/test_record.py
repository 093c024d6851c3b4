"""Recording events; the trigger that turns them into deliveries."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings as node
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from kernel.actor import Actor, Role
from kernel.events import services
from kernel.events.models import Event, EventDelivery, EventRoute, EventWatermark
from kernel.events.states import State
from kernel.homes import uuid7
from tests.events import wiring

pytestmark = pytest.mark.django_db

BY = Actor(id=UUID(int=7), role=Role.HOSPITAL_SYSTEM, node=node.NODE_CODE)
OTHER = "620800" if node.NODE_CODE == "620000" else "620000"


@pytest.fixture(autouse=True)
def routes(settings):
    settings.WIRING = wiring.HERE
    services.sync_routes()


def deliveries(event_id):
    return sorted(
        EventDelivery.objects.filter(event_id=event_id).values_list("node", "handler", "state")
    )


def arrive(arrives, **values):
    values = {"subject_id": uuid7(), "actor_id": BY.id, "node": OTHER} | values
    with arrives():
        return Event.objects.create(**values)


def test_an_event_says_what_changed_and_who_did_it():
    subject, related = uuid7(), [uuid7(), uuid7()]

    event_id = services.record(
        "thing.unheard", subject_id=subject, by=BY, related=related, audience=["620100"]
    )

    event = Event.objects.get(id=event_id)
    assert event.name == "thing.unheard"
    assert event.subject_id == subject
    assert event.related == related
    assert event.audience == ["620100"]
    assert event.actor_id == BY.id
    assert event.node == node.NODE_CODE
    assert timezone.now() - event.recorded_at < timedelta(minutes=1)
    assert deliveries(event_id) == []


def test_each_handler_gets_its_delivery():
    event_id = services.record("thing.changed", subject_id=uuid7(), by=BY)

    assert deliveries(event_id) == [
        (node.NODE_CODE, "tests.events.wiring.leave_a_mark", "due"),
        (node.NODE_CODE, "tests.events.wiring.note", "due"),
    ]


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_a_mistake():
    with pytest.raises(transaction.TransactionManagementError):
        services.record("thing.changed", subject_id=uuid7(), by=BY)

    assert not Event.objects.exists()


def test_an_event_rolled_back_leaves_no_delivery():
    with transaction.atomic():
        services.record("thing.changed", subject_id=uuid7(), by=BY)
        transaction.set_rollback(True)

    assert not Event.objects.exists()
    assert not EventDelivery.objects.exists()


def test_an_event_that_arrives_by_replication_is_delivered_too(arrives):
    event = arrive(arrives, name="thing.changed")

    assert deliveries(event.id) == [
        (OTHER, "tests.events.wiring.leave_a_mark", "due"),
        (OTHER, "tests.events.wiring.note", "due"),
    ]


def test_the_trigger_needs_no_search_path():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(
            "INSERT INTO public.events_event (name, subject_id, actor_id)"
            " VALUES ('thing.changed', uuidv7(), uuidv7()) RETURNING id"
        )
        (event_id,) = cursor.fetchone()
        cursor.execute("SET LOCAL search_path = DEFAULT")

    assert len(deliveries(event_id)) == 2


def test_the_trigger_tells_nobody():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc, prosecdef, proconfig FROM pg_proc WHERE proname = 'jianqiao_route_event'"
        )
        source, as_owner, config = cursor.fetchone()
        cursor.execute(
            "SELECT DISTINCT tgenabled, tgtype & 2 <> 0 FROM pg_trigger"
            " WHERE tgname = 'jianqiao_route_event'"
        )
        triggers = cursor.fetchall()

    assert "notify" not in source.lower()
    assert as_owner
    assert config == ["search_path=pg_catalog"]
    assert triggers == [("A", True)]  # ENABLE ALWAYS and BEFORE, on every partition


def test_a_copied_event_is_not_handled_again(arrives):
    event = arrive(arrives, name="thing.changed")
    EventDelivery.objects.update(state=State.DONE)

    with arrives():
        Event.objects.filter(id=event.id).delete()
        event.save(force_insert=True)

    assert {state for _, _, state in deliveries(event.id)} == {"done"}


def test_history_is_done_unless_the_handler_wants_it(arrives):
    old = uuid7()
    EventWatermark.objects.create(node=OTHER, before_id=uuid7())

    past = arrive(arrives, id=old, name="thing.past")
    later = arrive(arrives, name="thing.past")

    assert deliveries(past.id) == [
        (OTHER, "tests.events.wiring.note", "done"),
        (OTHER, "tests.events.wiring.note_history", "due"),
    ]
    assert {state for _, _, state in deliveries(later.id)} == {"due"}


def test_history_of_one_node_is_not_that_of_another():
    services.mark_history(node=OTHER, before_id=uuid7())
    services.mark_history(node=OTHER, before_id=uuid7())

    event_id = services.record("thing.past", subject_id=uuid7(), by=BY)

    assert {state for _, _, state in deliveries(event_id)} == {"due"}
    assert EventWatermark.objects.count() == 1


def test_routes_become_what_the_wiring_says(settings):
    EventRoute.objects.create(name="thing.gone", handler="tests.events.wiring.note")
    EventRoute.objects.filter(handler__endswith="note_history").update(wants_history=False)

    services.sync_routes()

    found = set(EventRoute.objects.values_list("name", "handler", "wants_history"))
    assert found == {
        (name, handler, handler.endswith("note_history"))
        for name, handlers in wiring.ON_BOTH.items()
        for handler in handlers
    }


def test_a_done_delivery_is_kept_as_long_as_its_event(settings):
    kept = services.record("thing.changed", subject_id=uuid7(), by=BY)
    then = timezone.now() - timedelta(days=settings.EVENTS_KEEP_DAYS + 2)
    old = UUID(int=int(then.timestamp() * 1000) << 80 | 5)
    for state in (State.DONE, State.PARKED):
        EventDelivery.objects.create(event_id=old, node=OTHER, handler=state, state=state)
    EventDelivery.objects.filter(event_id=kept).update(state=State.DONE)

    assert services.forget_old() == 1

    assert deliveries(old) == [(OTHER, "parked", "parked")]
    assert len(deliveries(kept)) == 2


def test_routes_stand_as_soon_as_the_tables_do():
    """Before any consumer ran: the first enrolment's copy brings events that want a handler."""
    EventRoute.objects.all().delete()

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        for name in node.AFTER_MIGRATE:
            import_string(name)(cursor)
        cursor.execute("SET LOCAL ROLE jianqiao_app")

    assert EventRoute.objects.filter(name="thing.past").count() == 2
