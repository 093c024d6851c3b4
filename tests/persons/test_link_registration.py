"""The hub links what cities register."""

import threading
from datetime import date

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kernel import crypto
from kernel.events.errors import NotYet
from kernel.events.models import Event
from kernel.homes import uuid7
from kernel.keys import rotation
from registry.patients.models import PatientRegistration
from registry.patients.rules import RegistrationFacts
from registry.patients.sealing import seal_facts
from registry.persons.handlers import link_registration
from registry.persons.models import IdentityLink, Person, PersonDemographics, PersonIdentifier
from registry.persons.selectors import holder_of
from registry.persons.states import LinkStatus, Status
from tests.conftest import arriving, until_blocked
from tests.factories.registry import facts_of
from tests.persons.linking import linked, registered, told_of

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]

NUMBER, OTHER = "620102199003070018", "620102199003070034"
PHONE = "13812345678"


def crypto_opened(known):
    context = crypto.context_of("persons.PersonDemographics.sealed", known.id)
    return crypto.open_sealed(known.sealed, context=context)


def changed(link, facts):
    with arriving():
        PatientRegistration.objects.filter(pk=link.registration_id).update(
            name=facts.name, sex=facts.sex, birth_date=facts.birth_date, version=2,
            sealed=seal_facts(link.registration_id, facts), changed_at=timezone.now(),
        )  # fmt: skip
    with transaction.atomic():
        link_registration(told_of(PatientRegistration.objects.get(pk=link.registration_id)))
    return IdentityLink.objects.get(registration_id=link.registration_id, ended_at=None)


def test_the_first_registration_makes_a_person():
    link = linked(facts_of(number=NUMBER, phone=PHONE))

    assert (link.status, link.score, link.audience) == (LinkStatus.LINKED, 0.0, ["620100"])
    person = Person.objects.get()
    assert (person.status, person.audience) == (Status.ACTIVE, ["620100"])
    known = PersonDemographics.objects.get()
    assert (known.name, known.birth_date, known.sex) == ("张三", date(1990, 3, 7), "1")
    assert sorted(PersonIdentifier.objects.values_list("kind", flat=True)) == ["01", "phone"]


def test_the_news_goes_to_the_city():
    link = linked(facts_of(number=NUMBER))

    event = Event.objects.get(name="identity.linked")
    assert event.subject_id == link.registration_id
    assert event.related == [link.person_id, link.id]
    assert event.audience == ["620100"]


@pytest.mark.parametrize(
    "typed",
    [NUMBER, "620102 19900307 0018", "６２０１０２１９９００３０７００１８", "620102900307001"],
)
def test_the_same_number_in_another_city_is_the_same_person(typed):
    here = linked(facts_of("阿依古丽·买买提", number=NUMBER))
    there = linked(facts_of("阿依古丽 买买提", number=typed, born=None, sex=""), node="620800")

    assert there.person_id == here.person_id
    assert there.score == 1.0
    assert Person.objects.get().audience == ["620100", "620800"]
    assert there.audience == ["620800"]


def test_the_same_number_under_another_name_waits_for_staff():
    first = linked(facts_of(number=NUMBER))

    second = linked(facts_of("李四", number=NUMBER))

    assert second.person_id != first.person_id
    assert second.status == LinkStatus.REVIEW
    assert second.explanation["candidate"] == str(first.person_id)
    assert Person.objects.get(pk=second.person_id).status == Status.PROVISIONAL
    assert PersonIdentifier.objects.get(person_id=second.person_id).disputed


def test_who_shares_a_disputed_number_and_the_name_stays():
    """The undisputed holder has another name: each new version would else make one person more."""
    linked(facts_of(number=NUMBER))
    disputing = linked(facts_of("李四", number=NUMBER))
    third = linked(facts_of("李四", number=NUMBER), node="620800")

    again = changed(third, facts_of("李四", number=NUMBER, phone=PHONE))

    assert (again.id, again.person_id) == (third.id, disputing.person_id)
    assert Person.objects.count() == 2


def test_an_invalid_number_identifies_nobody_but_the_details_do():
    first = linked(facts_of(number="620102199003070019", phone=PHONE))

    second = linked(facts_of(number=NUMBER, phone=f"+86 {PHONE}"))

    assert second.person_id == first.person_id
    assert second.score == 0.9


def test_two_valid_numbers_never_meet():
    first = linked(facts_of(number=NUMBER, phone=PHONE))

    second = linked(facts_of(number=OTHER, phone=PHONE))

    assert second.person_id != first.person_id
    assert second.status == LinkStatus.LINKED


def test_whom_the_details_fit_twice_waits_for_staff():
    twins = [
        linked(RegistrationFacts("张三", "1", date(1990, 3, 7), (("03", passport),), (PHONE,)))
        for passport in ("E12345678", "E87654321")
    ]

    third = linked(facts_of(number=NUMBER, phone=PHONE))

    assert len({one.person_id for one in (*twins, third)}) == 3
    assert (third.status, third.explanation["rivals"]) == (LinkStatus.REVIEW, 2)
    assert PersonIdentifier.objects.get(person_id=third.person_id, kind="01").disputed


def test_told_twice_it_links_once():
    link = linked(facts_of(number=NUMBER))

    with transaction.atomic():
        link_registration(told_of(PatientRegistration.objects.get()))

    assert IdentityLink.objects.get().id == link.id
    assert Event.objects.filter(name="identity.linked").count() == 1


def test_before_the_row_is_there_it_asks_for_patience():
    with pytest.raises(NotYet), transaction.atomic():
        link_registration(Event(name="registration.recorded", subject_id=uuid7(), node="620100"))

    assert not Person.objects.exists()


def test_a_new_version_without_contradiction_keeps_the_link():
    link = linked(facts_of(number=NUMBER))

    again = changed(link, facts_of("张三丰", number=NUMBER, phone=PHONE))

    assert (again.id, again.registration_version) == (link.id, 2)
    assert PersonDemographics.objects.get().name == "张三丰"
    assert PersonIdentifier.objects.filter(kind="phone").count() == 1


def test_a_new_version_without_a_document_keeps_the_link():
    link = linked(facts_of(number=NUMBER))

    assert changed(link, facts_of(phone=PHONE)).id == link.id


def test_a_rotation_of_keys_leaves_numbers_findable():
    first = linked(facts_of(number=NUMBER, phone=PHONE))
    before = set(PersonIdentifier.objects.values_list("index", flat=True))

    rotation.rotate(grace=0)

    rows = PersonIdentifier.objects.all()
    assert {bytes(row.index) for row in rows}.isdisjoint(map(bytes, before))
    assert {bytes(row.index_next or b"") for row in rows} == {b""}
    assert holder_of("01", NUMBER) == first.person_id


def test_a_mended_number_stays_with_the_only_registration():
    link = linked(facts_of(number=NUMBER))

    again = changed(link, facts_of(number=OTHER))

    assert again.id == link.id
    assert PersonIdentifier.objects.count() == 1
    assert linked(facts_of(number=OTHER)).person_id == link.person_id


def test_a_number_of_somebody_else_moves_the_link():
    mistaken = linked(facts_of(number=NUMBER))
    owner = linked(facts_of(number=OTHER), node="620800")

    again = changed(mistaken, facts_of(number=OTHER))

    assert again.person_id == owner.person_id
    old = IdentityLink.objects.get(pk=mistaken.id)
    assert (old.status, old.ended_at is not None) == (LinkStatus.ENDED, True)
    left = Person.objects.get(pk=mistaken.person_id)
    assert (left.status, left.audience) == (Status.VOID, [])
    assert not PersonIdentifier.objects.filter(person_id=left.id).exists()
    assert Person.objects.get(pk=owner.person_id).audience == ["620100", "620800"]


def test_a_contradiction_leaves_the_others_where_they_are():
    stays = linked(facts_of(number=NUMBER))
    goes = linked(facts_of(number=NUMBER), node="620800")

    again = changed(goes, facts_of(number=OTHER))

    assert again.person_id != stays.person_id
    person = Person.objects.get(pk=stays.person_id)
    assert (person.status, person.audience) == (Status.ACTIVE, ["620100"])


def test_who_leaves_takes_along_what_it_brought():
    """Two cards were swapped: the number goes with the registration that bore it."""
    wrong = linked(facts_of(number=NUMBER, phone=PHONE))
    stays = linked(facts_of(phone=PHONE), node="620800")
    assert stays.person_id == wrong.person_id
    known = PersonDemographics.objects.get(person_id=stays.person_id)
    assert known.source_registration_id == wrong.registration_id
    linked(facts_of("李四", number=OTHER))

    moved = changed(wrong, facts_of("李四", number=OTHER))

    assert moved.person_id != stays.person_id
    left = PersonIdentifier.objects.filter(person_id=stays.person_id)
    assert list(left.values_list("kind", flat=True)) == ["phone"]
    known.refresh_from_db()
    assert (known.name, known.source_registration_id) == ("张三", stays.registration_id)
    assert b"documents" in crypto_opened(known)
    assert NUMBER.encode() not in crypto_opened(known)
    owner = linked(facts_of(number=NUMBER, born=date(1990, 3, 8)))
    assert owner.person_id not in {stays.person_id, moved.person_id}
    assert holder_of("01", NUMBER) == owner.person_id


def test_what_another_link_brought_too_stays():
    first = linked(facts_of(number=NUMBER, phone=PHONE))
    second = linked(facts_of(number=NUMBER), node="620800")

    changed(first, facts_of(number=OTHER))

    assert holder_of("01", NUMBER) == second.person_id
    kinds = PersonIdentifier.objects.filter(person_id=second.person_id)
    assert list(kinds.values_list("kind", flat=True)) == ["01"]


def test_while_a_citys_copy_is_away_nothing_is_taken():
    goes = linked(facts_of(number=NUMBER))
    stays = linked(facts_of(number=NUMBER), node="620800")
    with arriving():
        PatientRegistration.objects.filter(pk=stays.registration_id).delete()

    with pytest.raises(NotYet):
        changed(goes, facts_of(number=OTHER))

    assert IdentityLink.objects.get(pk=goes.id).status == LinkStatus.LINKED
    assert holder_of("01", NUMBER) == stays.person_id


def in_thread(work, *args):
    """Start work that commits on a connection of its own, and let it run until a lock stops it."""

    def run():
        try:
            with transaction.atomic():
                work(*args)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    until_blocked(thread)
    return thread


def change_row(registration_id, facts):
    with arriving():
        PatientRegistration.objects.filter(pk=registration_id).update(
            version=2, sealed=seal_facts(registration_id, facts)
        )


def persons_of(*registrations):
    links = IdentityLink.objects.filter(ended_at=None)
    return [links.get(registration_id=row.id).person_id for row in registrations]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mended_first", [True, False])
def test_a_mended_number_and_a_newcomer_with_the_old_one_do_not_meet(mended_first):
    first = linked(facts_of(number=NUMBER))
    mended = PatientRegistration.objects.get(pk=first.registration_id)
    change_row(mended.id, facts_of(number=OTHER))
    newcomer = registered(facts_of(number=NUMBER, born=None), node="620800")
    earlier, later = (mended, newcomer) if mended_first else (newcomer, mended)

    with transaction.atomic():
        link_registration(told_of(earlier))
        waiting = in_thread(link_registration, told_of(later))
    waiting.join(120)

    one, other = persons_of(mended, newcomer)
    assert one != other
    assert (holder_of("01", OTHER), holder_of("01", NUMBER)) == (one, other)
    assert (one if mended_first else other) == first.person_id


@pytest.mark.django_db(transaction=True)
def test_what_changed_while_it_waited_is_what_counts():
    registration = registered(facts_of(number=NUMBER))
    with transaction.atomic():
        link_registration(told_of(registration))
        waiting = in_thread(link_registration, told_of(registration))
        change_row(registration.id, facts_of(number=OTHER))
    waiting.join(120)

    link = IdentityLink.objects.get()
    assert link.registration_version == 2
    assert holder_of("01", OTHER) == link.person_id
    assert holder_of("01", NUMBER) is None


@pytest.mark.django_db(transaction=True)
def test_two_at_once_meet_in_one_person():
    rows = [registered(facts_of(number=NUMBER), node=node) for node in ("620100", "620800")]
    with transaction.atomic():
        link_registration(told_of(rows[0]))
        waiting = in_thread(link_registration, told_of(rows[1]))
    waiting.join(120)

    assert Person.objects.count() == 1
    assert IdentityLink.objects.values("person_id").distinct().count() == 1
    assert Person.objects.get().audience == ["620100", "620800"]


def test_a_registration_taken_back_loses_its_link_and_gets_one_again():
    link = linked(facts_of(number=NUMBER))
    registrations = PatientRegistration.objects.filter(pk=link.registration_id)

    def taken_back(*, deleted, version):
        with arriving():
            registrations.update(deleted=deleted, version=version)
        with transaction.atomic():
            link_registration(told_of(registrations.get()))

    taken_back(deleted=True, version=2)
    taken_back(deleted=True, version=2)

    link.refresh_from_db()
    assert link.status == LinkStatus.ENDED
    assert not IdentityLink.objects.filter(ended_at=None).exists()
    assert Person.objects.get().status == Status.VOID

    taken_back(deleted=False, version=3)

    again = IdentityLink.objects.get(ended_at=None)
    assert (again.registration_id, again.status) == (link.registration_id, LinkStatus.LINKED)
    assert holder_of("01", NUMBER) == again.person_id
