"""The commission's wall in a real browser: it moves with what is pushed, and leads to city and hospital."""

import os
import re
import signal
import time
from dataclasses import replace
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from benchmarks.throwaway_province import HUB, Province, until
from config.cli.hospital_client import client_of
from config.model_province.activity import visit_to
from config.model_province.bundles import bundle_of
from config.model_province.chance import chance_of
from tests.pages.authenticator import one_time_code
from tests.pages.browser import DESKTOP, OVERFLOW, WALL, serious_faults, sign_in, visitor
from tests.pages.picture_states import changed
from tests.pages.wall_pictures import FIGURES, full
from tests.system.people import HTTP, hospital_of, new_residents, pushed

LANZHOU = "620100"
PATIENCE = 60_000
"""Milliseconds that a busy machine may take for what takes less than two seconds."""
VISITS = """
SELECT count(*) FROM health_records_encounter
WHERE node = %s AND occurred_at >= date_trunc('day', now(), 'Asia/Shanghai')
  AND occurred_at < date_trunc('day', now(), 'Asia/Shanghai') + interval '1 day'
  AND NOT deleted AND status_code <> ALL('{planned,cancelled,entered-in-error}')
"""
COUNTED = """
SELECT coalesce(sum(visits), 0)::int FROM analytics_activity
WHERE node = %s AND begins_at >= date_trunc('day', now(), 'Asia/Shanghai')
  AND begins_at < date_trunc('day', now(), 'Asia/Shanghai') + interval '1 day'
"""
_numbers = count(1)


@pytest.fixture(scope="module")
def session(chromium, province):
    """The analyst's session: each one-time code serves one sign-in, and the next is half a minute away."""
    page = visitor(chromium, province.url(HUB), viewport=WALL)
    page.goto("/commission/")
    enter(page, province)
    state = page.context.storage_state()
    page.context.close()
    return state


@pytest.fixture
def wall(visit, session):
    """The wall, open for the analyst; a fault that the page logs fails the test."""
    page = visit(viewport=WALL, storage_state=session)
    page.goto("/commission/")
    page.locator("#figure-visits").wait_for()
    return page


def enter(page: Page, province: Province) -> None:
    """Sign in as the commission's analyst."""
    users = province.endpoints["users"]
    user = next(one for one in users if one["role"] == "commission_analyst")
    sign_in(page, user["login"], user["secret"], one_time_code(user))
    page.locator("#figure-visits").wait_for()


def visit_now(province: Province, city: str) -> dict[str, Any]:
    """What a hospital of the city pushes about a visit that began this minute."""
    hospital = hospital_of(province, city)
    (resident,), seed = new_residents(city)
    now = timezone.localtime(timezone=ZoneInfo("Asia/Shanghai")).replace(second=0, microsecond=0)
    tries = (visit_to(hospital, resident, now.date(), chance_of(seed, str(n))) for n in count())
    visit = next(one for one in tries if one is not None)
    return bundle_of(replace(visit, starts=now), seed=seed + next(_numbers))


def visits(province: Province, code: str, city: str, statement: str = VISITS) -> int:
    """Visits of a city that began today, as a node has them."""
    return int(province.rows(code, statement, city)[0][0])


def test_the_map_moves_with_a_push(wall, province):
    hospital = hospital_of(province, LANZHOU)
    value = wall.locator(f".value-{LANZHOU}")
    before = until(
        lambda: (
            (found := visits(province, LANZHOU, LANZHOU)) == visits(province, HUB, LANZHOU, COUNTED)
            and [found]
        )
    )[0]
    expect(value).to_have_text(f"兰州 {before:,}", timeout=PATIENCE)
    expect(wall.get_by_text("实时")).to_be_visible(timeout=PATIENCE)
    client, bundle = client_of(province.home, hospital.code), visit_now(province, LANZHOU)

    pushed(client, bundle)
    answered = time.monotonic()

    expect(value).to_have_text(f"兰州 {before + 1:,}", timeout=PATIENCE)
    print(f"seen {time.monotonic() - answered:.2f} s after the answer")  # noqa: T201
    assert wall.evaluate("document.cookie") == ""


def test_from_the_province_to_a_hospital_and_back(wall, province):
    hospital = hospital_of(province, LANZHOU)
    wall.get_by_role("radio", name="预约").check(force=True)
    expect(wall).to_have_url(re.compile("colour=booked"))
    wall.locator(f".city[href*='city={LANZHOU}']").focus()
    wall.keyboard.press("Enter")
    expect(wall).to_have_url(re.compile(f"city={LANZHOU}"))
    expect(wall.get_by_role("heading", level=1)).to_have_text("兰州市医疗健康运行")
    expect(wall.get_by_role("heading", level=1)).to_be_focused()

    wall.get_by_role("row").get_by_role("link", name=hospital.name).first.click()

    expect(wall).to_have_url(re.compile(f"hospital={hospital.code}"))
    expect(wall.get_by_role("heading", level=1)).to_have_text(hospital.name)
    shared = wall.url
    wall.go_back()
    expect(wall.get_by_role("heading", level=1)).to_have_text("兰州市医疗健康运行")
    wall.get_by_role("link", name="全省").click()
    expect(wall.get_by_role("heading", level=1)).to_have_text("甘肃省医疗健康运行")
    wall.goto(shared)
    expect(wall.get_by_role("heading", level=1)).to_have_text(hospital.name)
    wall.get_by_role("button", name="就诊").first.click()
    expect(wall.get_by_role("dialog")).to_contain_text("今天开始的就诊和住院")
    wall.keyboard.press("Escape")
    expect(wall.get_by_role("dialog")).to_have_count(0)


def test_no_view_of_the_wall_keeps_anybody_out(wall, province):
    hospital = hospital_of(province, LANZHOU)
    found = {}
    for address in ("", f"?city={LANZHOU}", f"?hospital={hospital.code}", "?city=620900"):
        wall.goto(f"/commission/{address}")
        wall.locator("#content h2").first.wait_for()
        found[address] = serious_faults(wall)
        for size in (DESKTOP, WALL):
            wall.set_viewport_size(size)
            assert wall.evaluate(OVERFLOW) == 0, (address, size)

    assert found == {address: [] for address in found}


def test_a_city_out_of_reach_is_said_and_hatched(wall):
    wall.route("**/figures/stream*", lambda route: route.abort())
    wall.route(FIGURES, changed(lambda told: full(told, lost=True)))

    wall.goto("/commission/")

    expect(wall.locator("header").get_by_role("status")).to_contain_text("平凉市 10:32 起不可达")
    expect(wall.locator(".city.unreachable")).to_have_count(1)
    expect(wall.locator(".callout")).to_have_text(re.compile("平凉市不可达.*停在 10:32", re.DOTALL))
    assert serious_faults(wall) == []
    wall.unroute(FIGURES)


def test_a_consumer_that_is_killed_counts_nothing_twice(province):
    client = client_of(province.home, hospital_of(province, LANZHOU).code)
    before = visits(province, LANZHOU, LANZHOU)
    for _ in range(3):
        pushed(client, visit_now(province, LANZHOU))
        if (consumer := province.pid(LANZHOU, "consumer")) is not None:
            os.kill(consumer, signal.SIGKILL)
        pushed(client, visit_now(province, LANZHOU))

    province.until_ready()
    for code in (LANZHOU, HUB):
        until(lambda node=code: visits(province, node, LANZHOU, COUNTED) == before + 6)


def test_who_is_not_signed_in_hears_no_stream(province):
    stream = province.home.node(HUB).variables()["STREAM_URL"] + "/api/v1/figures/stream"

    answer = HTTP.request("GET", stream)

    assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json")
