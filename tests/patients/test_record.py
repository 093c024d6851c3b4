"""A registration keeps every version; its numbers are sealed and found by hash."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from kernel.actor import Role
from kernel.events.models import Event
from kernel.homes import uuid7
from kernel.keys import ring
from registry.patients.models import PatientRegistration, RegistrationVersion
from registry.patients.sealing import facts_of as opened
from registry.patients.sealing import identity_to_index, phone_to_index
from registry.patients.selectors import ids_by_identifier
from registry.patients.services import Statement, record_registrations
from tests.factories.registry import OrganisationFactory, actor_of, facts_of

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

NUMBER, PHONE = "620102199003070018", "13812345678"


def tell(hospital, *statements):
    return record_registrations(
        statements, organisation_id=hospital.id, at=timezone.now(),
        by=actor_of(Role.HOSPITAL_SYSTEM, organisation=hospital),
    )  # fmt: skip


def record(hospital, facts, local_id="P1"):
    (row,) = tell(hospital, Statement(local_id, facts, b"d"))
    return row


def test_every_version_is_kept():
    hospital = OrganisationFactory()
    first = record(hospital, facts_of(number=NUMBER, phone=PHONE))
    second = record(hospital, facts_of("张三丰", number=NUMBER))

    assert (first.id, second.version) == (second.id, 2)
    versions = RegistrationVersion.objects.order_by("version").values_list("version", "name")
    assert list(versions) == [(1, "张三"), (2, "张三丰")]
    assert list(Event.objects.order_by("id").values_list("name", flat=True)) == [
        "registration.recorded", "registration.changed"
    ]  # fmt: skip


def test_numbers_are_sealed_and_come_back():
    record(OrganisationFactory(), facts_of(number=NUMBER, phone=PHONE))

    row = PatientRegistration.objects.get()
    assert NUMBER.encode() not in bytes(row.sealed or b"")
    assert opened(row) == facts_of(number=NUMBER, phone=PHONE)
    assert identity_to_index(row) == NUMBER
    assert phone_to_index(row) == PHONE


@pytest.mark.parametrize(
    ("system", "value", "is_found"),
    [
        ("urn:his", "P1", True), ("urn:insurer", "P1", False), ("", "P1", False),
        ("urn:id", "620102 19900307 0018", True), ("", "S9", True), ("urn:his", "S9", False),
    ],
)  # fmt: skip
def test_found_by_an_identifier_of_its_system_in_its_own_hospital(system, value, is_found):
    hospital = OrganisationFactory()
    facts = replace(
        facts_of(number=NUMBER),
        identifiers=(("urn:his", "P1"), ("urn:id", NUMBER), ("", "S9")),
    )
    made = record(hospital, facts)

    asked = {(system, value), ("urn:his", "nobody's")}

    found = ids_by_identifier(hospital.id, asked)

    assert found == ({(system, value): [made.id]} if is_found else {})
    assert ids_by_identifier(OrganisationFactory().id, asked) == {}


def test_without_numbers_nothing_is_sealed():
    record(OrganisationFactory(), facts_of())

    row = PatientRegistration.objects.get()
    assert (row.sealed, row.identity_index, row.phone_index) == (None, None, None)


def test_a_name_known_before_is_kept_once():
    hospital = OrganisationFactory()
    made = record(hospital, facts_of())

    for _ in range(2):
        tell(hospital, Statement("P1", source_key="p7"))

    made.refresh_from_db()
    assert made.source_keys.count("p7") == 1
    assert (made.version, bytes(made.digest), made.name) == (1, b"d", "张三")
    assert Event.objects.count() == 1


def test_many_are_told_of_at_once_and_each_gets_its_own():
    hospital = OrganisationFactory()
    gone, changed, named = (record(hospital, facts_of(), number) for number in ("P1", "P2", "P3"))
    new = uuid7()

    told = tell(
        hospital,
        Statement("P9", facts_of("王五", number=NUMBER), b"n", "p9", registration_id=new),
        Statement("P1", digest=b"g", source_key="p1", deleted=True),
        Statement("P3", source_key="p3"),
        Statement("P2", facts_of("李四", phone=PHONE), b"c", "p2"),
    )

    assert [row.id for row in told] == [new, gone.id, named.id, changed.id]
    rows = PatientRegistration.objects.order_by("local_id").values_list(
        "local_id", "name", "version", "digest", "deleted", "source_keys"
    )
    assert [(*row[:3], bytes(row[3]), *row[4:]) for row in rows] == [
        ("P1", "张三", 2, b"g", True, []),
        ("P2", "李四", 2, b"c", False, ["p2"]),
        ("P3", "张三", 1, b"d", False, ["p3"]),
        ("P9", "王五", 1, b"n", False, ["p9"]),
    ]
    assert opened(PatientRegistration.objects.get(pk=new)) == facts_of("王五", number=NUMBER)
    assert opened(PatientRegistration.objects.get(pk=changed.id)) == facts_of("李四", phone=PHONE)
    versions = RegistrationVersion.objects.order_by("id").values_list("registration_id", "version")
    assert list(versions)[3:] == [(new, 1), (changed.id, 2)]
    assert list(Event.objects.order_by("id").values_list("name", "subject_id"))[3:] == [
        ("registration.recorded", new),
        ("registration.changed", gone.id),
        ("registration.changed", changed.id),
    ]


def test_of_an_unknown_patient_something_must_be_said():
    with pytest.raises(KeyError), transaction.atomic():
        tell(OrganisationFactory(), Statement("P1", source_key="p1"))

    assert not PatientRegistration.objects.exists()


def test_statements_do_not_grow_with_patients(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(ring, "RING_SECONDS", 600)
    hospital = OrganisationFactory()
    record(hospital, facts_of(phone=PHONE))  # brings the keys
    for facts in (facts_of(), facts_of("李四", phone=PHONE)):
        for count in (1, 50):
            with django_assert_num_queries(4):
                tell(hospital, *(Statement(f"{count}-{n}", facts, b"d") for n in range(count)))

    assert PatientRegistration.objects.filter(version=2).count() == 51
    assert RegistrationVersion.objects.count() == 103
