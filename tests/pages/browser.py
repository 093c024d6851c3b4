"""A real browser (the system's Chromium, nothing downloaded) and what tests and pictures do with it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from config.cli.home import PROJECT

NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = PROJECT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
PHONE: ViewportSize = {"width": 360, "height": 780}
TABLET: ViewportSize = {"width": 768, "height": 1024}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
WALL: ViewportSize = {"width": 1920, "height": 1080}
PATIENCE = 30_000
"""Milliseconds: the machine may be slow and busy, and nothing here is about speed."""

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""Pixels that hang over the right edge of a page."""

expect.set_options(timeout=PATIENCE)


class NoBrowser(Exception):
    """There is no Chromium on PATH: apt install chromium fonts-noto-cjk."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium; as root and in containers its own sandbox cannot start."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise NoBrowser
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield running
        finally:
            running.close()


def visitor(
    running: Browser, url: str, *, choices: dict[str, str] | None = None, **options: Any
) -> Page:
    """A page of a new visitor; `choices` are what the person chose on this device before."""
    context: BrowserContext = running.new_context(
        base_url=url, locale="zh-CN", timezone_id="Asia/Shanghai", **options
    )
    context.set_default_timeout(PATIENCE)
    for name, value in (choices or {}).items():
        context.add_init_script(f"localStorage.setItem('jianqiao.{name}', '{value}')")
    return context.new_page()


def sign_in(page: Page, login: str, secret: str, code: str | None = None) -> None:
    """Sign in by hand, from whatever page led to the form; staff are asked for a code too."""
    page.locator("#login").fill(login)
    page.locator("#password").fill(secret)
    page.locator("form button[type=submit]").click()
    if code is not None:
        page.locator("#code").fill(code)
        page.locator("form button[type=submit]").click()


def sign_in_by_password(page: Page, login: str, secret: str) -> None:
    """Sign in as a resident who does so with a login, from the page that asks for the phone."""
    page.locator("a[href*='/sign-in/password']").click()
    sign_in(page, login, secret)


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out: rule, and the first place."""
    # Evaluated through the debugger, which the page's own policy does not hold.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]
