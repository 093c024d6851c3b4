"""Registrations linked in sets are linked as they are one by one."""

from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import example, given, settings
from hypothesis import strategies as some

from kernel.events import consumer
from kernel.events.models import Event, EventDelivery
from kernel.keys import ring
from registry.patients.models import PatientRegistration
from registry.patients.rules import RegistrationFacts
from registry.patients.sealing import seal_facts
from registry.persons import services as linking
from registry.persons.handlers import link_registration, link_registrations
from registry.persons.models import IdentityLink, Person, PersonDemographics, PersonIdentifier
from registry.persons.states import Status
from tests.conftest import arriving, undone
from tests.events.consuming import consume_all
from tests.factories.registry import RegistrationFactory, facts_of
from tests.persons.linking import told_of

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]

NUMBERS = ("620102199003070018", "620102199003070034", "620102199003070019")  # the last is invalid
DOCUMENTS = [*(("01", number) for number in NUMBERS), ("03", "E12345678")]

said = some.builds(
    RegistrationFacts,
    name=some.sampled_from(["张三", "李四", ""]),
    sex=some.sampled_from(["1", "1", "2", ""]),
    birth_date=some.sampled_from([date(1990, 3, 7), date(1990, 3, 7), date(1990, 3, 8), None]),
    documents=some.lists(some.sampled_from(DOCUMENTS), max_size=2, unique=True).map(tuple),
    phones=some.sampled_from([(), ("13812345678",), ("13812345678", "13900000000")]),
)
node = some.sampled_from(["620100", "620800"])
place = some.integers(0, 11)
step = some.one_of(
    some.tuples(some.just("record"), said, node),
    some.tuples(some.just("record"), said, node),
    some.tuples(some.just("change"), said, place),
    some.tuples(some.just("take back"), some.none(), place),
    some.tuples(some.just("tell again"), some.none(), place),
)
history = some.lists(some.lists(step, min_size=1, max_size=8), min_size=1, max_size=3)
sizes = some.lists(some.integers(1, 8), min_size=1)


def changed(registration, facts):
    values: dict[str, Any] = {"deleted": True}
    if facts is not None:
        values = {
            "name": facts.name, "sex": facts.sex, "birth_date": facts.birth_date, "deleted": False,
            "sealed": seal_facts(registration.id, facts),
        }  # fmt: skip
    registration.version += 1
    with arriving():
        PatientRegistration.objects.filter(pk=registration.id).update(
            version=registration.version, changed_at=timezone.now(), **values
        )


def happen(steps, registrations):
    """Do the steps in the cities; the events that tell of them."""
    events = []
    for what, facts, where in steps:
        if what == "record":
            registrations.append(RegistrationFactory(facts=facts, node=where))
            touched = registrations[-1]
        elif not registrations:
            continue
        else:
            touched = registrations[where % len(registrations)]
            if what != "tell again":
                changed(touched, facts)
        events.append(told_of(touched))
    return events


def index_after(rounds, sizes):
    """The index after each round's events were handled in sets of these sizes."""
    registrations: list[PatientRegistration] = []
    for steps in rounds:
        events, cuts = happen(steps, registrations), iter(sizes * 100)
        while events:
            size = next(cuts)
            together, events = events[:size], events[size:]
            with transaction.atomic():
                if len(together) == 1:
                    link_registration(together[0])
                else:
                    link_registrations(together)
    return shown([row.id for row in registrations])


def shown(registrations):
    """The index with registrations and persons by their place in the order of their making."""
    of = {id_: place for place, id_ in enumerate(registrations)}
    persons = list(Person.objects.order_by("id"))
    who = {str(person.id): place for place, person in enumerate(persons)}
    known = {
        one.person_id: (
            one.name, one.name_key, one.sex, one.birth_date, of[one.source_registration_id]
        )
        for one in PersonDemographics.objects.all()
    }  # fmt: skip
    numbers = PersonIdentifier.objects.values_list("person_id", "kind", "index", "disputed")
    return {
        "persons": [
            (
                one.status, one.audience, known[one.id],
                sorted((kind, bytes(index), disputed) for whose, kind, index, disputed in numbers
                       if whose == one.id),
            )
            for one in persons
        ],
        "links": [
            (
                of[one.registration_id], who[str(one.person_id)], one.status, one.score,
                one.registration_version, one.audience, one.ended_at is not None,
                {key: who.get(value, value) for key, value in one.explanation.items()},
            )
            for one in IdentityLink.objects.order_by("id")
        ],
        "news": [
            (of[one.subject_id], who[str(one.related[0])], one.audience)
            for one in Event.objects.filter(name="identity.linked").order_by("id")
        ],
    }  # fmt: skip


MET = RegistrationFacts("张三", "1", date(1990, 3, 7), (DOCUMENTS[0],))
OTHER_NAME = RegistrationFacts("李四", "1", date(1990, 3, 7), (DOCUMENTS[0],))
MENDED = RegistrationFacts("张三", "1", date(1990, 3, 7), (DOCUMENTS[1],))


@settings(deadline=None)
@given(rounds=history, sizes=sizes)
@example(rounds=[[("record", MET, "620100"), ("record", MET, "620800")]], sizes=[2])
@example(
    rounds=[[("record", MET, "620100")] * 2 + [("record", OTHER_NAME, "620100")] * 2], sizes=[4]
)
@example(
    rounds=[
        [("record", MET, "620100"), ("record", MET, "620800")],
        [("record", MET, "620100"), ("change", MENDED, 0), ("record", MENDED, "620100"),
         ("take back", None, 1), ("record", MET, "620800")],
    ],
    sizes=[5],
)  # fmt: skip
def test_the_same_index_however_it_is_cut(rounds, sizes):
    with undone():
        one_by_one = index_after(rounds, [1])
    with undone():
        in_sets = index_after(rounds, sizes)
    ring.forget()

    assert in_sets == one_by_one


def arrived(facts, node="620100"):
    """A registration that the consumer is told of."""
    registration = RegistrationFactory(facts=facts, node=node)
    event = told_of(registration)
    event.actor_id = registration.id
    with arriving():
        event.save(force_insert=True)
    return registration


def someone(place):
    return facts_of(f"张{place}", phone=f"138{place:08}", born=date(1990, 3, 7))


def linked_once(registrations):
    """Whether each has one link, and the news of it once."""
    links = IdentityLink.objects.values_list("registration_id", flat=True)
    news = Event.objects.filter(name="identity.linked").values_list("subject_id", flat=True)
    return sorted(links) == sorted(news) == sorted(row.id for row in registrations)


def test_statements_do_not_grow_with_the_set(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(ring, "RING_SECONDS", 600)
    events = [told_of(RegistrationFactory(facts=someone(n), node="620100")) for n in range(42)]
    with transaction.atomic():
        link_registration(events[0])  # brings the keys
        link_registrations(events[1:21])  # statements are prepared
        with django_assert_num_queries(3):
            link_registration(events[21])
        with django_assert_num_queries(3):  # and COPY of persons, details, links and news
            link_registrations(events[22:])

    assert Person.objects.count() == IdentityLink.objects.count() == 42


@pytest.mark.django_db(transaction=True)
def test_a_registration_that_cannot_be_opened_is_left_alone():
    rows = [arrived(someone(n)) for n in range(8)]
    with arriving():
        PatientRegistration.objects.filter(pk=rows[5].id).update(sealed=rows[4].sealed)

    while consumer.run_round().handled:
        pass

    bad = EventDelivery.objects.get(attempts__gt=0)
    assert (bad.state, bad.attempts, bad.last_error) == ("due", 1, "SealBroken: seal-broken")
    assert Event.objects.get(pk=bad.event_id).subject_id == rows[5].id
    assert linked_once(rows[:5] + rows[6:])


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_end_of_a_set_leaves_nothing_and_is_made_good(monkeypatch):
    rows = [arrived(someone(n % 6)) for n in range(8)]
    real, lost = linking._renew_audiences, []

    def die(person_ids):
        monkeypatch.setattr(linking, "_renew_audiences", real)
        lost.append(IdentityLink.objects.count())
        connection.connection.close()
        real(person_ids)

    monkeypatch.setattr(linking, "_renew_audiences", die)

    consume_all()

    assert lost == [8]
    assert linked_once(rows)
    assert Person.objects.count() == PersonDemographics.objects.count() == 6
    deliveries = EventDelivery.objects.filter(handler__endswith=".link_registration")
    assert set(deliveries.values_list("state", "attempts")) == {("done", 0)}


@pytest.mark.django_db(transaction=True)
def test_two_consumers_make_one_person_of_each(monkeypatch):
    monkeypatch.setattr(consumer, "CLAIMED_AT_ONCE", 7)
    rows = [arrived(someone(n % 12), node) for n in range(60) for node in ("620100", "620800")]

    consume_all(consumers=2)

    assert linked_once(rows)
    assert Person.objects.count() == 12
    assert set(Person.objects.values_list("status", flat=True)) == {Status.ACTIVE}
    assert {tuple(one) for one in Person.objects.values_list("audience", flat=True)} == {
        ("620100", "620800")
    }
