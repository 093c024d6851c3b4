"""A resident from the first code to a number given back, on a phone's screen, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from benchmarks.throwaway_province import Province, until
from config.model_province.population import Resident
from tests.pages.browser import OVERFLOW, PHONE, serious_faults
from tests.system.numbers import book, published, tomorrow
from tests.system.people import (
    accounts_of,
    code_sent_to,
    enrol,
    hospital_of,
    new_residents,
    person_of,
    visit_bundle,
)
from tests.system.people import (
    visit as push_visit,
)
from tests.system.test_homes import FIRST, SECOND

DOCTOR = 30
"""The place of a doctor for whom the demo opens no numbers."""


def is_measured(bundle) -> bool:
    """Whether the visit has a result with a number, of which the page shows the trend."""
    return any("valueQuantity" in entry["resource"] for entry in bundle["entry"])


@pytest.fixture(scope="module")
def somebody(province: Province) -> Resident:
    """Somebody with measured results in two cities, known to the index and to no account."""
    residents, seed = new_residents(FIRST, 40)
    resident = next(
        one for one in residents
        if all(is_measured(visit_bundle(hospital_of(province, city), one, seed)) for city in (FIRST, SECOND))
    )  # fmt: skip
    persons = {
        person_of(province, enrol(province, resident, city, seed)) for city in (FIRST, SECOND)
    }
    assert len(persons) == 1
    for city in (FIRST, SECOND):
        push_visit(province, resident, city, seed)
    return resident


@pytest.fixture(scope="module")
def bound(province: Province, chromium) -> tuple[Resident, str]:
    """Somebody else with an account and a password, and its secret."""
    (resident,), seed = new_residents(FIRST)
    person_of(province, enrol(province, resident, FIRST, seed))
    accounts_of(province, [resident])
    return resident, "residents-own-7"


def looked_at(page: Page) -> None:
    """The page keeps nobody out and nothing hangs over its edge."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".skeleton")).to_have_count(0)
    assert (page.url, serious_faults(page)) == (page.url, [])
    assert (page.url, page.evaluate(OVERFLOW)) == (page.url, 0)


def asked(page: Page, question: str) -> None:
    """The step of that question is here; who looks at it finds no fault."""
    expect(page.get_by_role("heading", level=1)).to_have_text(question)
    looked_at(page)


def signed_in_by_phone(page: Page, province: Province, phone: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("您的手机号").fill(phone)
    page.get_by_role("button", name="获取验证码").click()
    asked(page, "填写验证码")
    code = code_sent_to(province, phone)
    page.get_by_label("6 位验证码").fill(f"{(int(code) + 1) % 1_000_000:06}")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("验证码不对")
    expect(page.get_by_label("6 位验证码")).to_be_focused()
    looked_at(page)
    page.get_by_label("6 位验证码").fill(code)
    page.get_by_role("button", name="登录").click()


def bound_to(page: Page, resident: Resident) -> None:
    asked(page, "您是哪一位？")
    page.get_by_label("姓名").fill("错名字")
    page.get_by_label("证件号码").fill(str(resident.identity_number))
    page.get_by_role("button", name="确定是我").click()
    expect(page.get_by_role("alert")).to_contain_text("没有对上")
    page.get_by_label("姓名").fill(resident.name)
    page.get_by_role("button", name="确定是我").click()


def chosen(page: Page, city: str, hospital, doctor) -> None:
    """From the first question of booking to the page that shows all answers."""
    asked(page, "去哪个城市看？")
    page.get_by_role("link", name=city).click()
    asked(page, "去哪家医院？")
    page.get_by_role("link", name=hospital.name).click()
    asked(page, "看哪个科？")
    page.get_by_role("link", name=hospital.departments[doctor.department]).click()
    asked(page, "哪天、哪位医生？")
    day = f"{tomorrow().month}月{tomorrow().day}日"
    page.get_by_role("radio", name=re.compile(f"^{day}")).check(force=True)
    page.get_by_role("link", name=doctor.name).click()
    asked(page, "什么时间去？")
    expect(page.get_by_role("button", name="下一步")).to_be_disabled()
    page.get_by_role("radio", name=re.compile("14:30–15:30")).check(force=True)
    page.get_by_role("button", name="下一步").click()
    asked(page, "请核对一遍")


@pytest.mark.covers("S000-58", "S000-60", "S000-61", "S001-15", "S002-48", "S003-07")
def test_from_the_first_code_to_a_number_given_back(visit, province, somebody):
    hospital = hospital_of(province, FIRST)
    doctor = hospital.practitioners[DOCTOR]
    published(province, hospital, "RP-1", 2, doctor=DOCTOR)
    page = visit(viewport=PHONE)

    signed_in_by_phone(page, province, somebody.phone)
    bound_to(page, somebody)
    expect(page.get_by_role("heading", name="最近一次就诊")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="我的", exact=True).click()
    expect(page.get_by_text("本人填报")).to_be_visible()
    looked_at(page)

    page.get_by_role("navigation", name="主导航").get_by_role("link", name="档案").click()
    for city in (FIRST, SECOND):
        expect(
            page.locator(".days").get_by_text(hospital_of(province, city).name).first
        ).to_be_visible()
    looked_at(page)
    page.get_by_role("button", name=re.compile("(结果|正常).*展开")).first.click()
    trend = page.locator("a[href*='/record/trend']").first
    name = trend.get_attribute("aria-label") or trend.inner_text()
    trend.click()
    expect(page.get_by_role("table")).to_be_visible()
    assert page.get_by_role("heading", level=1).inner_text() in name
    looked_at(page)

    page.goto("/")
    page.get_by_role("link", name="挂号 约医生的号").click()
    chosen(page, "兰州市", hospital, doctor)
    expect(page.locator("dl")).to_contain_text(f"{doctor.name}")
    page.get_by_role("button", name="确认挂号").click()
    asked(page, "约好了")
    expect(page.locator(".which strong")).to_have_text("1")
    with page.expect_download() as started:
        page.get_by_role("button", name="加到手机日历").click()
    entry = started.value.path().read_text(encoding="utf-8").replace("\r\n ", "")
    assert f"DTSTART:{tomorrow():%Y%m%d}T061500Z" in entry
    assert hospital.name in entry

    page.get_by_role("link", name="我的号").click()
    mine = page.get_by_role("link", name=doctor.name)
    expect(mine).to_have_count(1)
    looked_at(page)
    page.reload()
    expect(mine).to_have_count(1)
    page.goto("/")
    expect(page.get_by_role("heading", name="明天 看医生")).to_be_visible()

    page.goto("/numbers")
    mine.click()
    page.get_by_role("button", name="取消预约").click()
    expect(page.get_by_role("dialog")).to_contain_text("第 1 号会让给别人")
    looked_at(page)
    page.get_by_role("button", name="不取消，留着").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="取消预约").click()
    page.get_by_role("button", name="取消这个号").click()
    expect(page.get_by_text("这个号已经取消")).to_be_visible()
    looked_at(page)
    page.goto("/numbers")
    expect(page.get_by_role("link", name=doctor.name)).to_contain_text("已取消")


def test_each_refusal_says_what_to_do(visit, province, bound):
    resident, secret = bound
    hospital = hospital_of(province, FIRST)
    doctor = hospital.practitioners[DOCTOR + 1]
    schedule = published(province, hospital, "RP-2", 1, doctor=DOCTOR + 1)
    (other,), seed = new_residents(FIRST)
    person_of(province, enrol(province, other, FIRST, seed))
    (rival,) = accounts_of(province, [other])
    page = visit(viewport=PHONE)
    page.goto("/sign-in/password?next=/book")
    page.locator("#login").fill(f"resident-{resident.identity_number}")
    page.locator("#password").fill(secret)
    page.get_by_role("button", name="登录", exact=True).click()
    chosen(page, "兰州市", hospital, doctor)
    summary = page.url

    def away(route: Route) -> None:
        route.fulfill(
            status=503, content_type="application/problem+json",
            json={"type": "urn:problem:city-unreachable", "status": 503, "title": ""},
        )  # fmt: skip

    page.route("**/api/v1/appointments", away)
    page.get_by_role("button", name="确认挂号").click()
    expect(page.get_by_role("alert")).to_contain_text("兰州市没有回音，不知道约上没有")
    expect(page.get_by_role("alert")).to_be_focused()
    looked_at(page)
    page.unroute("**/api/v1/appointments")
    page.get_by_role("button", name="再试一次").click()
    asked(page, "约好了")

    page.goto(re.sub("key=.*", "key=another-key-1", summary))
    page.get_by_role("button", name="确认挂号").click()
    expect(page.get_by_role("alert")).to_contain_text("这半天您已经约过了")
    page.get_by_role("alert").get_by_role("link", name="我的号").click()
    page.get_by_role("link", name=doctor.name).click()
    page.get_by_role("button", name="取消预约").click()
    page.get_by_role("button", name="取消这个号").click()
    expect(page.get_by_text("这个号已经取消")).to_be_visible()

    until(lambda: rival.json(f"/api/v1/schedules/{schedule}")["left"] == 1)
    page.goto(re.sub("key=.*", "key=another-key-2", summary))
    expect(page.get_by_role("button", name="确认挂号")).to_be_visible()
    assert book(rival, schedule, "rival-0001")[0] == 201
    page.get_by_role("button", name="确认挂号").click()
    expect(page.get_by_role("alert")).to_contain_text("这个时间刚刚约满了")
    page.get_by_role("link", name="换个时间").click()
    asked(page, "什么时间去？")
    until(lambda: rival.json(f"/api/v1/schedules/{schedule}")["left"] == 0)
    page.reload()
    expect(page.get_by_text("这天约满了")).to_be_visible()


def test_who_is_not_bound_is_asked_who_it_is(visit, province):
    page = visit(viewport=PHONE)
    signed_in_by_phone(page, province, "13800001234")
    asked(page, "您是哪一位？")
    page.get_by_role("link", name="以后再说").click()
    expect(page.get_by_role("heading", name="先说说您是谁")).to_be_visible()
    looked_at(page)
    for address in ("/book", "/numbers", "/record"):
        page.goto(address)
        expect(page).to_have_url(re.compile(rf"/bind\?next={address}$"))
    page.goto("/me")
    expect(page.get_by_text("未实名")).to_be_visible()
