"""Changing the keys of a city loses nothing that was sealed."""

import pytest

from health_records.models import Document, Message, ResourceVersion
from kernel.keys import rotation
from registry.patients.models import PatientRegistration
from registry.patients.selectors import ids_by_identifier
from tests.factories.fhir import NOTE, NUMBER, PHONE, visit

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]


def test_everything_opens_after_a_rotation(push, system, hospital):
    first = push(visit())
    registration = PatientRegistration.objects.get()
    before = bytes(registration.identity_index or b"")

    done = rotation.rotate(grace=0)

    # The registration and its version, two resources, the attachment, the message and its answer.
    assert done["sealed"] == 7
    registration.refresh_from_db()
    assert bytes(registration.identity_index or b"") != before
    assert registration.identity_index_next is None
    numbered = ("urn:oid:2.16.156.10011.1.3", NUMBER)
    assert ids_by_identifier(hospital.id, {numbered}) == {numbered: [registration.id]}
    assert registration.number_indexes_next is None
    for asked in ({"identifier": NUMBER}, {"phone": PHONE}):
        assert system.get("/fhir/R4/Patient", asked).json()["total"] == 1
    patient = system.get(f"/fhir/R4/Patient/{registration.id}").json()
    assert patient["telecom"][0]["value"] == PHONE
    document = Document.objects.get()
    assert system.get(f"/api/v1/documents/{document.id}/content").content.decode() == NOTE
    assert push(visit()).content != first.content  # fresh urns: a new message, nothing new in it
    assert ResourceVersion.objects.count() == 5
    assert Message.objects.count() == 2
