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
from tests.pages import wall_pictures
from tests.pages.answers import changed, failing, never
from tests.pages.browser import DESKTOP, PHONE, WALL, browser, sign_in, visitor

PORT_BASE = 26_000
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "elder": {"choices": {"mode": "elder"}},
    "largest": {"choices": {"mode": "elder", "zoom": "largest"}},
    "english": {"choices": {"language": "en"}},
}
PAGES = {"home": "/", "record": "/record", "access": "/record/access", "me": "/me"}
LONG = "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿合奇县人民医院（县域医共体总院）"
SETTLED = 400


def long_names(page: dict[str, Any]) -> dict[str, Any]:
    """The longest names there are."""
    words = {"organisation": LONG, "display": LONG, "who": "买买提·吐尔逊·阿卜杜热合曼"}
    items = [{**one, **{n: text for n, text in words.items() if n in one}} for one in page["items"]]
    return {**page, "items": items}


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
READS = {"record": "**/timeline?*", "access": "**/access-log?*", "home": "**/timeline?*"}


def main() -> None:
    """Take all pictures."""
    folder = PROJECT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as province, browser() as running:
        for look in LOOKS:
            _resident(running, province, look, folder)
        _states(running, province, folder)
        _staff(running, province, folder)
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
    sign_in(page, login, user["secret"])
    page.wait_for_url(f"**{start}")
    page.locator("main h2, main table").first.wait_for()
    return page


def _resident(running: Browser, province: Province, look: str, folder: Path) -> None:
    page = visitor(running, province.url(HUB), viewport=PHONE, device_scale_factor=2, **LOOKS[look])
    page.goto("/sign-in")
    page.locator("#login").wait_for()
    page.screenshot(path=folder / f"resident-sign-in-{look}.png")
    page.context.close()
    page = signed_in(running, province, "resident", "/", viewport=PHONE, **LOOKS[look])
    for name, address in PAGES.items():
        page.goto(address)
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=folder / f"resident-{name}-{look}.png")
    page.goto("/record")
    page.locator(".foot").first.click()
    page.screenshot(path=folder / f"resident-visit-{look}.png", full_page=True)
    page.set_viewport_size(DESKTOP)
    page.goto("/record")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=folder / f"resident-record-desktop-{look}.png")
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
