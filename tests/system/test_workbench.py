"""A doctor's way through the workbench in a real browser, and without the hub."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from playwright.sync_api import Page, expect

from benchmarks.throwaway_province import HUB, until
from config.cli.demo_access import CLINICIAN
from config.model_province.population import Resident
from config.model_province.write_samples import HOME, cast, two_hospitals
from tests.pages.authenticator import one_time_code
from tests.pages.browser import DESKTOP, OVERFLOW, serious_faults, sign_in, visitor
from tests.pages.strangers import enrolled_elsewhere
from tests.system.people import new_residents, person_of
from tests.system.people import sign_in as signed_in_at
from tests.system.test_between_nodes import children

PHONE, PASSWORD = "13912340000", "residents-own-7"
WORDS = "车祸昏迷，须了解用药史"


@pytest.fixture(scope="module")
def stranger(province) -> tuple[Resident, str, str]:
    """A resident whom another hospital of the doctor's city knows: with the registration and a login."""
    [resident], seed = new_residents(HOME)
    registration = enrolled_elsewhere(province, resident, HOME, seed=seed)
    person_of(province, registration, HOME)
    user = {
        "login": f"resident-{resident.identity_number}", "secret": PASSWORD, "role": "resident",
        "identity_number": resident.identity_number, "phone": PHONE,
    }  # fmt: skip
    province.manage(HUB, "register_access", feed=json.dumps({"users": [user]}))
    return resident, registration, user["login"] or ""


def doctors_page(chromium, province, **options) -> Page:
    """The workbench at the doctor's city, signed in with password and one-time code."""
    url = province.url(HOME)
    users = province.endpoints["users"]
    user = next(one for one in users if (one["login"], one["url"]) == (CLINICIAN, url))
    page = visitor(chromium, url, viewport=DESKTOP, **options)
    page.goto("/workbench/")
    expect(page).to_have_url(re.compile(r"/workbench/sign-in"))
    sign_in(page, CLINICIAN, user["secret"], one_time_code(user))
    page.locator("#find").wait_for()
    return page


def look_for(page: Page, text: str) -> None:
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@contextmanager
def hub_away(province) -> Iterator[None]:
    """Nobody answers at the hub."""
    pid = province.pid(HUB, "web")
    stopped = [pid, *children(pid)]
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in reversed(stopped):
            os.kill(one, signal.SIGCONT)


def test_the_first_sign_in_sets_up_an_authenticator(chromium, province):
    login, password = "doctor-new", "doctors-own-7"
    user = {
        "login": login, "secret": password, "role": "clinician", "hospital": two_hospitals()[0].code,
    }  # fmt: skip
    province.manage(HUB, "register_access", feed=json.dumps({"users": [user]}))
    account = "SELECT 1 FROM accounts_account WHERE login = %s"
    until(lambda: province.rows(HOME, account, login))
    page = visitor(chromium, province.url(HOME), viewport=DESKTOP)
    page.goto("/workbench/sign-in")
    sign_in(page, login, password)

    expect(page.get_by_role("img", name="绑定用的二维码")).to_be_visible()
    faults = serious_faults(page)
    secret = page.locator(".secret").inner_text()
    page.locator("#code").fill("12")
    page.locator("form button[type=submit]").click()
    expect(page.get_by_text("请输入 6 位数字")).to_be_visible()
    assert page.locator(".secret").inner_text() == secret
    code = one_time_code({"login": login, "url": "", "totp_secret": secret})
    page.locator("#code").fill(code or "")
    page.locator("form button[type=submit]").click()

    page.locator("#find").wait_for()
    assert faults == []
    page.get_by_role("button", name="退出登录").click()
    sign_in(page, login, password)
    expect(page.get_by_label("动态验证码")).to_be_visible()
    expect(page.locator(".secret")).to_have_count(0)
    page.context.close()


@pytest.mark.covers("S002-06")
def test_a_doctor_opens_a_patient_of_two_cities_by_the_keyboard(chromium, province):
    page = doctors_page(chromium, province)
    faults = [serious_faults(page)]
    patient = cast()[0][0]

    look_for(page, patient.name)
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.locator("tbody")).not_to_contain_text(patient.name)
    faults.append(serious_faults(page))
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text(patient.name)
    expect(page.locator(".banner")).to_contain_text("本院接诊")
    for hospital in two_hospitals():
        expect(page.locator(".visits").get_by_text(hospital.name).first).to_be_visible()
    expect(page.locator(".results strong").first).to_be_visible()
    newest = page.locator(".visits .chosen strong").inner_text()
    page.keyboard.press("j")
    expect(page.locator(".visits .chosen strong")).not_to_have_text(newest)
    page.keyboard.press("Enter")
    expect(page.locator("#visit")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    faults.append(serious_faults(page))
    page.get_by_role("button", name="深色").click()
    faults.append(serious_faults(page))
    assert page.evaluate(OVERFLOW) == 0

    assert faults == [[]] * 4
    assert str(patient.identity_number) not in page.url
    page.context.close()


def test_the_glass_is_broken_with_a_reason_and_the_person_sees_it(chromium, province, stranger):
    resident, registration, login = stranger
    page = doctors_page(chromium, province)
    look_for(page, resident.identity_number or "")
    page.get_by_role("link", name="去紧急调阅").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("您还不能查看这位患者")
    for words in ("近 365 天内", "第十五条", "病案科"):
        expect(page.locator(".refused")).to_contain_text(words)
    expect(page.locator("main")).not_to_contain_text(resident.name)
    faults = [serious_faults(page)]
    page.get_by_role("button", name="紧急调阅此人档案").click()
    expect(page.get_by_text("请选一个理由")).to_be_visible()
    page.get_by_label("意识不清").check()
    page.get_by_label("写明情况").fill(WORDS)
    page.get_by_role("button", name="紧急调阅此人档案").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(resident.name)
    expect(page.locator(".banner")).to_contain_text("紧急调阅 至")
    faults.append(serious_faults(page))
    page.context.close()

    until(lambda: PHONE in province.jianqiao("mailbox").stdout)
    letters = map(json.loads, province.jianqiao("mailbox", "--json").stdout.splitlines())
    (letter,) = [one for one in letters if one["phone"] == PHONE]
    assert letter["template"] == "emergency-access"
    assert letter["parameters"]["hospital"] == two_hospitals()[0].name
    words = "SELECT sealed FROM emergency_access_emergencyaccess WHERE registration_id = %s"
    [(sealed,)] = until(lambda: province.rows(HUB, words, registration))
    assert WORDS.encode() not in bytes(sealed)

    own = visitor(chromium, province.url(HUB), viewport=DESKTOP)
    answer = own.request.post(
        "/api/v1/session", data={"login": login, "password": PASSWORD},
        headers={"Origin": province.url(HUB)},
    )  # fmt: skip
    assert answer.ok, answer.text()
    own.goto("/record/access")
    expect(own.get_by_text("紧急调阅了您的档案").first).to_be_visible()
    expect(own.locator("main")).to_contain_text(two_hospitals()[0].name)
    own.context.close()
    assert faults == [[]] * 2


def test_without_the_hub_a_doctor_signs_in_and_sees_the_citys_part(province):
    registration = province.rows(
        HOME,
        "SELECT r.id FROM patients_patientregistration r"
        " JOIN organisations_organisation o ON o.id = r.organisation_id"
        " WHERE o.code = %s AND r.name = %s",
        two_hospitals()[0].code, cast()[0][0].name,
    )[0][0]  # fmt: skip
    path = f"/api/v1/patients/{registration}/record"

    with hub_away(province):
        doctor = signed_in_at(province, CLINICIAN, HOME)
        alone = doctor.json(path)
        search = doctor.post("/api/v1/patients/search", {"text": cast()[0][0].name})
    joined = until(lambda: (page := doctor.json(path))["missing"] == "" and page)

    assert len(orjson.loads(search.data)["items"]) == 1
    assert alone["missing"] == "hub-away"
    assert {one["node"] for one in alone["items"]} == {HOME}
    assert {one["node"] for one in joined["items"]} == {one.node for one in two_hospitals()}


def test_an_emergency_while_the_hub_is_away_is_told_when_it_is_back(province):
    [resident], seed = new_residents(HOME)
    registration = enrolled_elsewhere(province, resident, HOME, seed=seed)
    path = f"/api/v1/patients/{registration}"
    count = "SELECT count(*) FROM audit_auditrow WHERE registration_id = %s AND purpose = 'ETREAT'"

    with hub_away(province):
        doctor = signed_in_at(province, CLINICIAN, HOME)
        assert doctor.get(path).status == 403
        told = {"reason": "unconscious", "words": WORDS}
        assert doctor.post(f"{path}/emergency-access", told).status == 201
        assert doctor.json(f"{path}/record")["missing"] == "hub-away"

    until(lambda: province.rows(HUB, count, registration) >= [(2,)])
    done = (
        "SELECT d.state FROM events_eventdelivery d JOIN events_event e ON e.id = d.event_id"
        " JOIN emergency_access_emergencyaccess a ON a.id = e.subject_id"
        " WHERE a.registration_id = %s"
    )
    until(lambda: province.rows(HUB, done, registration) == [("done",)])
    assert until(lambda: (page := doctor.json(f"{path}/record"))["missing"] == "" and page)
