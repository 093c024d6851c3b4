"""Links to registrations that a restored city has lost come to an end."""

from dataclasses import replace
from datetime import date

import pytest
from django.db import transaction

from kernel.actor import Actor
from kernel.events.errors import NotYet
from kernel.events.models import Event
from kernel.replication.lag import IncomingStream
from registry.patients.models import PatientRegistration
from registry.persons import handlers, services
from registry.persons.handlers import end_dangling_links
from registry.persons.models import Person
from registry.persons.states import LinkStatus, Status
from tests.conftest import arriving
from tests.factories.registry import facts_of
from tests.persons.linking import linked

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]

NUMBER, OTHER = "620102199003070018", "620102199003070034"
HUB = Actor.of_node("620000")
STREAM = IncomingStream("620100", True, True, 0, 0.1, 0, 0, 0)


@pytest.fixture
def streams(monkeypatch):
    """The streams that reach the hub, as the test says."""
    shown = [STREAM]
    monkeypatch.setattr(handlers, "incoming", lambda cursor: shown)
    return shown


def lose(registration_id):
    with arriving():
        PatientRegistration.objects.filter(pk=registration_id).delete()


def test_links_to_registrations_that_a_restored_city_lost_are_ended(streams):
    kept = linked(facts_of("王五", number=NUMBER))
    lost = linked(facts_of("李四", number=OTHER), node="620800")
    lose(lost.registration_id)

    for _ in range(2):
        end_dangling_links(Event(name="copy.reloaded"))

    kept.refresh_from_db()
    lost.refresh_from_db()
    assert (kept.status, lost.status) == (LinkStatus.LINKED, LinkStatus.ENDED)
    assert Person.objects.get(pk=lost.person_id).status == Status.VOID
    assert Person.objects.get(pk=lost.person_id).audience == []
    assert Person.objects.get(pk=kept.person_id).status == Status.ACTIVE


def test_many_dangling_links_are_ended_in_parts(streams, monkeypatch):
    monkeypatch.setattr(services, "ENDED_AT_ONCE", 2)
    for number in range(3):
        lose(linked(facts_of(f"赵{number}", born=date(1980, 1, 1 + number))).registration_id)

    assert services.end_dangling_links(by=HUB) == 2
    assert Event.objects.filter(name="copy.reloaded", subject_id=HUB.id).count() == 1
    assert services.end_dangling_links(by=HUB) == 1
    assert Event.objects.filter(name="copy.reloaded").count() == 1


@pytest.mark.parametrize("change", [{"copying_tables": 1}, {"running": False}])
def test_while_a_copy_is_loaded_no_link_dangles(streams, change):
    lost = linked(facts_of(number=NUMBER))
    lose(lost.registration_id)
    streams.append(replace(STREAM, **change))

    with pytest.raises(NotYet), transaction.atomic():
        end_dangling_links(Event(name="copy.reloaded"))

    lost.refresh_from_db()
    assert lost.status == LinkStatus.LINKED
