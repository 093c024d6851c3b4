"""A resident's way through the pages in a real browser, and what would keep somebody out."""

import re

import pytest
from playwright.sync_api import expect

from benchmarks.throwaway_province import HUB
from config.model_province.write_samples import cast, two_hospitals
from tests.pages.authenticator import one_time_code
from tests.pages.browser import (
    DESKTOP,
    OVERFLOW,
    PHONE,
    TABLET,
    serious_faults,
    sign_in,
    sign_in_by_password,
)

RESIDENTS = {
    "sign-in": "/sign-in",
    "home": "/",
    "book": "/book",
    "numbers": "/numbers",
    "record": "/record",
    "access": "/record/access",
    "me": "/me",
}


@pytest.fixture
def secret_of(province):
    """Password of somebody at the hub."""
    return {
        user["login"]: user["secret"]
        for user in province.endpoints["users"]
        if user["url"] == province.url(HUB)
    }


@pytest.fixture
def code_of(province):
    """A fresh one-time code of somebody of the staff at the hub."""

    def fresh(login: str) -> str | None:
        users = province.endpoints["users"]
        url = province.url(HUB)
        return one_time_code(next(u for u in users if (u["login"], u["url"]) == (login, url)))

    return fresh


def test_a_resident_signs_in_and_finds_the_records_of_two_cities(visit, secret_of):
    page = visit(viewport=PHONE)
    page.goto("/record")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/record$"))
    sign_in_by_password(page, "resident", "wrong-horse-1")
    expect(page.get_by_role("alert")).to_have_text("账号或密码不对，请再看一看")
    expect(page.locator("#password")).to_be_focused()

    sign_in(page, "resident", secret_of["resident"])

    expect(page).to_have_url(re.compile("/record$"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    for hospital in two_hospitals():
        expect(page.locator(".days").get_by_text(hospital.name).first).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("localStorage.length + sessionStorage.length > 0")
    stored = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert secret_of["resident"] not in stored

    home = two_hospitals()[0]
    page.get_by_label("医院").select_option(home.code)
    expect(page).to_have_url(re.compile(f"hospital={home.code}"))
    expect(page.locator(".days").get_by_text(two_hospitals()[1].name)).to_have_count(0)
    expect(page.locator(".days").get_by_text(home.name).first).to_be_visible()
    page.reload()
    expect(page.locator(".days").get_by_text(home.name).first).to_be_visible()

    page.get_by_role("link", name="谁看过").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("谁看过我的档案")
    expect(page.get_by_text("您自己看了")).to_be_visible()

    page.get_by_role("link", name="我的").click()
    page.get_by_role("radio", name="English").check()
    expect(page.get_by_role("heading", level=1)).to_have_text("Me")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))
    page.goto("/record")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/record$"))


def test_the_keyboard_alone_leads_everywhere(visit, secret_of):
    page = visit(viewport=PHONE)
    page.goto("/sign-in/password")
    page.locator("#login").focus()
    page.keyboard.type("resident")
    page.keyboard.press("Tab")
    page.keyboard.type(secret_of["resident"])
    page.keyboard.press("Enter")
    expect(page.get_by_text(cast()[0][0].name).first).to_be_visible()
    page.goto("/record")
    page.locator(".foot").first.wait_for()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.locator("input[name=kind]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("kind=visits"))
    page.goto("/record")
    page.locator(".foot").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".foot").first).to_have_attribute("aria-expanded", "true")


@pytest.mark.covers("S003-06")
@pytest.mark.parametrize("choices", [{}, {"mode": "elder"}], ids=["standard", "elder"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_a_resident_keeps_anybody_out(visit, secret_of, choices, scheme):
    page = visit(viewport=PHONE, choices=choices, color_scheme=scheme)
    found = {}
    for name, address in RESIDENTS.items():
        page.goto(address)
        page.locator("main h1, main h2, h1").first.wait_for()
        page.wait_for_load_state("networkidle")
        found[name] = serious_faults(page)
        for size in (TABLET, DESKTOP, PHONE):
            page.set_viewport_size(size)
            assert page.evaluate(OVERFLOW) == 0, (name, size)
        if name == "sign-in":
            sign_in_by_password(page, "resident", secret_of["resident"])
            page.locator(".entrances").wait_for()

    assert found == {name: [] for name in RESIDENTS}


def test_a_node_that_is_away_says_so_and_what_to_quote(visit):
    page = visit(viewport=PHONE)
    page.route(
        "**/api/v1/session",
        lambda route: route.fulfill(
            status=503, json={"type": "urn:problem:storage-away", "status": 503},
            headers={"X-Request-Id": "0a1b2c3d4e5f"}, content_type="application/problem+json",
        ),
    )  # fmt: skip

    page.goto("/record")

    expect(page.get_by_role("alert")).to_contain_text("编号 storage-away · 0a1b2c3d")
    page.unroute("**/api/v1/session")
    page.get_by_role("button", name="再试一次").click()
    expect(page).to_have_url(re.compile(r"/sign-in\?next=/record$"))


def test_targets_of_the_large_type_are_a_finger_wide(visit, secret_of):
    page = visit(viewport=PHONE, choices={"mode": "elder"})
    page.goto("/")
    sign_in_by_password(page, "resident", secret_of["resident"])
    page.locator(".entrances").wait_for()

    small = page.evaluate("""
        [...document.querySelectorAll('a:not(.skip), button')]
          .map((one) => [one.textContent.trim(), one.getBoundingClientRect(),
                         parseFloat(getComputedStyle(one, '::after').height) || 0])
          .filter(([, box, after]) => Math.max(box.height, after) < 60 || box.width < 60)
          .map(([name]) => name)
    """)
    type_sizes = page.evaluate("""
        [...document.querySelectorAll('main *, nav *')]
          .filter((one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
          .map((one) => parseFloat(getComputedStyle(one).fontSize))
    """)

    assert small == []
    assert min(type_sizes) >= 18


@pytest.mark.parametrize(
    ("login", "address", "shown"),
    [("operator", "/workbench/", "登记号"), ("analyst", "/commission/institutions", "机构总数")],
)
def test_staff_sign_in_at_their_entry(visit, secret_of, code_of, login, address, shown):
    page = visit(viewport=DESKTOP)
    page.goto(address)
    assert serious_faults(page) == []
    sign_in(page, login, secret_of[login], code_of(login))

    expect(page.get_by_role("columnheader", name=shown)).to_be_visible()
    assert serious_faults(page) == []


def test_a_village_link_brings_the_sign_in_within_three_seconds(visit):
    page = visit(viewport=PHONE)
    link = page.context.new_cdp_session(page)
    link.send("Network.enable")
    link.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 100,
            "downloadThroughput": 50_000,
            "uploadThroughput": 12_500,
        },
    )

    page.goto("/sign-in")
    page.locator("#phone").wait_for()

    arrived = page.evaluate(
        "Math.max(...performance.getEntriesByType('resource').map((one) => one.responseEnd))"
    )
    assert arrived < 3_000
