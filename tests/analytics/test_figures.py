"""Figures of the cities, merged at the hub for the commission."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.definitions import DEFINITIONS
from analytics.models import NewPersons
from analytics.rules import period_of
from analytics.selectors import FLOWS, STOCKS, marks
from kernel.actor import Role
from kernel.audit.models import AuditRow
from kernel.nodes.services import register_node
from kernel.replication.lag import IncomingStream
from tests.factories.figures import ActivityFactory, ClinicDayFactory, CountedFactory
from tests.factories.registry import HospitalClientFactory, OrganisationFactory
from tests.factories.signed_in import as_somebody

pytestmark = pytest.mark.django_db
HUB = pytest.mark.node("hub")
NOTHING = dict.fromkeys((*FLOWS, *STOCKS), 0)


def stream_of(city, **facts):
    said = {
        "enabled": True, "running": True, "copying_tables": 0, "last_message_seconds": 0.1,
        "apply_errors": 0, "copy_errors": 0, "conflicts": 0,
    }  # fmt: skip
    return IncomingStream(city, **(said | facts))


@pytest.fixture
def streams(monkeypatch):
    """How the cities' streams are said to run."""
    running = {code: stream_of(code) for code in ("620100", "620800")}
    monkeypatch.setattr("analytics.selectors.incoming", lambda cursor: list(running.values()))
    return running


@pytest.fixture
def cities(streams):
    """The hub and two enrolled cities."""
    for code, name in (("620000", "甘肃省"), ("620100", "兰州市"), ("620800", "平凉市")):
        register_node(code=code, name=name, url=f"http://{code}", public_key="key")


@pytest.fixture
def hospitals(cities):
    """A hospital with a client in either city, and one in Lanzhou of which nothing is heard."""
    lanzhou, pingliang = OrganisationFactory(node="620100"), OrganisationFactory(node="620800")
    for one in (lanzhou, pingliang):
        HospitalClientFactory(organisation=one)
    OrganisationFactory(node="620100")
    return lanzhou, pingliang


@pytest.fixture
def analyst(db):
    return as_somebody(Role.COMMISSION_ANALYST)


def figures(client, **where):
    answer = client.get("/api/v1/figures", where)
    assert answer.status_code == 200, answer.content
    return answer.json()


@HUB
def test_figures_of_two_cities_become_those_of_the_province(analyst, hospitals):
    lanzhou, pingliang = hospitals
    today = timezone.localdate()
    ActivityFactory(organisation=lanzhou, visits=5, booked=2)
    ActivityFactory(organisation=pingliang, visits=1, accepted=3, resources=40)
    NewPersons.objects.create(
        node="620800", organisation=pingliang, begins_at=period_of(timezone.now()), persons=2
    )
    ClinicDayFactory(organisation=lanzhou, taken=3, free=7)
    ClinicDayFactory(organisation=lanzhou, day=today + timedelta(7), taken=1, free=9)
    ClinicDayFactory(organisation=lanzhou, day=today + timedelta(8), free=100)
    ClinicDayFactory(organisation=lanzhou, day=today - timedelta(1), free=100)

    told = figures(analyst)

    assert (told["name"], told["city"], told["hospital"]) == ("甘肃省", None, None)
    assert told["total"] == NOTHING | {
        "visits": 6, "booked": 2, "accepted": 3, "resources": 40, "persons": 2, "taken": 3, "free": 7,
        "free_coming": 9,
    }  # fmt: skip
    first, second = told["places"]
    assert (first["code"], first["name"]) == ("620100", "兰州市")
    assert first["figures"] == NOTHING | {
        "visits": 5, "booked": 2, "taken": 3, "free": 7, "free_coming": 9,
    }  # fmt: skip
    assert second["figures"] == NOTHING | {
        "visits": 1, "accepted": 3, "resources": 40, "persons": 2,
    }  # fmt: skip
    (point,) = told["trend"]
    now = timezone.localtime()
    assert point["minute"] == now.hour * 60 + now.minute // 10 * 10
    assert (point["visits"], point["persons"]) == (6, 2)
    assert told["stream"].endswith("/api/v1/figures/stream")


@HUB
def test_a_city_shows_its_hospitals_and_a_hospital_itself(analyst, hospitals):
    lanzhou, pingliang = hospitals
    ActivityFactory(organisation=lanzhou, visits=5)
    ActivityFactory(organisation=pingliang, visits=1)
    ClinicDayFactory(organisation=lanzhou, taken=3, free=7)

    city = figures(analyst, city="620100")
    hospital = figures(analyst, hospital=lanzhou.code)

    assert (city["name"], city["total"]["visits"]) == ("兰州市", 5)
    assert [(one["code"], one["figures"]["visits"], one["figures"]["taken"]) for one in city["places"]] == [
        (lanzhou.code, 5, 3)
    ]  # fmt: skip
    assert [one["code"] for one in city["nodes"]] == ["620100"]
    assert (hospital["name"], hospital["city"], hospital["places"]) == (lanzhou.name, "620100", [])
    assert hospital["total"] == NOTHING | {"visits": 5, "taken": 3, "free": 7}


@HUB
def test_days_before_are_told_up_to_the_time_of_day_it_is(analyst, hospitals):
    now = timezone.now()
    begins = period_of(now)
    for days, visits in ((1, 3), (7, 4), (2, 50)):
        ActivityFactory(
            organisation=hospitals[0], begins_at=begins - timedelta(days), visits=visits
        )
    later = begins + timedelta(minutes=10)
    same_day = timezone.localdate(later) == timezone.localdate(now)
    if same_day:
        ActivityFactory(organisation=hospitals[0], begins_at=later - timedelta(1), visits=20)

    yesterday, last_week = figures(analyst)["before"]

    assert (yesterday["against"], last_week["against"]) == ("yesterday", "last_week")
    assert yesterday["total"]["visits"] == 3
    assert last_week["total"]["visits"] == 4
    assert yesterday["places"][0]["figures"]["visits"] == 3
    assert sum(point["visits"] for point in yesterday["trend"]) == (23 if same_day else 3)


@HUB
def test_how_the_cities_do(analyst, cities, streams):
    counted = timezone.now() - timedelta(seconds=4)
    CountedFactory(node="620100", until=counted)
    streams["620800"] = stream_of("620800", running=False)

    first, second = figures(analyst)["nodes"]

    assert (first["code"], first["name"], first["state"]) == ("620100", "兰州市", "current")
    assert 4 <= first["behind_seconds"] < 10
    assert (second["state"], second["until"], second["behind_seconds"]) == (
        "unreachable", None, None,
    )  # fmt: skip
    del streams["620100"]
    assert figures(analyst)["nodes"][0]["state"] == "unreachable"


@HUB
def test_marks_change_when_a_figure_does(cities, streams):
    before = marks()
    counted = CountedFactory(node="620100")
    after = marks()
    assert before != after
    assert marks() == after

    NewPersons.objects.create(
        node="620100", organisation=OrganisationFactory(node="620100"),
        begins_at=counted.until, persons=1,
    )  # fmt: skip
    assert marks() != after
    again = marks()
    streams["620800"] = stream_of("620800", running=False)
    assert marks() != again


@HUB
@pytest.mark.parametrize(
    "where", [{"city": "629900"}, {"hospital": "nothing"}, {"city": "620800", "hospital": "LZ"}]
)
def test_a_place_that_is_none(analyst, hospitals, where):
    OrganisationFactory(code="LZ", node="620100")

    answer = analyst.get("/api/v1/figures", where)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem:place-unknown")


@HUB
@pytest.mark.parametrize(
    "role", sorted(set(Role) - {Role.COMMISSION_ANALYST, Role.NODE, Role.HOSPITAL_SYSTEM})
)
@pytest.mark.parametrize("path", ["/api/v1/figures", "/api/v1/figures/definitions"])
def test_only_the_commission_is_told(role, path, cities):
    answer = as_somebody(Role(role)).get(path)

    assert answer.status_code == 403
    refused = AuditRow.objects.get(action="figures.read")
    assert (refused.outcome, refused.count) == ("refused", None)


@pytest.mark.node("city")
def test_a_city_sends_the_analyst_to_the_hub():
    answer = as_somebody(Role.COMMISSION_ANALYST).get("/api/v1/figures")

    assert (answer.status_code, answer.json()["type"]) == (421, "urn:problem:ask-the-hub")


@pytest.mark.parametrize(("language", "title"), [("zh-hans", "就诊"), ("en", "Visits")])
def test_every_figure_says_what_it_counts(language, title):
    client = as_somebody(Role.COMMISSION_ANALYST, **{"Accept-Language": language})

    told = client.get("/api/v1/figures/definitions").json()

    assert {one["name"] for one in told} == {*FLOWS, *STOCKS} == set(DEFINITIONS)
    assert (told[0]["name"], told[0]["title"]) == ("visits", title)
    assert all(one["text"] and one["unit"] for one in told)
