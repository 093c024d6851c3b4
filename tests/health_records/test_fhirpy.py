"""A FHIR client that others wrote (fhirpy) works with the door as it is, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import (
    AuthorizationError,
    MultipleResourcesFound,
    OperationOutcome,
    ResourceNotFound,
)

from health_records.models import ClinicalEntry, Encounter, SourceParty
from registry.accounts.services import issue_token
from registry.patients.models import PatientRegistration
from tests.factories.fhir import bundle, entry, patient, visit
from tests.factories.registry import HospitalClientFactory, OrganisationFactory

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db(transaction=True)]


def client_of(url: str, token: str) -> Any:
    return SyncFHIRClient(f"{url}/fhir/R4", authorization=f"Bearer {token}")


@pytest.fixture
def client(live_server, settings):
    """The client of a hospital's system that signed in."""
    settings.NODE_URL = live_server.url
    system = HospitalClientFactory(organisation=OrganisationFactory())
    ends = timezone.now() + timedelta(minutes=5)
    return client_of(live_server.url, issue_token(ends=ends, client_id=system.id))


def practitioner(client, number, name="李明"):
    return client.resource(
        "Practitioner", name=[{"text": name}],
        identifier=[{"system": "urn:staff", "value": number}],
    )  # fmt: skip


def test_create_read_update_delete(client):
    doctor = practitioner(client, "7")

    doctor.save()
    again = client.reference("Practitioner", doctor.id).to_resource()
    assert again.serialize() == doctor.serialize()

    doctor["name"][0]["text"] = "李铭"
    doctor.save()
    again.refresh()
    assert (again["name"][0]["text"], again["meta"]["versionId"]) == ("李铭", "2")
    assert SourceParty.objects.get().name == "李铭"

    doctor.delete()
    with pytest.raises(ResourceNotFound, match="撤销"):
        client.get("Practitioner", doctor.id)


def test_what_is_put_back_unchanged_stays_the_version_it_was(client):
    doctor = practitioner(client, "7")
    doctor.save()

    doctor.save()
    doctor.refresh()

    assert doctor["meta"]["versionId"] == "1"


def test_a_transaction_and_searching_what_it_brought(client):
    told = client.execute("", data=visit())
    assert [one["response"]["status"] for one in told["entry"]] == ["201 Created"] * 5
    whose = PatientRegistration.objects.get()

    results = client.resources("Observation")
    found = results.search(patient=f"Patient/{whose.id}").fetch_all()
    assert [one["code"]["coding"][0]["code"] for one in found] == ["8310-5"]
    assert found[0]["subject"].to_resource()["name"][0]["text"] == "张三"
    assert results.search(patient=f"Patient/{whose.id}", code="http://loinc.org|1").fetch() == []
    visits = client.resources("Encounter").search(identifier="urn:test:visit|V1")
    assert visits.get().id == str(Encounter.objects.get().id)


def test_every_page_of_a_search(client):
    coded = {"resourceType": "Basic", "code": {"text": "x"}}
    of = patient()
    whose = entry(of)
    client.execute("", data=bundle(whose, *(
        entry({**coded, "id": f"b{number}", "subject": {"reference": whose["fullUrl"]}})
        for number in range(7)
    )))  # fmt: skip
    pages = client.resources("Basic").search(patient=str(PatientRegistration.objects.get().id))

    found = pages.limit(3).fetch_all()

    assert sorted(one.id for one in found) == sorted(
        str(id_) for id_ in ClinicalEntry.objects.values_list("id", flat=True)
    )
    assert len(pages.limit(3).fetch()) == 3


def test_conditional_create_update_and_delete(client):
    those = client.resources("Practitioner").search(identifier="urn:staff|7")

    first, is_new = those.get_or_create(practitioner(client, "7"))
    again, is_new_again = those.get_or_create(practitioner(client, "7", "李铭"))
    changed, was_new = those.update(practitioner(client, "7", "李鸣"))

    assert (is_new, is_new_again, was_new) == (True, False, False)
    assert first.id == again.id == changed.id
    assert SourceParty.objects.get().name == "李鸣"
    assert those.delete() == (None, 204)
    assert SourceParty.objects.get().deleted is True


def test_refusals_are_what_the_client_knows(client, live_server):
    with pytest.raises(OperationOutcome, match="Practitioner/nobody"):
        client.resource(
            "PractitionerRole", practitioner={"reference": "Practitioner/nobody"}
        ).save()  # fmt: skip
    for _ in range(2):
        practitioner(client, "7", name=f"甲{_}").save()
    with pytest.raises(MultipleResourcesFound):
        client.resources("Practitioner").search(identifier="urn:staff|7").update(
            practitioner(client, "7")
        )
    with pytest.raises(ResourceNotFound):
        client.get("Practitioner", "nobody")
    with pytest.raises(AuthorizationError):
        client_of(live_server.url, "stranger").get("Practitioner", "nobody")
    assert SourceParty.objects.count() == 2
