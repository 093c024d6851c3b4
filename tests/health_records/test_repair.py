"""Refused messages are kept for their hospital: listed, shown, mended, replayed."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from health_records import services
from health_records.models import Attempt, ClinicalEntry, Message, SourceParty
from health_records.states import MessageState
from health_records.tasks import forget_refused
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.keys import rotation
from registry.patients.models import PatientRegistration
from tests.factories.fhir import NUMBER, PHONE, as_bytes, bundle, entry, patient, visit
from tests.factories.registry import OrganisationFactory
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.node("city"), pytest.mark.django_db]

JSON = "application/json"
WAITING = {
    "resourceType": "Condition", "id": "later", "subject": {"reference": "Patient/pat-00012345"}
}  # fmt: skip


def listed(client, **wanted):
    answer = client.get("/api/v1/messages", wanted)
    assert answer.status_code == 200, answer.content
    return answer.json()


def wrong_date(id_="d"):
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "体温"},
        "effectiveDateTime": "2026-02-30",
    }  # fmt: skip


@pytest.fixture
def refused(push):
    """Three refused messages: a condition without its patient, a bad date, and no JSON at all."""
    push(WAITING, path="/fhir/R4/Condition")
    push(bundle(entry(wrong_date()), entry(WAITING)))
    push(b'{"resourceType": ')
    return list(Message.objects.filter(state=MessageState.REFUSED).order_by("id"))


def test_the_list_says_what_was_broken_and_where(refused, system, hospital):
    page = listed(system)

    assert [(one["rules"], one["types"], one["status"]) for one in page["items"]] == [
        (["reference-resolves"], ["Condition"], 422),
        (["date", "reference-resolves"], ["Condition", "Observation"], 422),
        (["json"], [], 400),
    ]
    first = page["items"][0]
    assert (first["id"], first["hospital"]) == (str(refused[0].id), hospital.code)
    assert page["next"] is None
    row = AuditRow.objects.order_by("-id")[0]
    assert (row.action, row.outcome, row.count) == ("message.list", "allowed", 3)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({"rule": "reference-resolves"}, [0, 1]),
        ({"rule": "json"}, [2]),
        ({"type": "Observation"}, [1]),
        ({"rule": "date", "type": "Condition"}, [1]),
        ({"rule": "nothing"}, []),
        ({"since": "2999-01-01T00:00:00Z"}, []),
        ({"until": "2999-01-01T00:00:00Z"}, [0, 1, 2]),
    ],
)
def test_filters(wanted, places, refused, system):
    assert [one["id"] for one in listed(system, **wanted)["items"]] == [
        str(refused[place].id) for place in places
    ]


def test_page_by_page(refused, system):
    first = listed(system, limit=2)
    second = listed(system, limit=2, cursor=first["next"])

    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]
    assert system.get("/api/v1/messages?cursor=WyJ4Il0").status_code == 400


def test_one_message_with_its_reasons(refused, system):
    shown = system.get(f"/api/v1/messages/{refused[0].id}").json()

    assert shown["request"] == {"method": "POST", "url": "Condition"}
    assert shown["reasons"] == [{
        "path": "Condition.subject", "rule": "reference-resolves",
        "text": "引用“Patient/pat-00012345”指向的资源不存在。请在同一 Bundle 中包含它，或先推送它",
    }]  # fmt: skip
    assert system.get(f"/api/v1/messages/{refused[1].id}").json()["request"] is None


def test_its_bytes_as_they_came(refused, system):
    answer = system.get(f"/api/v1/messages/{refused[2].id}/content")

    assert answer.content == b'{"resourceType": '
    assert answer["Content-Disposition"].startswith("attachment")
    row = AuditRow.objects.order_by("-id")[0]
    assert (row.action, row.outcome, row.resource_id) == (
        "message.read", "allowed", refused[2].id,
    )  # fmt: skip


def test_nothing_of_a_person_stands_in_clear(push):
    push(
        patient(), path="/fhir/R4/Patient?_format=json",
        **{"If-None-Exist": f"identifier=urn:x|{NUMBER}&name={PHONE}"},
    )  # fmt: skip

    kept = Message.objects.get()
    for column in (kept.raw, kept.answer, kept.request):
        assert column is not None
        assert NUMBER.encode() not in bytes(column)
        assert PHONE.encode() not in bytes(column)


def test_replayed_once_its_target_is_there(refused, push, system):
    address = f"/api/v1/messages/{refused[0].id}/replay"
    again = system.post(address).json()
    push(patient(), path="/fhir/R4/Patient")

    answer = system.post(address)

    assert (again["state"], again["status"]) == ("refused", 422)
    assert again["reasons"][0]["rule"] == "reference-resolves"
    assert (answer.status_code, answer.json()) == (
        200, {"id": str(refused[0].id), "state": "accepted", "status": 200, "reasons": []},
    )  # fmt: skip
    assert ClinicalEntry.objects.get().registration_id == PatientRegistration.objects.get().id
    message = Message.objects.get(pk=refused[0].id)
    assert (message.state, message.rules) == (MessageState.ACCEPTED, [])
    asked = AuditRow.objects.filter(action="message.write", resource_id=message.id)
    assert asked.count() == 2  # one for each replay
    assert str(message.id) not in {one["id"] for one in listed(system)["items"]}
    assert system.post(address).status_code == 404


def test_the_same_push_after_a_replay_gets_its_answer(refused, push, system):
    push(patient(), path="/fhir/R4/Patient")
    system.post(f"/api/v1/messages/{refused[0].id}/replay")

    again = push(WAITING, path="/fhir/R4/Condition")

    assert again.status_code == 201
    assert ClinicalEntry.objects.get().version == 1


def test_mended_and_taken_in(refused, system):
    mended = bundle(entry(wrong_date() | {"effectiveDateTime": "2026-02-28"}))

    answer = system.put(
        f"/api/v1/messages/{refused[1].id}/content", as_bytes(mended), content_type=JSON
    )

    assert answer.json()["state"] == "accepted", answer.content
    assert ClinicalEntry.objects.get().source_key == "d"
    message = Message.objects.get(pk=refused[1].id)
    assert (message.state, message.message_id) == (MessageState.ACCEPTED, refused[1].message_id)
    written = AuditRow.objects.order_by("id").values_list("action", "resource_id")
    assert list(written)[-3:] == [
        ("record.write", refused[2].id),
        ("message.write", message.id),
        ("record.write", message.id),
    ]


def test_mended_and_refused_again(refused, system, stored):
    before = stored()
    body = as_bytes(bundle(entry(wrong_date("e"))))

    answer = system.put(f"/api/v1/messages/{refused[1].id}/content", body, content_type=JSON)

    assert answer.json()["state"] == "refused"
    assert [one["rule"] for one in answer.json()["reasons"]] == ["date"]
    assert stored() == before
    kept = system.get(f"/api/v1/messages/{refused[1].id}/content")
    assert kept.content == body
    assert listed(system, rule="date")["items"][0]["types"] == ["Observation"]


def test_a_mended_body_beyond_the_limit(refused, system, monkeypatch):
    monkeypatch.setattr(settings, "MAX_BODY_BYTES", 10)

    answer = system.put(f"/api/v1/messages/{refused[1].id}/content", b" " * 11, content_type=JSON)

    assert answer.status_code == 413
    assert "10" in answer.json()["detail"]
    assert Message.objects.get(pk=refused[1].id).state == MessageState.REFUSED


def test_an_update_is_replayed_as_an_update(push, system):
    role = {
        "resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/dr"}
    }  # fmt: skip
    system.put(
        "/fhir/R4/PractitionerRole?identifier=urn:r%7C1",
        as_bytes(role | {"identifier": [{"system": "urn:r", "value": "1"}]}),
        content_type="application/fhir+json",
    )
    message = Message.objects.get()
    push({"resourceType": "Practitioner", "id": "dr"}, path="/fhir/R4/Practitioner")

    shown = system.get(f"/api/v1/messages/{message.id}").json()
    assert system.post(f"/api/v1/messages/{message.id}/replay").json()["state"] == "accepted"

    assert shown["request"] == {"method": "PUT", "url": "PractitionerRole?identifier=urn:r%7C1"}
    assert SourceParty.objects.get(source_key="r").version == 1


def test_all_that_broke_a_rule_at_once(push, system):
    for number in range(5):
        push({**WAITING, "id": f"c{number}"}, path="/fhir/R4/Condition")
    push(wrong_date(), path="/fhir/R4/Observation")
    push(patient(), path="/fhir/R4/Patient")

    def replay(**wanted):
        return system.post("/api/v1/messages/replay", json.dumps(wanted), content_type=JSON).json()

    first = replay(rule="reference-resolves", limit=3)
    second = replay(rule="reference-resolves", limit=3, cursor=first["next"])
    rest = replay()

    assert {**first, "next": 0} == {"replayed": 3, "accepted": 3, "refused": 0, "next": 0}
    assert second == {"replayed": 2, "accepted": 2, "refused": 0, "next": None}
    assert rest == {"replayed": 1, "accepted": 0, "refused": 1, "next": None}
    assert ClinicalEntry.objects.count() == 5
    audited = AuditRow.objects.filter(action="message.write").order_by("id")
    pages, each = audited.filter(resource_id=None), audited.exclude(resource_id=None)
    assert list(pages.values_list("count", flat=True)) == [3, 2, 1]
    assert len(each) == len({one.resource_id for one in each}) == 6


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("get", "/content"), ("put", "/content"), ("post", "/replay")],
)
def test_another_hospital_sees_and_replays_nothing(method, path, refused):
    other = as_hospital(OrganisationFactory())

    answer = getattr(other, method)(f"/api/v1/messages/{refused[0].id}{path}")
    missing = getattr(other, method)(f"/api/v1/messages/{uuid4()}{path}")

    assert (answer.status_code, answer.json()) == (404, missing.json())
    assert listed(other)["items"] == []
    assert Message.objects.get(pk=refused[0].id).state == MessageState.REFUSED
    assert AuditRow.objects.filter(outcome="refused", resource_id=refused[0].id).count() == 1


def test_operators_of_the_platform_see_the_list_and_no_message(refused, hospital):
    operator = as_somebody(Role.OPERATOR)
    elsewhere = OrganisationFactory()

    assert len(listed(operator, hospital=hospital.code)["items"]) == 3
    assert listed(operator, hospital=elsewhere.code)["items"] == []
    assert operator.get("/api/v1/messages?hospital=NOBODY").status_code == 404
    for path in ("", "/content"):
        assert operator.get(f"/api/v1/messages/{refused[0].id}{path}").status_code == 403
    assert operator.post(f"/api/v1/messages/{refused[0].id}/replay").status_code == 403
    assert operator.post("/api/v1/messages/replay", "{}", content_type=JSON).status_code == 403


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.CLINICIAN, Role.COMMISSION_ANALYST])
def test_nobody_else_sees_the_list(role, refused, hospital):
    somebody = as_somebody(role, organisation=hospital)

    assert somebody.get("/api/v1/messages").status_code == 403


def test_refused_messages_are_let_go_in_time_accepted_ones_stay(refused, push):
    push(patient(), path="/fhir/R4/Patient")
    long_ago = timezone.now() - timedelta(days=settings.REFUSED_KEEP_DAYS + 1)
    Message.objects.exclude(pk=refused[2].id).update(received_at=long_ago)

    forget_refused()

    left = Message.objects.order_by("id").values_list("state", flat=True)
    assert list(left) == [MessageState.REFUSED, MessageState.ACCEPTED]
    assert services.forget_refused() == 0
    assert Attempt.objects.count() == 4


def test_a_rotation_of_keys_keeps_them_whole(refused, system):
    rotation.rotate(grace=0)

    assert system.get(f"/api/v1/messages/{refused[0].id}").json()["request"]["url"] == "Condition"
    assert system.get(f"/api/v1/messages/{refused[2].id}/content").content == b'{"resourceType": '


def test_a_message_id_stands_for_a_request_too(push, system):
    push(visit())
    ids = {"X-Message-Id": "m-7"}

    first = system.delete("/fhir/R4/Observation/obs-V1", headers=ids)
    other = system.delete("/fhir/R4/Condition/con-V1", headers=ids)

    assert (first.status_code, other.status_code) == (204, 409)
