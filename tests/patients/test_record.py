"""A registration keeps every version; its numbers are sealed and found by hash."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from kernel.actor import Role
from kernel.events.models import Event
from registry.patients.models import PatientRegistration, RegistrationVersion
from registry.patients.sealing import facts_of as opened
from registry.patients.sealing import identity_to_index, phone_to_index
from registry.patients.selectors import ids_by_identifier
from registry.patients.services import keep_name, record_registration
from tests.factories.registry import OrganisationFactory, actor_of, facts_of

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

NUMBER, PHONE = "620102199003070018", "13812345678"


@transaction.atomic
def record(hospital, facts, local_id="P1"):
    return record_registration(
        organisation_id=hospital.id, local_id=local_id, facts=facts, digest=b"d", at=timezone.now(),
        by=actor_of(Role.HOSPITAL_SYSTEM, organisation=hospital),
    )  # fmt: skip


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
    made = record(OrganisationFactory(), facts_of())

    for _ in range(2):
        keep_name(registration_id=made.id, source_key="p7")

    made.refresh_from_db()
    assert made.source_keys.count("p7") == 1
    assert made.version == 1
