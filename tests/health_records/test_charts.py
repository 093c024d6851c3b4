"""A doctor finds and opens patients at the city; what the hub says comes in between."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from health_records import charts
from kernel.access.rules import Fact
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.commands.errors import CityUnreachable, CommandRefused, UnknownNode
from kernel.crypto import blind_indexes
from kernel.homes import uuid7
from registry.accounts.models import Account
from registry.emergency_access.models import EmergencyAccess
from registry.patients.rules import RegistrationFacts, searched_numbers
from tests.conftest import arriving
from tests.factories.arriving import PINGLIANG
from tests.factories.records import EntryFactory, visit_of
from tests.factories.registry import (
    ConsentFactory,
    IdentityLinkFactory,
    OrganisationFactory,
    PersonFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_hospital, as_somebody

pytestmark = [pytest.mark.django_db, pytest.mark.node("city")]

NUMBER, OTHER = "620102199003071213", "620102196803021229"
WORDS = "车祸昏迷，须了解用药史"
TOLD = {"reason": "unconscious", "words": WORDS}


def registered(organisation, name="张三", number=None, **more):
    """A patient whose numbers can be searched, as after a push."""
    documents = (("01", number),) if number else ()
    identifiers = (("urn:oid:id", number),) if number else ()
    facts = RegistrationFacts(name, "1", date(1990, 3, 7), documents, (), identifiers)
    hashes = [blind_indexes("number", text)[0] for text in searched_numbers(facts)]
    return RegistrationFactory(
        organisation=organisation, facts=facts, number_indexes=hashes or None, **more
    )


def person_with(*registrations):
    person = PersonFactory()
    for one in registrations:
        IdentityLinkFactory(person=person, registration_id=one.id, registration_node=one.node)
    return person


@pytest.fixture
def hospital():
    return OrganisationFactory(name="兰州市第一人民医院")


@pytest.fixture
def other():
    return OrganisationFactory(name="兰州市第二人民医院")


@pytest.fixture
def doctor(hospital):
    return as_somebody(Role.CLINICIAN, organisation=hospital)


@pytest.fixture
def hub(monkeypatch):
    """What the hub says, or raises; and what it was asked."""

    class Hub:
        def __init__(self):
            self.asked: list[dict[str, Any]] = []
            self.answer: Any = CityUnreachable()

        def ask(self, name, *, to, body, by):
            self.asked.append({"name": name, "to": to, "by": by, **body})
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    said = Hub()
    monkeypatch.setattr(charts, "ask", said.ask)
    return said


def searched(client, text):
    return client.post("/api/v1/patients/search", {"text": text}, content_type="application/json")


def names_in(answer):
    return [one["local_id"] for one in answer.json()["items"]]


def path_of(registration, part=""):
    return f"/api/v1/patients/{registration.id}{part}"


def opened(client, registration, **told):
    return client.post(
        path_of(registration, "/emergency-access"), TOLD | told, content_type="application/json"
    )


def rows(action):
    found = AuditRow.objects.filter(action=action).order_by("id")
    return list(found.values_list("registration_id", "outcome", "reason", "purpose"))


def test_patients_are_found_by_name_and_numbers_of_the_own_hospital_alone(doctor, hospital, other):
    registered(hospital, "张三", NUMBER, local_id="P1001")
    registered(hospital, "张三丰", local_id="P2002")
    registered(hospital, "李桂兰", OTHER, local_id="P1002")
    registered(hospital, "张家", local_id="P9", deleted=True)
    registered(other, "张三", local_id="P1003")

    assert names_in(searched(doctor, "张三")) == ["P1001", "P2002"]
    assert names_in(searched(doctor, " 张三 ")) == ["P1001", "P2002"]
    assert names_in(searched(doctor, "P100")) == ["P1001", "P1002"]
    assert names_in(searched(doctor, "P1002")) == ["P1002"]
    assert names_in(searched(doctor, OTHER)) == ["P1002"]
    assert names_in(searched(doctor, NUMBER[:17])) == []
    assert names_in(searched(doctor, "%")) == names_in(searched(doctor, "_")) == []


def test_rows_are_masked_and_each_leaves_its_audit_row(doctor, hospital):
    patient = registered(hospital, "李桂兰", NUMBER, local_id="P1001")

    (row,) = searched(doctor, NUMBER).json()["items"]

    assert row == {
        "id": str(patient.id), "name": "李**", "sex": "1", "birth_date": "1990-03-07",
        "local_id": "P1001", "document": "620*************13",
    }  # fmt: skip
    assert rows("patient.search") == [(patient.id, "allowed", "own_organisation", "TREAT")]


def test_a_search_in_vain_leaves_a_row_too(doctor):
    assert searched(doctor, "nobody").json() == {"items": [], "more": False, "elsewhere": None}
    assert rows("patient.search") == [(None, "allowed", "own_organisation", "TREAT")]


def test_no_more_than_a_page_is_found(doctor, hospital):
    for number in range(21):
        registered(hospital, "王芳", local_id=f"W{number:03d}")

    answer = searched(doctor, "王").json()

    assert ([one["local_id"] for one in answer["items"]], answer["more"]) == (
        [f"W{number:03d}" for number in range(20)], True,
    )  # fmt: skip


def test_a_whole_citizen_number_shows_that_another_hospital_knows_it(doctor, other, hospital):
    there = registered(other, "张三", NUMBER)

    answer = searched(doctor, NUMBER.lower()).json()

    assert answer == {"items": [], "more": False, "elsewhere": str(there.id)}
    assert rows("patient.search") == [(there.id, "refused", "no-fact", "TREAT")]
    assert searched(doctor, "张三").json()["elsewhere"] is None
    registered(hospital, "张三", NUMBER)
    assert searched(doctor, NUMBER).json()["elsewhere"] is None


@pytest.mark.parametrize("text", ["", "  ", "x" * 65, "a\0"])
def test_what_is_no_search(text, doctor):
    assert searched(doctor, text).status_code == 422


def test_who_is_no_doctor_finds_and_opens_nobody(hospital, hub):
    patient = registered(hospital, "张三", local_id="P1")
    visit_of(patient)
    others = [
        as_somebody(Role.RESIDENT, person_id=uuid7()),
        as_somebody(Role.COMMISSION_ANALYST),
        as_somebody(Role.OPERATOR, organisation=hospital),
        as_hospital(hospital),
    ]

    for one in others:
        assert searched(one, "张三").status_code == 403
        assert one.get(path_of(patient)).status_code == 403
        assert one.get(path_of(patient, "/record")).status_code == 403
        assert opened(one, patient).status_code == 403
    assert hub.asked == []
    assert not EmergencyAccess.objects.exists()


def test_at_another_node_the_doctor_is_sent_home(hub):
    far = as_somebody(Role.CLINICIAN, organisation=OrganisationFactory(node=PINGLIANG))

    answer = searched(far, "张三")

    assert (answer.status_code, answer.json()["type"]) == (421, "urn:problem:at-your-city")
    assert answer.json()["facts"] == {"node": PINGLIANG}


def test_a_patient_whom_the_hospital_treats_is_opened(doctor, hospital):
    patient = registered(hospital, "李桂兰", NUMBER, local_id="P1")
    visit_of(patient)
    person = person_with(patient)

    answer = doctor.get(path_of(patient))

    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "registration": str(patient.id), "person": str(person.id), "name": "李桂兰", "sex": "1",
        "birth_date": "1990-03-07", "local_id": "P1", "hospital": "兰州市第一人民医院",
        "is_own": True, "document": "620*************13", "document_type": "01", "link": "linked",
        "basis": "treatment_relationship", "until": None,
    }  # fmt: skip
    assert rows("patient.read") == [(patient.id, "allowed", "treatment_relationship", "TREAT")]


def test_consent_opens_too_and_an_unlinked_patient_without_a_document(doctor, hospital, other):
    there = registered(other, "张三")
    person = person_with(there)
    ConsentFactory(person_id=person.id, organisation=hospital)
    unlinked = registered(hospital, "李四")
    visit_of(unlinked)

    by_consent, alone = doctor.get(path_of(there)).json(), doctor.get(path_of(unlinked)).json()

    assert (by_consent["basis"], by_consent["is_own"]) == ("consent", False)
    assert (alone["link"], alone["person"], alone["document"]) == ("none", None, "")


def test_whom_the_hospital_does_not_treat_is_refused_with_the_rule(doctor, hospital, other, hub):
    strangers = [registered(other), registered(hospital)]
    visit_of(strangers[0])
    visit_of(strangers[1], timezone.now() - timedelta(days=366))

    for stranger in strangers:
        for part in ("", "/record"):
            answer = doctor.get(path_of(stranger, part))
            assert answer.status_code == 403
            problem = answer.json()
            assert problem["type"] == "urn:problem:not-treating"
            assert problem["facts"] == {"days": 365, "minutes": 240}
            assert "张三" not in answer.content.decode()
    assert hub.asked == []
    assert {outcome for _, outcome, *_ in rows("patient.read")} == {"refused"}
    assert len(rows("patient.read")) == len(rows("timeline.read")) == 2


def test_who_is_not_there_is_not_found(doctor, hospital):
    gone = registered(hospital, deleted=True)

    for path in (f"/api/v1/patients/{uuid7()}", path_of(gone), path_of(gone, "/record")):
        assert doctor.get(path).status_code == 404
    answer = opened(doctor, gone)
    assert (answer.status_code, EmergencyAccess.objects.count()) == (404, 0)


def test_the_hub_gives_the_record_of_all(doctor, hospital, hub):
    patient = registered(hospital)
    visit_of(patient)
    entry = {
        "id": str(uuid7()), "at": "2026-03-07T08:00:00+08:00", "kind": "Encounter",
        "kind_name": "就诊", "organisation": "平凉市人民医院", "organisation_code": "J",
        "node": PINGLIANG, "node_name": "平凉市", "registration": str(uuid7()), "visit": None,
        "status": "finished", "code_system": "", "code": "", "display": "", "value": "",
        "brief": None, "resource": "http://hub/x",
    }  # fmt: skip
    hub.answer = {"items": [entry], "allergies": [], "next": "x", "unheard": []}

    answer = doctor.get(
        path_of(patient, "/record"), {"kind": "Encounter", "limit": 7},
        headers={"Accept-Language": "en"},
    )  # fmt: skip

    assert answer.json() == {
        "items": [entry | {"kind_name": "Visit"}], "allergies": [], "next": "x", "unheard": [],
        "missing": "",
    }  # fmt: skip
    (asked,) = hub.asked
    assert asked.pop("by").organisation_id == hospital.id
    assert asked == {
        "name": "records.joined", "to": "620000", "registration": str(patient.id), "limit": 7,
        "cursor": None, "kinds": "Encounter", "organisation": "", "after": None,
    }  # fmt: skip
    assert rows("timeline.read") == []  # the hub's row tells of it


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (CityUnreachable(), "hub-away"),
        (UnknownNode(), "hub-away"),
        (CommandRefused(404, {"type": "urn:problem:not-found"}), "not-known-yet"),
    ],
)
def test_without_the_hub_the_citys_part_is_shown_and_said_to_be_one(
    said, missing, doctor, hospital, other, hub
):
    patient, there = registered(hospital), registered(other)
    person_with(patient, there)
    visits = [visit_of(patient), visit_of(there, timezone.now() - timedelta(days=1))]
    active = EntryFactory(
        registration=there, resource_type="AllergyIntolerance", display="青霉素过敏",
        status_code="active", occurred_at=timezone.now() - timedelta(days=2),
    )  # fmt: skip
    over = EntryFactory(
        registration=there, resource_type="AllergyIntolerance", status_code="resolved",
        occurred_at=timezone.now() - timedelta(days=3),
    )  # fmt: skip
    hub.answer = said

    answer = doctor.get(path_of(patient, "/record"))
    page = answer.json()

    assert answer.status_code == 200, answer.content
    assert [one["id"] for one in page["items"]] == [str(one.id) for one in [*visits, active, over]]
    assert [one["display"] for one in page["allergies"]] == ["青霉素过敏"]
    assert page["missing"] == missing
    assert rows("timeline.read") == [(patient.id, "allowed", "treatment_relationship", "TREAT")]

    first = doctor.get(path_of(patient, "/record"), {"limit": 1}).json()
    rest = doctor.get(path_of(patient, "/record"), {"cursor": first["next"]}).json()
    assert [one["id"] for one in rest["items"]] == [
        str(one.id) for one in [visits[1], active, over]
    ]
    assert rest["allergies"] == []


def test_another_failure_of_the_hub_is_told(doctor, hospital, hub):
    patient = registered(hospital)
    visit_of(patient)
    hub.answer = CommandRefused(400, {"type": "urn:problem:cursor-invalid", "title": "x"})

    assert doctor.get(path_of(patient, "/record")).status_code == 400


def test_who_was_suspended_a_moment_ago_gets_nothing_of_the_hub(doctor, hospital, hub):
    patient = registered(hospital)
    visit_of(patient)
    hub.answer = {"items": [], "allergies": [], "next": None, "unheard": []}
    assert doctor.get(path_of(patient, "/record")).status_code == 200
    with arriving():
        Account.objects.update(status="suspended")

    assert doctor.get(path_of(patient, "/record")).status_code == 401
    assert len(hub.asked) == 1


def test_the_glass_is_broken_for_a_while(doctor, hospital, other, hub):
    stranger, elsewhere = registered(other), registered(OrganisationFactory())
    person_with(stranger, elsewhere)

    answer = opened(doctor, stranger)

    assert answer.status_code == 201, answer.content
    access = EmergencyAccess.objects.get()
    overview = doctor.get(path_of(stranger)).json()
    assert (overview["basis"], overview["name"]) == ("emergency_access", "张三")
    assert overview["until"] == answer.json()["ends_at"]
    assert doctor.get(path_of(elsewhere)).json()["basis"] == "emergency_access"
    assert doctor.get(path_of(stranger, "/record")).json()["missing"] == "hub-away"
    assert hub.asked[0]["after"] == str(access.event_id)
    assert rows("emergency_access.open") == [
        (stranger.id, "allowed", Fact.EMERGENCY_STATED, "ETREAT")
    ]
    assert rows("timeline.read") == [(stranger.id, "allowed", "emergency_access", "ETREAT")]

    colleague = as_somebody(Role.CLINICIAN, organisation=hospital)
    assert colleague.get(path_of(stranger)).status_code == 403
    EmergencyAccess.objects.update(
        starts_at=timezone.now() - timedelta(hours=4), ends_at=timezone.now()
    )
    assert doctor.get(path_of(stranger)).status_code == 403


def test_what_is_no_emergency(doctor, other):
    stranger = registered(other)

    refused = opened(doctor, stranger, words="急")

    assert (refused.status_code, refused.json()["type"]) == (
        422, "urn:problem:emergency-words-missing",
    )  # fmt: skip
    assert opened(doctor, stranger, reason="curious").status_code == 422
    assert doctor.get(path_of(stranger)).status_code == 403
    assert not EmergencyAccess.objects.exists()
