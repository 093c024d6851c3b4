"""Pictures of the workbench in every state; part of `make screenshots`."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize

from benchmarks.throwaway_province import Province
from config.cli.demo_access import CLINICIAN
from config.model_province.population import residents_of
from config.model_province.write_samples import HOME, SEED, cast, only_at_home
from tests.pages.authenticator import one_time_code
from tests.pages.browser import DESKTOP, sign_in, visitor
from tests.pages.picture_states import SETTLED, answering, changed, failing, long_names, never
from tests.pages.strangers import enrolled_elsewhere

WIDE: ViewportSize = {"width": 1600, "height": 1000}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "english": {"choices": {"language": "en"}},
}
RECORD = "**/api/v1/patients/*/record?*"
ALLERGIC = only_at_home()[0].name
SEARCH = "**/api/v1/patients/search"


def take(running: Browser, province: Province, folder: Path) -> None:
    """All pictures of the workbench."""
    stranger = next(one for one in residents_of(HOME, seed=SEED + 1) if one.identity_number)
    other = enrolled_elsewhere(province, stranger, HOME, seed=SEED + 1)
    for look, options in LOOKS.items():
        page = _opened(running, province, viewport=DESKTOP, **options)

        def picture(name: str, page: Page = page, look: str = look) -> None:
            page.wait_for_timeout(SETTLED)
            page.screenshot(path=folder / f"workbench-{name}-{look}.png")

        picture("search-start")
        _search(page, cast()[0][0].name[:1])
        picture("search")
        _search(page, "无此人")
        picture("search-none")
        _search(page, stranger.identity_number or "")
        picture("search-elsewhere")
        page.keyboard.press("?")
        picture("keys")
        page.keyboard.press("Escape")
        page.goto(f"/workbench/patient?id={other}")
        page.locator("form.emergency").wait_for()
        picture("refused")
        page.locator("form.emergency button[type=submit]").click()
        picture("refused-missing")
        for name, who in (("patient", cast()[0][0].name), ("patient-allergic", ALLERGIC)):
            _open(page, who)
            picture(name)
            page.set_viewport_size(WIDE)
            page.wait_for_timeout(SETTLED)
            page.screenshot(path=folder / f"workbench-{name}-wide-{look}.png", full_page=True)
            page.set_viewport_size(DESKTOP)
        page.context.close()
    _signing_in(running, province, folder)
    _states(running, province, folder)


def _signing_in(running: Browser, province: Province, folder: Path) -> None:
    """The second step of a sign-in, and the set-up before the first one."""
    offer = {
        "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "address": "otpauth://totp/Jianqiao%20620800:doctor?digits=6"
        "&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&issuer=Jianqiao%20620800&period=30",
    }
    for name in ("missing", "not-enrolled"):
        page = visitor(running, province.url(HOME), device_scale_factor=2, viewport=DESKTOP)
        page.goto("/workbench/sign-in")
        refusal = {"type": f"urn:problem:second-factor-{name}", "title": "", "status": 401}
        page.route("**/api/v1/session", answering(401, refusal))
        page.route("**/second-factor", answering(200, offer))
        sign_in(page, "doctor", "any-secret-1")
        page.locator("#code").wait_for()
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=folder / f"workbench-code-{name}.png", full_page=True)
        page.context.close()


def _states(running: Browser, province: Province, folder: Path) -> None:
    page = _opened(running, province, viewport=DESKTOP)
    states = {
        "loading": never,
        "error": failing,
        "empty": changed(lambda one: {**one, "items": [], "allergies": [], "next": None}),
        "partial": changed(lambda one: {**one, "allergies": [], "missing": "hub-away"}),
        "unheard": changed(lambda one: {**one, "unheard": [{"code": "620100", "name": "兰州市"}]}),
        "long": changed(long_names),
        "full": changed(full),
    }
    for name, answer in states.items():
        page.route(RECORD, answer)
        _open(page, cast()[0][0].name, settled=False)
        page.wait_for_timeout(3 * SETTLED)
        page.screenshot(path=folder / f"workbench-patient-{name}.png")
        page.unroute(RECORD)
    for name, answer in (("loading", never), ("error", failing)):
        page.route(SEARCH, answer)
        _search(page, "王", settled=False)
        page.wait_for_timeout(3 * SETTLED)
        page.screenshot(path=folder / f"workbench-search-{name}.png")
        page.unroute(SEARCH)
    page.context.close()


def full(page: dict[str, Any]) -> dict[str, Any]:
    """As much as a page holds: the same visits again in earlier years, and what is not borne."""
    items = [
        {
            **one,
            "id": f"{one['id']}-{ago}",
            "visit": one["visit"] and f"{one['visit']}-{ago}",
            "at": f"{int(one['at'][:4]) - ago}{one['at'][4:]}",
        }
        for ago in range(5)
        for one in page["items"]
    ]
    allergies = [
        {**items[0], "id": name, "kind": "AllergyIntolerance", "display": name}
        for name in ("青霉素类过敏", "碘造影剂过敏", "磺胺类过敏", "海鲜过敏")
    ]
    return {**page, "items": items, "allergies": allergies, "next": "x"}


def _opened(running: Browser, province: Province, **options: Any) -> Page:
    """A page where the doctor of the demo signed in at the city."""
    url = province.url(HOME)
    users = province.endpoints["users"]
    user = next(one for one in users if (one["login"], one["url"]) == (CLINICIAN, url))
    page = visitor(running, url, device_scale_factor=2, **options)
    page.goto("/workbench/")
    sign_in(page, CLINICIAN, user["secret"], one_time_code(user))
    page.locator("#find").wait_for()
    return page


def _search(page: Page, text: str, *, settled: bool = True) -> None:
    page.locator("#find").fill(text)
    page.keyboard.press("Enter")
    if settled:
        page.locator("main table, main .empty").first.wait_for()
        page.wait_for_load_state("networkidle")


def _open(page: Page, name: str, *, settled: bool = True) -> None:
    _search(page, name)
    page.locator("tbody a").first.click()
    page.locator("main.chart").wait_for()
    if settled:
        page.locator(".columns .visits").wait_for()
