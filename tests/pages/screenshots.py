"""Pictures of every page and state, to be looked at: `make screenshots` writes var/screenshots/.

Against a demo that runs already: `python -m tests.pages.screenshots HOME`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route

from benchmarks.throwaway_province import HUB, Province, running_province
from config.cli.home import PROJECT, Home
from tests.pages import wall_pictures, workbench_screenshots
from tests.pages.authenticator import one_time_code
from tests.pages.browser import DESKTOP, PHONE, WALL, browser, sign_in, sign_in_by_password, visitor
from tests.pages.picture_states import SETTLED, answering, changed, failing, long_names, never

PORT_BASE = 26_000
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "elder": {"choices": {"mode": "elder"}},
    "largest": {"choices": {"mode": "elder", "zoom": "largest"}},
    "english": {"choices": {"language": "en"}},
}
PAGES = {
    "home": "/",
    "numbers": "/numbers",
    "record": "/record",
    "access": "/record/access",
    "me": "/me",
    "bind": "/bind",
}
NEXT = {"city": "hospital", "hospital": "department", "department": "doctor", "doctor": "time"}


def sold_out(page: dict[str, Any]) -> dict[str, Any]:
    """Nothing is left."""
    return {**page, "items": [{**one, "left": 0} for one in page["items"]]}


def unheard_city(cities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last city does not answer."""
    return [*cities[:-1], {**cities[-1], "heard": False}]


STATES: dict[str, Callable[[Route], None]] = {
    "loading": never,
    "error": failing,
    "offline": lambda route: route.abort(),
    "empty": changed(lambda page: {**page, "items": [], "next": None}),
    "partial": changed(
        lambda page: {**page, "unheard": [{"code": "620800", "name": "平凉市"}]}
    ),
    "long": changed(long_names),
}  # fmt: skip
READS = {
    "record": "**/timeline?*",
    "access": "**/access-log?*",
    "home": "**/timeline?*",
    "numbers": "**/me/appointments?*",
}
REFUSALS: dict[str, dict[str, Any]] = {
    "sold-out": {"status": 409},
    "already-booked": {"status": 409},
    "limit-reached": {"status": 409, "facts": {"limit": "most-open", "most": 3}},
    "city-unreachable": {"status": 503},
}


def main() -> None:
    """Take all pictures."""
    folder = PROJECT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as province, browser() as running:
        for look in LOOKS:
            _resident(running, province, look, folder)
            _booking(running, province, look, folder)
        _states(running, province, folder)
        _refusals(running, province, folder)
        _staff(running, province, folder)
        workbench_screenshots.take(running, province, folder)
    print(*sorted(path.name for path in folder.glob("*.png")), sep="\n")  # noqa: T201


@contextmanager
def demo() -> Iterator[Province]:
    """The demo whose home is named, or one of our own."""
    if len(sys.argv) > 1:
        yield Province(Home(Path(sys.argv[1])))
        return
    with running_province(port_base=PORT_BASE) as province:
        province.jianqiao("demo", "--no-wait", "--residents", "0")
        yield province


def signed_in(running: Browser, province: Province, login: str, start: str, **options: Any) -> Page:
    """A page where somebody of the demo signed in."""
    users = province.endpoints["users"]
    url = province.url(HUB)
    user = next(one for one in users if (one["login"], one["url"]) == (login, url))
    page = visitor(running, url, device_scale_factor=2, **options)
    page.goto(start)
    if login == "resident":
        sign_in_by_password(page, login, user["secret"])
    else:
        sign_in(page, login, user["secret"], one_time_code(user))
    page.wait_for_url(f"**{start}")
    page.locator("main h2, main table").first.wait_for()
    return page


def _resident(running: Browser, province: Province, look: str, folder: Path) -> None:
    page = visitor(running, province.url(HUB), viewport=PHONE, device_scale_factor=2, **LOOKS[look])
    page.goto("/sign-in")
    page.locator("#phone").fill("139")
    page.locator("form button[type=submit]").click()
    page.screenshot(path=folder / f"resident-sign-in-{look}.png")
    page.route("**/sign-in/codes", answering(202, {"valid_for": 300, "again_after": 60}))
    page.locator("#phone").fill("13912345678")
    page.locator("form button[type=submit]").click()
    page.locator("#code").wait_for()
    page.screenshot(path=folder / f"resident-sign-in-code-{look}.png")
    page.context.close()
    page = signed_in(running, province, "resident", "/", viewport=PHONE, **LOOKS[look])
    for name, address in PAGES.items():
        page.goto(address)
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=folder / f"resident-{name}-{look}.png")
    page.goto("/record?kind=results")
    page.locator("a.trend").first.click()
    page.locator("table").wait_for()
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=folder / f"resident-trend-{look}.png", full_page=True)
    page.goto("/record")
    page.locator(".foot").first.click()
    page.screenshot(path=folder / f"resident-visit-{look}.png", full_page=True)
    page.set_viewport_size(DESKTOP)
    page.goto("/record")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=folder / f"resident-record-desktop-{look}.png")
    page.context.close()


def _booking(running: Browser, province: Province, look: str, folder: Path) -> None:
    """Every step, the number, and how it is given back, so that the next look can begin again."""
    page = signed_in(running, province, "resident", "/", viewport=PHONE, **LOOKS[look])
    for step in _steps(page):
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=folder / f"resident-book-{step}-{look}.png")
    page.locator(".bottom button").click()
    page.wait_for_url("**/numbers/number?*")
    for name in ("booked", "home-coming", "numbers-coming"):
        address = {"home-coming": "/", "numbers-coming": "/numbers"}.get(name)
        here = page.url
        if address:
            page.goto(address)
        page.wait_for_timeout(2 * SETTLED)
        page.screenshot(path=folder / f"resident-{name}-{look}.png")
        page.goto(here)
    page.locator(".cancel").click()
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=folder / f"resident-cancel-{look}.png")
    page.locator("dialog .danger").click()
    page.locator(".gone").wait_for()
    page.screenshot(path=folder / f"resident-cancelled-{look}.png")
    page.context.close()


def _steps(page: Page) -> Iterator[str]:
    """Go from step to step; each is here when its name is given."""
    page.goto("/book")
    for step in ("city", "hospital", "department", "doctor"):
        page.locator("main li a").first.wait_for()
        yield step
        page.locator("main li a").first.click()
        page.wait_for_url(f"**/book/{NEXT[step]}?*")
    page.locator(".periods label:not(.full)").first.click()
    yield "time"
    page.locator(".bottom button").click()
    page.locator("dl").wait_for()
    yield "check"


def _refusals(running: Browser, province: Province, folder: Path) -> None:
    """What is told when a number is not booked; an empty city, and a day that is full."""
    page = signed_in(running, province, "resident", "/", viewport=PHONE)
    for step in _steps(page):
        summary = page.url
        if step == "doctor":
            page.route("**/schedules?*", changed(sold_out))
            page.reload()
            page.locator(".off").first.wait_for()
            page.screenshot(path=folder / "resident-book-doctor-full.png")
            page.unroute("**/schedules?*")
            page.goto(summary)
    for code, more in REFUSALS.items():
        problem = {"type": f"urn:problem:{code}", "title": "", **more}
        page.route("**/api/v1/appointments", answering(more["status"], problem))
        page.goto(summary)
        page.locator(".bottom button").click()
        page.get_by_role("alert").wait_for()
        page.screenshot(path=folder / f"resident-refused-{code}.png")
        page.unroute("**/api/v1/appointments")
    page.route("**/hospitals", answering(200, []))
    page.goto(summary.replace("/check", "/hospital"))
    page.locator(".empty").wait_for()
    page.screenshot(path=folder / "resident-book-hospital-empty.png")
    page.route("**/booking/cities", changed(unheard_city))
    page.goto("/book")
    page.locator(".off").wait_for()
    page.screenshot(path=folder / "resident-book-city-unheard.png")
    page.context.close()


def _states(running: Browser, province: Province, folder: Path) -> None:
    page = signed_in(running, province, "resident", "/", viewport=PHONE)
    for name, pattern in READS.items():
        for state, answer in STATES.items():
            page.route(pattern, answer)
            page.goto(PAGES[name])
            page.wait_for_timeout(2 * SETTLED)
            page.screenshot(path=folder / f"resident-{name}-{state}.png")
            page.unroute(pattern)
    page.goto("/nowhere")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=folder / "resident-not-found.png")
    page.context.close()


def _staff(running: Browser, province: Province, folder: Path) -> None:
    page = signed_in(running, province, "operator", "/workbench/", viewport=DESKTOP)
    page.screenshot(path=folder / "workbench-institutions.png")
    page.context.close()
    page = signed_in(running, province, "analyst", "/commission/institutions", viewport=DESKTOP)
    page.screenshot(path=folder / "commission-institutions.png")
    page.context.close()
    for look in ("light", "english"):
        page = signed_in(running, province, "analyst", "/commission/", viewport=WALL, **LOOKS[look])
        wall_pictures.take(page, folder, look)
        page.context.close()


if __name__ == "__main__":
    main()
