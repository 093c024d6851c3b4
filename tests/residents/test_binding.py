"""An account is bound to a person by name and document; a mismatch says nothing about others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from kernel.actor import Actor, Role
from kernel.audit.models import AuditRow
from registry.accounts.models import Account
from registry.patients.rules import RegistrationFacts
from registry.persons.models import Person
from registry.persons.states import Status
from registry.residents import services
from registry.residents.errors import BindingRefused, BoundAlready
from registry.residents.models import Attempt
from tests.factories.registry import AccountFactory, PersonFactory, facts_of
from tests.factories.signed_in import as_somebody
from tests.persons.conftest import cities_keys
from tests.persons.linking import linked

__all__ = ["cities_keys"]

pytestmark = [pytest.mark.django_db, pytest.mark.node("hub")]

NUMBER, OTHER = "11010519491231002X", "620102199003070018"
UNKNOWN, UNKNOWN_TOO = "440524188001010014", "620102199003070034"
NAME = "古丽·买买提"
REFUSED = (404, "urn:problem:binding-refused")


def person(name=NAME, number=NUMBER):
    return linked(facts_of(name, number=number)).person_id


def bind(client, name=NAME, number=NUMBER, **document):
    return client.post(
        "/api/v1/me/binding", {"name": name, "number": number} | document,
        content_type="application/json",
    )  # fmt: skip


def problem(answer):
    return answer.status_code, answer.json()["type"]


def bindings():
    rows = AuditRow.objects.filter(action="binding.write").order_by("id")
    return list(rows.values_list("person_id", "resource_type", "outcome"))


@pytest.fixture
def resident():
    """A resident who signed in and is bound to nobody."""
    return as_somebody(Role.RESIDENT)


@pytest.mark.parametrize("name", [NAME, "古丽买买提", " 古丽 • 买买提 "])
@pytest.mark.parametrize("number", [NUMBER, "１１０１０５19491231 002x"])
def test_name_and_number_bind_and_the_next_request_reads_the_own_record(resident, name, number):
    somebody = person()
    assert resident.get("/api/v1/me/person").status_code == 403

    answer = bind(resident, name, number)

    account = Account.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "account_id": str(account.id), "role": "resident", "name": name.strip(), "phone": None,
            "person_id": str(somebody), "real_name_level": "self_declared",
        },
    )  # fmt: skip
    assert (account.person_id, account.real_name_level) == (somebody, "self_declared")
    assert bindings() == [(somebody, "Account", "allowed")]
    assert resident.get("/api/v1/me/person").json() == {"id": str(somebody)}
    assert resident.get("/api/v1/me").json() == answer.json()


def test_another_document_binds_too(resident):
    somebody = linked(RegistrationFacts(NAME, "1", None, (("03", "E12345678"),)))

    answer = bind(resident, number="e1234 5678", document_type="03")

    assert answer.json()["person_id"] == str(somebody.person_id)


def test_every_mismatch_gets_the_same_answer(resident):
    somebody = person()
    taken = person("李四", OTHER)
    AccountFactory(person_id=taken)

    answers = [
        bind(resident, number=UNKNOWN),
        bind(resident, name="张三"),
        bind(resident, name="李四", number=OTHER),
        bind(resident, name="··"),
    ]

    assert [problem(one) for one in answers] == [REFUSED] * 4
    assert len({one.content for one in answers}) == 1
    assert Account.objects.filter(person_id__isnull=True).count() == 1
    assert bindings() == [
        (None, "Account", "refused"),
        (somebody, "Account", "refused"),
        (taken, "Account", "refused"),
        (somebody, "Account", "refused"),
    ]


def test_who_holds_the_document_sees_who_tried(resident):
    somebody = person()
    bind(resident, name="张三")

    mine = as_somebody(Role.RESIDENT, person_id=somebody)
    shown = mine.get(f"/api/v1/persons/{somebody}/access-log").json()["items"]

    tried = [(one["action"], one["outcome"]) for one in shown]
    assert ("绑定账号", "已拒绝") in tried


def test_a_disputed_document_binds_nobody_else_to_its_holder(resident):
    somebody = person()
    linked(facts_of("张三", number=NUMBER), node="620800")

    assert problem(bind(resident, name="张三")) == REFUSED
    assert bind(resident).json()["person_id"] == str(somebody)


def test_the_dead_are_bound_to_nobody(resident):
    Person.objects.filter(pk=person()).update(status=Status.DECEASED)

    assert problem(bind(resident)) == REFUSED


def test_a_merged_person_is_bound_as_its_survivor_and_once(resident):
    survivor = PersonFactory()
    Person.objects.filter(pk=person()).update(status=Status.MERGED, survivor=survivor)

    assert bind(resident).json()["person_id"] == str(survivor.id)
    assert problem(bind(as_somebody(Role.RESIDENT))) == REFUSED


def test_as_many_accounts_as_the_rule_allows(resident, settings):
    person()
    settings.ACCOUNTS_PER_PERSON = 2
    settings.BINDING_TRIES_PER_DAY = 9
    closed = as_somebody(Role.RESIDENT)
    bind(closed)
    Account.objects.filter(person_id__isnull=False).update(status="closed")

    answers = [bind(one) for one in (resident, *(as_somebody(Role.RESIDENT) for _ in range(2)))]

    assert [one.status_code for one in answers] == [200, 200, 404]


@pytest.mark.covers("S004-50")
def test_a_second_account_is_refused(resident):
    person()

    answers = [bind(one) for one in (resident, as_somebody(Role.RESIDENT))]

    assert answers[0].status_code == 200
    assert problem(answers[1]) == REFUSED


def test_an_account_is_bound_once(resident):
    person()
    bind(resident)
    person("李四", OTHER)

    again = bind(resident, "李四", OTHER)

    assert problem(again) == (409, "urn:problem:bound-already")
    assert Attempt.objects.count() == 2


def test_bound_meanwhile_is_bound_already():
    somebody = person()
    account = AccountFactory(person_id=PersonFactory().id)
    actor = Actor(id=account.id, role=Role.RESIDENT, node="620000", purpose="PATRQT")

    with pytest.raises(BoundAlready):
        services.bind(name=NAME, document_type="01", number=NUMBER, by=actor)

    assert not Account.objects.filter(person_id=somebody).exists()
    assert bindings() == []


@pytest.mark.parametrize(
    ("document_type", "number"),
    [("01", "110105194912310021"), ("01", "x"), ("03", "E"), ("99", NUMBER)],
)
def test_a_number_that_no_document_has_is_said_and_not_counted(resident, document_type, number):
    answer = bind(resident, number=number, document_type=document_type)

    assert problem(answer) == (422, "urn:problem:document-unfit")
    assert not Attempt.objects.exists()


def test_an_account_may_try_five_times_a_day(resident, monkeypatch):
    somebody = person()

    tried = [
        bind(resident, name, number).status_code
        for name, number in [
            (NAME, UNKNOWN),
            ("张三", UNKNOWN),
            ("张三", NUMBER),
            *[(NAME, UNKNOWN_TOO)] * 2,
        ]
    ]
    sixth = bind(resident)

    assert tried == [404] * 5
    assert problem(sixth) == (429, "urn:problem:too-many-bindings")
    tomorrow = timezone.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    services.bind(name=NAME, document_type="01", number=NUMBER, by=actor_of_only_account())
    assert Account.objects.get().person_id == somebody


def actor_of_only_account():
    return Actor(id=Account.objects.get().id, role=Role.RESIDENT, node="620000", purpose="PATRQT")


def test_a_document_is_tried_five_times_a_day_by_whomever_and_that_is_not_told():
    person()
    for _ in range(5):
        bind(as_somebody(Role.RESIDENT), name="张三")

    answer = bind(as_somebody(Role.RESIDENT))

    assert problem(answer) == REFUSED
    assert not Account.objects.filter(person_id__isnull=False).exists()


@pytest.mark.node("both")
@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.OPERATOR])
def test_only_residents_are_bound(role):
    answer = bind(as_somebody(role))

    assert problem(answer) == (403, "urn:problem:refused")
    assert bindings() == [(None, "Account", "refused")]


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_at_once_one_is_bound():
    somebody = person()
    actors = [
        Actor(id=AccountFactory().id, role=Role.RESIDENT, node="620000", purpose="PATRQT")
        for _ in range(4)
    ]

    def bound(by):
        try:
            services.bind(name=NAME, document_type="01", number=NUMBER, by=by)
        except BindingRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as many:
        assert sorted(many.map(bound, actors)) == [False, False, False, True]
    assert Account.objects.filter(person_id=somebody).count() == 1
