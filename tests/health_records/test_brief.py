"""What the timeline tells of an entry beside its columns, and which cities it has not heard of."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from health_records.formats.fhir.brief import brief_of
from health_records.selectors import StoredVersion
from kernel.actor import Role
from kernel.homes import uuid7
from kernel.nodes.models import Node
from kernel.replication import lag
from registry.persons.models import IdentityLink
from tests.factories.arriving import LANZHOU
from tests.factories.records import EncounterFactory, EntryFactory, VersionFactory
from tests.factories.registry import (
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_somebody

NOTHING = {
    "interpretation": "", "range_low": None, "range_high": None, "range_text": "", "setting": "",
    "department": "", "practitioner": "", "reason": "", "dosage": "",
}  # fmt: skip
VISIT = {
    "class": {"code": "IMP"},
    "serviceType": {"text": "传染科"},
    "participant": [{"individual": {"display": "刘雪"}}],
    "reasonCode": [{"coding": [{"display": "发热"}]}],
}
RESULT = {
    "interpretation": [{"coding": [{"code": "H"}]}],
    "referenceRange": [{"low": {"value": 3.9}, "high": {"value": 6}, "text": "3.9-6"}],
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["coding", "code", "value", "text", "low", "display"]), inner),
    max_leaves=8,
)  # fmt: skip


def stored(resource: object) -> StoredVersion:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return StoredVersion(
        uuid7(), LANZHOU, uuid7(), uuid7(), "Observation", uuid7(), 1, json.dumps(resource), None,
        now, deleted=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ({}, {}),
        (
            RESULT,
            {"interpretation": "H", "range_low": 3.9, "range_high": 6.0, "range_text": "3.9-6"},
        ),
        (
            VISIT,
            {"setting": "IMP", "department": "传染科", "practitioner": "刘雪", "reason": "发热"},
        ),
        ({"dosageInstruction": [{"text": "口服"}]}, {"dosage": "口服"}),
        ({"referenceRange": [{"low": {"value": "3"}, "high": {"value": True}}]}, {}),
    ],
)
def test_what_is_stated_is_told(resource, told):
    assert brief_of(stored(resource)) == NOTHING | told


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([*VISIT, *RESULT, "dosageInstruction"]), VALUES, max_size=4
    )
)  # fmt: skip
def test_whatever_a_source_wrote_is_told_or_left_out(resource):
    brief = brief_of(stored(resource))

    assert brief.keys() == NOTHING.keys()
    assert all(isinstance(brief[name], str) for name, empty in NOTHING.items() if empty == "")


@pytest.fixture
def registration():
    """One in Lanzhou, linked to a person."""
    someone = PersonFactory(audience=[LANZHOU])
    hospital = OrganisationFactory(node=LANZHOU, name="甲医院", code="H1")
    whose = RegistrationFactory(organisation=hospital, node=LANZHOU)
    IdentityLinkFactory(
        person=someone, registration_id=whose.id, registration_node=LANZHOU, audience=[LANZHOU]
    )
    return whose


def page_of(registration):
    person_id = IdentityLink.objects.get(registration_id=registration.id).person_id
    client = as_somebody(Role.RESIDENT, person_id=person_id)
    answer = client.get(f"/api/v1/persons/{person_id}/timeline")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.node("hub")
@pytest.mark.django_db
def test_entries_name_their_visit_hospital_and_city(registration):
    visit = EncounterFactory(registration=registration)
    result = EntryFactory(registration=registration, encounter_id=visit.id)
    lonely = EntryFactory(registration=registration, resource_type="Condition")
    for resource, source in ((visit, VISIT), (result, RESULT)):
        VersionFactory(
            node=LANZHOU, resource_id=resource.id, resource_type=resource.resource_type,
            source=json.dumps(source),
        )  # fmt: skip

    items = {one["id"]: one for one in page_of(registration)["items"]}

    assert {one["organisation_code"] for one in items.values()} == {"H1"}
    city = Node.objects.filter(code=LANZHOU).values_list("name", flat=True).first() or LANZHOU
    assert {one["node_name"] for one in items.values()} == {city}
    assert [items[str(one.id)]["visit"] for one in (visit, result, lonely)] == [
        str(visit.id),
        str(visit.id),
        None,
    ]
    assert items[str(visit.id)]["brief"]["department"] == "传染科"
    assert items[str(result.id)]["brief"]["interpretation"] == "H"
    assert items[str(lonely.id)]["brief"] is None


@pytest.mark.node("hub")
@pytest.mark.django_db
def test_a_resource_that_was_taken_back_tells_nothing(registration):
    gone = EntryFactory(registration=registration)
    VersionFactory(
        node=LANZHOU, resource_id=gone.id, resource_type="Observation", source="", deleted=True
    )

    (only,) = page_of(registration)["items"]

    assert only["brief"] is None


@pytest.mark.node("hub")
@pytest.mark.django_db
@pytest.mark.parametrize("running", [True, False])
def test_a_city_whose_stream_stands_still_is_named(registration, monkeypatch, running):
    streams = [
        lag.IncomingStream(city, True, running and city == LANZHOU, 0, None, 0, 0, 0)
        for city in (LANZHOU, "620800")
    ]
    monkeypatch.setattr(lag, "incoming", lambda cursor: streams)

    silent = page_of(registration)["unheard"]

    assert [one["code"] for one in silent] == ([] if running else [LANZHOU])
