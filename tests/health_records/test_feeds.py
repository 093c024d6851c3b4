"""Feeds by the day, counted in the cities and added up at the hub."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from math import log2

import pytest
from django.db import connection
from django.utils import timezone

from health_records import counting
from health_records.intake import median_of
from health_records.models import Attempt, FeedDay
from kernel.actor import Role
from kernel.audit.models import AuditRow
from tests.factories.fhir import bundle, visit
from tests.factories.records import FeedDayFactory
from tests.factories.registry import (
    HospitalClientFactory,
    IdentityLinkFactory,
    OrganisationFactory,
    RegistrationFactory,
)
from tests.factories.signed_in import as_hospital, as_somebody
from tests.health_records.feeding import NOTHING, ago, intake, result

pytestmark = pytest.mark.django_db

CITY = pytest.mark.node("city")
HUB = pytest.mark.node("hub")


def feeds(client, **asked):
    return client.get("/api/v1/intake", asked)


def made(hospital, **numbers):
    return Attempt.objects.create(
        organisation=hospital, **{"at": timezone.now(), "accepted": True} | numbers
    )


@CITY
def test_what_came_is_counted_into_the_day(push, hospital, system):
    push(visit())
    push(bundle(result("x", "2026-02-30")))
    push(bundle(result("a", ago(hours=2))))
    live = intake(system, hospital).json()["total"]

    assert counting.count_attempts() == 1

    day = FeedDay.objects.get()
    assert (day.organisation_id, day.day, day.node) == (
        hospital.id, timezone.localdate(), hospital.node,
    )  # fmt: skip
    assert {name: getattr(day, name) for name in (
        "accepted", "refused", "resources_stored", "resources_refused", "rules", "patients",
        "identified", "reachable",
    )} == {name: live[{"rules": "by_rule"}.get(name, name)] for name in (
        "accepted", "refused", "resources_stored", "resources_refused", "rules", "patients",
        "identified", "reachable",
    )}  # fmt: skip
    assert (day.delayed, day.within_a_day) == (2, 1)
    assert round(day.present / day.wanted, 4) == live["completeness"] < 1
    assert sum(day.delays.values()) == 2


@CITY
def test_each_attempt_is_counted_once_and_added_to_its_day(hospital):
    yesterday, other = timezone.now() - timedelta(days=1), OrganisationFactory()
    made(hospital, rules={"date": 1, "json": 2}, delay_seconds=100.0, stored=3)
    made(hospital, at=yesterday, accepted=False, rules={"date": 7}, refused=7)
    made(other)
    first = counting.count_attempts()
    made(hospital, rules={"json": 5, "required": 1}, delay_seconds=101.0)
    made(hospital, delay_seconds=0.001)
    made(hospital, delay_seconds=90_000.0)

    assert (first, counting.count_attempts(), counting.count_attempts()) == (3, 1, 0)

    today, before = FeedDay.objects.filter(organisation=hospital).order_by("-day")
    assert (today.accepted, today.refused, today.resources_stored) == (4, 0, 3)
    assert today.rules == {"date": 1, "json": 7, "required": 1}
    assert today.delays == {"0": 1, "26": 2, "65": 1}
    assert (today.delayed, today.within_a_day) == (4, 3)
    assert (before.accepted, before.refused, before.resources_refused, before.rules) == (
        0, 1, 7, {"date": 7},
    )  # fmt: skip
    assert before.delays == {}
    assert FeedDay.objects.get(organisation=other).accepted == 1


@CITY
def test_a_backlog_is_counted_in_several_transactions(hospital, monkeypatch):
    monkeypatch.setattr(counting, "MOST_COUNTED", 2)
    for _ in range(5):
        made(hospital)

    assert counting.count_attempts() == 3
    assert FeedDay.objects.get().accepted == 5


@CITY
@pytest.mark.django_db(transaction=True)
def test_two_who_count_at_once(monkeypatch):
    monkeypatch.setattr(counting, "MOST_COUNTED", 7)
    hospitals = [OrganisationFactory() for _ in range(3)]
    for number in range(200):
        made(hospitals[number % 3], rules={"date": 1})

    def count(_):
        try:
            return counting.count_attempts()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))

    days = FeedDay.objects.order_by("accepted")
    assert [(day.accepted, day.rules) for day in days] == [
        (66, {"date": 66}), (67, {"date": 67}), (67, {"date": 67}),
    ]  # fmt: skip


@HUB
def test_the_hub_counts_nothing_itself():
    assert counting.count_attempts() == 0


def test_medians_of_sizes():
    assert median_of({}) is None
    assert median_of({0: 1}) == 1.1
    assert median_of({65: 3, 26: 2}) == pytest.approx(2**16.375, abs=0.1)
    assert median_of({65: 2, 26: 2}) == pytest.approx(2**6.625, abs=0.1)
    for seconds in (59, 3600, 86_400, 10**8):
        size = int(4 * log2(seconds))
        assert median_of({size: 1}) == pytest.approx(seconds, rel=0.1)


@HUB
def test_the_commission_sees_every_hospital_of_every_city():
    today = timezone.localdate()
    lanzhou = OrganisationFactory(code="JQ1", name="兰州医院")
    pingliang = OrganisationFactory(code="JQ2", name="平凉医院", node="620800")
    HospitalClientFactory(
        organisation=OrganisationFactory(code="JQ3", name="静默医院", node="620800")
    )
    OrganisationFactory(code="JQ0")  # no system of it may push
    HospitalClientFactory(organisation=OrganisationFactory(code="JQ4"), status="revoked")
    FeedDayFactory(organisation=lanzhou, rules={"date": 2}, delays={"26": 2, "65": 1},
                   delayed=3, within_a_day=2, wanted=10, present=5)  # fmt: skip
    FeedDayFactory(organisation=pingliang, rules={"date": 1, "json": 1}, delays={"65": 4},
                   delayed=4, within_a_day=4, wanted=10, present=10)  # fmt: skip
    FeedDayFactory(organisation=pingliang, day=today - timedelta(days=1), accepted=9, refused=1)
    FeedDayFactory(organisation=pingliang, day=today - timedelta(days=40), accepted=100)

    told = feeds(as_somebody(Role.COMMISSION_ANALYST)).json()

    first, second, third = told["items"]
    assert [(one["hospital"], one["name"], one["city"], one["last_accepted"]) for one in told["items"]] == [
        ("JQ1", "兰州医院", "620100", f"{today}"), ("JQ2", "平凉医院", "620800", f"{today}"),
        ("JQ3", "静默医院", "620800", None),
    ]  # fmt: skip
    assert {name: first[name] for name in NOTHING} == {
        "accepted": 1, "refused": 0, "resources_stored": 5, "resources_refused": 0,
        "by_rule": {"date": 2}, "median_delay_seconds": 98.7, "within_a_day": 0.6667,
        "completeness": 0.5, "patients": 1, "identified": 1, "reachable": 1,
    }  # fmt: skip
    assert (second["accepted"], second["refused"], second["by_rule"]) == (
        10,
        1,
        {"date": 1, "json": 1},
    )
    assert {name: third[name] for name in NOTHING} == NOTHING
    total = told["total"]
    assert (total["accepted"], total["by_rule"]) == (11, {"date": 3, "json": 1})
    assert (total["within_a_day"], total["completeness"]) == (0.8571, 0.75)
    assert total["median_delay_seconds"] == median_of({65: 1})
    assert told["next"] is None
    row = AuditRow.objects.get(action="intake.read")
    assert (row.outcome, row.actor_role, row.organisation_id) == (
        "allowed",
        "commission_analyst",
        None,
    )


@HUB
def test_of_a_city_page_by_page_and_of_a_time():
    hospitals = [
        OrganisationFactory(code=f"JQ{number}", node=("620100", "620800")[number % 2])
        for number in range(6)
    ]
    for one in hospitals:
        FeedDayFactory(organisation=one)
    operator = as_somebody(Role.OPERATOR)

    first = feeds(operator, city="620800", limit=2).json()
    second = feeds(operator, city="620800", limit=2, cursor=first["next"]).json()
    before = feeds(operator, until="2020-01-31", since="2020-01-01").json()

    assert [[one["hospital"] for one in page["items"]] for page in (first, second)] == [
        ["JQ1", "JQ3"], ["JQ5"],
    ]  # fmt: skip
    assert (first["total"]["accepted"], second["total"]["accepted"], second["next"]) == (3, 3, None)
    assert (len(before["items"]), before["total"]) == (6, NOTHING)
    assert feeds(operator, cursor="x").status_code == 400
    assert feeds(operator, since="2020-01-01").status_code == 422


@HUB
def test_one_hospital_at_the_hub():
    hospital, today = OrganisationFactory(node="620800"), timezone.localdate()
    registration = RegistrationFactory(organisation=hospital, node="620800")
    IdentityLinkFactory(registration_id=registration.id)
    FeedDayFactory(organisation=hospital, delays={"26": 1}, delayed=1, within_a_day=1)
    FeedDayFactory(
        organisation=hospital, day=today - timedelta(days=1), rules={"date": 1}, refused=1
    )
    FeedDayFactory(organisation=OrganisationFactory())
    analyst = as_somebody(Role.COMMISSION_ANALYST)

    told = intake(analyst, hospital).json()

    assert told["hospital"] == hospital.code
    assert [(day["day"], day["accepted"], day["by_rule"], day["median_delay_seconds"]) for day in told["days"]] == [
        (f"{today - timedelta(days=1)}", 1, {"date": 1}, None), (f"{today}", 1, {}, 98.7),
    ]  # fmt: skip
    total = told["total"]
    assert (total["accepted"], total["refused"], total["within_a_day"]) == (2, 1, 1.0)
    assert (total["registrations"], total["linked"]) == (1, 1)
    assert intake(as_hospital(hospital), hospital).status_code == 200
    assert analyst.get("/api/v1/organisations/NO/intake").status_code == 404


@CITY
def test_a_city_tells_of_its_own_hospitals(hospital):
    FeedDayFactory(organisation=hospital)
    HospitalClientFactory(organisation=OrganisationFactory(node="620800"))
    operator = as_somebody(Role.OPERATOR)

    told = feeds(operator).json()
    elsewhere = feeds(operator, city="620800")

    assert [one["hospital"] for one in told["items"]] == [hospital.code]
    assert told["total"]["accepted"] == 1
    assert (elsewhere.status_code, elsewhere.json()["facts"]) == (421, {"city": "620800"})


def test_nobody_else_sees_them_all(hospital):
    doctor = as_somebody(Role.CLINICIAN, organisation=hospital)

    assert [feeds(one).status_code for one in (as_hospital(hospital), doctor)] == [403, 403]
    rows = AuditRow.objects.filter(action="intake.read", outcome="refused")
    assert rows.count() == 2
