"""Pictures of the commission's wall: as the demo is, with a province full of figures, and in every state."""

import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.pages.browser import DESKTOP, WALL
from tests.pages.picture_states import changed, failing, never

SETTLED = 1_500
FIGURES = re.compile(r"/api/v1/figures(\?.*)?$")
FIRST_HOSPITAL = """
fetch('/api/v1/figures?city=620800').then((one) => one.json()).then((told) => told.places[0].code)
"""
FLOWS = (
    "visits",
    "booked",
    "cancelled",
    "registrations",
    "accepted",
    "refused",
    "resources",
    "persons",
)
SIZES = {
    "620100": 5210, "620200": 350, "620300": 402, "620400": 1018, "620500": 1980, "620600": 1102,
    "620700": 905, "620800": 1240, "620900": 842, "621000": 1320, "621100": 1405, "621200": 1310,
    "622900": 1496, "623000": 486,
}  # fmt: skip
NAMES = (
    "兰州市", "嘉峪关市", "金昌市", "白银市", "天水市", "武威市", "张掖市", "平凉市", "酒泉市", "庆阳市",
    "定西市", "陇南市", "临夏回族自治州", "甘南藏族自治州",
)  # fmt: skip
HOSPITALS = (
    "积石山保安族东乡族撒拉族自治县人民医院", "陇南市白龙江医院", "武都区中医医院", "庆阳市董志塬医院",
    "天水市渭河湾中心医院", "白银市铜城医院", "兰州市第一人民医院", "临夏州人民医院",
)  # fmt: skip


def full(answer: dict[str, Any], *, lost: bool = False) -> dict[str, Any]:
    """Fourteen cities in the middle of a Friday, one of them out of reach where `lost`."""
    chance = random.Random(7)  # noqa: S311
    now = datetime.fromisoformat(answer["at"]).replace(hour=10, minute=47, second=0)
    day = [_at(chance, minute) for minute in range(0, 1440, 10)]
    until = now - timedelta(seconds=2)
    places: list[dict[str, Any]] = [
        {"code": code, "name": name, "figures": _figures(size, 0.4, chance)}
        for (code, size), name in zip(SIZES.items(), NAMES, strict=True)
    ]
    total = {
        figure: sum(place["figures"][figure] for place in places) for figure in places[0]["figures"]
    }
    return {
        **answer, "at": now.isoformat(), "places": places, "total": total,
        "trend": [one for one in day if one["minute"] <= 640],
        "nodes": [
            {
                "code": code, "name": name, "behind_seconds": 23.0 if lost and code == "623000" else 2.0,
                "state": "unreachable" if lost and code == "620800"
                else "late" if lost and code == "623000" else "current",
                "until": (now - timedelta(minutes=15) if lost and code == "620800" else until).isoformat(),
            }
            for code, name in zip(SIZES, NAMES, strict=True)
        ],
        "before": [
            {
                **then, "trend": [_at(chance, minute) for minute in range(0, 1440, 10)],
                "total": {name: int(total[name] * chance.uniform(0.85, 1.1)) for name in FLOWS},
            }
            for then in answer["before"]
        ],
    }  # fmt: skip


def feeds(answer: dict[str, Any]) -> dict[str, Any]:
    """Hospitals of which some fall behind."""
    chance = random.Random(3)  # noqa: S311
    numbers = {
        "accepted": 96_400, "refused": 1_203, "resources_stored": 812_000, "patients": 61_000,
        "identified": 55_000, "within_a_day": 0.93, "completeness": 0.96,
        "by_rule": {"required": 611, "value-set": 402, "date": 190},
    }  # fmt: skip
    items = [
        {
            **numbers, "hospital": f"JQ{n:06d}", "name": name, "city": "620100",
            "within_a_day": chance.uniform(0.7, 1), "completeness": chance.uniform(0.85, 1),
            "identified": int(61_000 * chance.uniform(0.6, 1)),
            "last_accepted": "2026-01-02" if n == 4 else answer_day(answer),
        }
        for n, name in enumerate(HOSPITALS)
    ]  # fmt: skip
    return {"items": items, "total": numbers, "next": None}


def answer_day(answer: dict[str, Any]) -> str:
    """A day on which something was heard."""
    days = [one["last_accepted"] for one in answer["items"] if one["last_accepted"]]
    return max(days, default="2026-01-01")


def take(page: Page, folder: Path, look: str) -> None:
    """All pictures of the wall; `page` is signed in at the wall, 1920×1080."""
    hospital = page.evaluate(FIRST_HOSPITAL)
    places = {"province": "", "city": "?city=620800", "hospital": f"?hospital={hospital}",
              "not-joined": "?city=620900"}  # fmt: skip
    for name, address in places.items():
        for size, viewport in {"": WALL, "-laptop": DESKTOP}.items():
            page.set_viewport_size(viewport)
            page.goto(f"/commission/{address}")
            page.wait_for_timeout(SETTLED)
            path = folder / f"commission-{name}{size}-{look}.png"
            page.screenshot(path=path, full_page=viewport is DESKTOP)
    page.set_viewport_size(WALL)
    page.get_by_role("link", name=re.compile("^(全省|Province|Back)")).first.click()
    page.locator("#figure-visits").wait_for()
    page.locator(".strip button").first.click()
    page.screenshot(path=folder / f"commission-definition-{look}.png")
    page.route("**/figures/stream*", lambda route: route.abort())
    page.route("**/api/v1/intake?*", changed(feeds))
    states = {
        "full": changed(full), "lost": changed(lambda told: full(told, lost=True)), "loading": never,
        "error": failing, "offline": lambda route: route.abort(),
    }  # fmt: skip
    for name, answer in states.items():
        page.route(FIGURES, answer)
        for colour in ("visits", "share") if name in {"full", "lost"} else ("visits",):
            page.goto(f"/commission/?colour={colour}")
            page.wait_for_timeout(SETTLED)
            page.screenshot(path=folder / f"commission-{name}-{colour}-{look}.png")
        page.unroute(FIGURES)


def _at(chance: random.Random, minute: int) -> dict[str, int]:
    hours = minute / 60
    load = max(0.02, 1.4 - ((hours - 10) / 2.4) ** 2, 1.0 - ((hours - 15.5) / 2.2) ** 2)
    return {
        "minute": minute, "visits": int(700 * load * chance.uniform(0.9, 1.1)),
        "booked": int(500 * load * chance.uniform(0.8, 1.2)), "cancelled": int(20 * load),
        "registrations": int(90 * load), "accepted": int(9_000 * load * chance.uniform(0.95, 1.05)),
        "refused": int(40 * load), "resources": int(50_000 * load),
        "persons": int(60 * load * chance.uniform(0.6, 1.4)),
    }  # fmt: skip


def _figures(size: int, share: float, chance: random.Random) -> dict[str, int]:
    return {
        "visits": int(size * 1.3), "booked": int(size * chance.uniform(0.8, 1.2)), "cancelled": size // 20,
        "registrations": size // 8, "accepted": size * 12, "refused": size // 900, "resources": size * 90,
        "persons": size // 12, "taken": int(size * chance.uniform(0.5, 0.9)),
        "free": int(size * share * chance.uniform(0.3, 1)), "free_coming": size * 5,
    }  # fmt: skip
