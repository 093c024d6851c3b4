"""`jianqiao demo traffic`: visits and bookings as on any day, through the public doors, so that pages move."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random

import click
import urllib3

from config.cli.demo_access import demo_hospitals, hub_of
from config.cli.failures import NotRunning
from config.cli.home import Home, read_json, write_json
from config.cli.hospital_client import HospitalClient, client_of
from config.cli.language import said, tell
from config.cli.node_process import manage
from config.cli.resident_client import ResidentClient
from config.cli.seed import SEED
from config.model_province import day
from config.model_province.activity import AWAY, BEIJING, visit_to
from config.model_province.bundles import as_bytes, bundle_of, enrolment_of
from config.model_province.chance import chance_of
from config.model_province.population import Resident, residents_of
from config.model_province.registrations import Habit, habit_of
from config.model_province.sources import Hospital

RATE = 30.0
BOOKINGS_SHARE = 0.4
PATIENTS, BOOKERS = 400, 5
"""Residents of each city who may come to a hospital, and who book."""

GIVEN_BACK = 0.2
"""How often somebody who comes to book gives a number back instead."""

ADULT = 18
CODES_EVERY = 65.0
"""Seconds between two rounds of asking for codes: a phone gets one a minute."""


@dataclass
class Scene:
    """Who is there: hospitals with their systems, patients by city, and residents who book."""

    chance: Random
    hospitals: list[Hospital]
    systems: dict[str, HospitalClient]
    patients: dict[str, list[Resident]]
    bookers: list[ResidentClient]
    read_codes: Callable[[], dict[str, str]]
    sessions: Path
    codes_at: float = field(default=0.0)


@click.command(
    help=said(
        "持续产生就诊推送和预约挂号，按一天的忙闲变化；全部经公开接口。Ctrl-C 停止。",
        "Keep visits and bookings coming, busy and quiet as a day is, through the public doors. Ctrl-C stops.",
    )
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 6_000, min_open=True),
    default=RATE,
    show_default=True,
    help=said("每分钟事件数（全天平均）。", "Events a minute, on average over a day."),
)
@click.option(
    "--count", type=click.IntRange(1), help=said("若干事件后结束。", "End after so many events.")
)
@click.option("--seed", type=int, help=said("随机种子。", "Seed of who does what."))
@click.pass_obj
def traffic(home: Home, rate: float, count: int | None, seed: int | None) -> None:
    """Until somebody stops it."""
    done: Counter[str] = Counter()
    try:
        scene = _set(home, Random(seed))  # noqa: S311  who comes, no secrets
        for step in islice(_steps(scene, rate), count):
            done[step(scene)] += 1
    except KeyboardInterrupt:
        click.echo()
    tell(
        f"共推送就诊 {done['pushed']}，预约 {done['booked']}，取消 {done['cancelled']}，未成 {done['refused']}",
        f"{done['pushed']} visits pushed, {done['booked']} numbers booked, {done['cancelled']} given back,"
        f" {done['refused']} refused",
    )


def _set(home: Home, chance: Random) -> Scene:
    """Everybody in place; those who book are on file at the hospital of their city."""
    hospitals = demo_hospitals(home)
    if not hospitals or not home.is_held() or not home.endpoints()["clients"]:
        raise NotRunning(
            "演示省平台没有运行；先运行 make demo 或 jianqiao demo --no-wait。",
            "The demo does not run; run make demo or jianqiao demo --no-wait first.",
        )
    hub = hub_of(home)
    pool = urllib3.PoolManager(retries=False, timeout=30)
    sessions = read_json(home.traffic_file)
    scene = Scene(
        chance, hospitals, {}, {}, [], lambda: _codes(home, hub["code"]), home.traffic_file
    )
    for hospital in hospitals:
        system = scene.systems[hospital.code] = client_of(home, hospital.code)
        people = list(islice(residents_of(hospital.node, seed=SEED), PATIENTS))
        bookers = [one for one in people if _books(one, hospital)][:BOOKERS]
        bundle = enrolment_of(bookers, hospital, number=0, seed=SEED)
        system.post("/fhir/R4", as_bytes(bundle), message_id=bundle["identifier"]["value"])
        scene.patients[hospital.node] = people
        scene.bookers += [
            ResidentClient(hub["url"], one, pool, sessions.get(one.phone, "")) for one in bookers
        ]
    return scene


def _books(resident: Resident, hospital: Hospital) -> bool:
    """Whether a resident has a phone of their own and is known by the right number."""
    return (
        resident.age_on(datetime.fromtimestamp(time.time(), BEIJING).date()) >= ADULT
        and not resident.borrows_phone
        and habit_of(resident, hospital, seed=SEED) is Habit.CORRECT
    )


def _steps(scene: Scene, rate: float) -> Iterator[Callable[[Scene], str]]:
    """What happens next, each when its time has come."""
    while True:
        at = datetime.fromtimestamp(time.time(), BEIJING)
        visits = rate * (1 - BOOKINGS_SHARE) * day.pace(day.VISITS, at)
        bookings = rate * BOOKINGS_SHARE * day.pace(day.BOOKINGS, at)
        time.sleep(day.pause(scene.chance, visits + bookings))
        yield _visit if scene.chance.random() * (visits + bookings) < visits else _booking


def _visit(scene: Scene) -> str:
    """Somebody was at a hospital just now; its system pushes what was found."""
    now = datetime.fromtimestamp(time.time(), BEIJING)
    visit = None
    while visit is None:
        city = scene.chance.choice(list(scene.patients))
        resident = scene.chance.choice(scene.patients[city])
        others = [one for one in scene.hospitals if one.node != city]
        away = others and scene.chance.random() < AWAY
        hospital = scene.chance.choice(
            others if away else [one for one in scene.hospitals if one.node == city]
        )
        visit = visit_to(hospital, resident, now.date(), chance_of(now.timestamp(), resident.key))
    bundle = bundle_of(replace(visit, starts=now), seed=SEED)
    answer = scene.systems[hospital.code].post(
        "/fhir/R4", as_bytes(bundle), message_id=bundle["identifier"]["value"]
    )
    kinds = len(bundle["entry"])
    _say(
        f"{hospital.name} 推送就诊：{hospital.departments[visit.department]}，{kinds} 个资源",
        f"{hospital.name} pushes a visit: {hospital.departments[visit.department]}, {kinds} resources",
    )
    return "pushed" if answer.ok else "refused"


def _booking(scene: Scene) -> str:
    """Somebody takes a number, or gives one back."""
    _sign_in_those_who_are_not(scene)
    ready = [one for one in scene.bookers if one.token and one.bind()]
    if not ready:  # a phone gets a code a minute only
        return _visit(scene)
    booker = scene.chance.choice(ready)
    if scene.chance.random() < GIVEN_BACK:
        return _give_back(scene, booker)
    listed = booker.call("GET", f"/schedules?city={booker.resident.city}&limit=200")
    left = [one for one in listed.body["items"] if one["left"]] if listed.ok else []
    if not left:
        return "refused"
    schedule = scene.chance.choice(left)
    answer = booker.book(schedule["id"])
    if answer.ok:
        _say(
            f"居民预约：{schedule['hospital']['name']} {schedule['department']['name']} {schedule['day']}",
            f"A resident books: {schedule['hospital']['name']} {schedule['department']['name']} {schedule['day']}",
        )
        return "booked"
    return _give_back(scene, booker)  # most often the person has as many as the rules allow


def _give_back(scene: Scene, booker: ResidentClient) -> str:
    own = booker.call("GET", "/me/appointments?limit=200")
    standing = [one for one in own.body["items"] if one["status"] == "booked"] if own.ok else []
    if not standing:
        return "refused"
    appointment = scene.chance.choice(standing)
    if not booker.give_back(appointment["id"]).ok:
        return "refused"
    _say(
        f"居民取消：{appointment['hospital']['name']} {appointment['department']['name']} {appointment['day']}",
        f"A resident gives back: {appointment['hospital']['name']} {appointment['department']['name']} {appointment['day']}",
    )
    return "cancelled"


def _sign_in_those_who_are_not(scene: Scene) -> None:
    """By phone and code, all at once: the mailbox is read by a process of its own."""
    out = [one for one in scene.bookers if not one.token]
    if not out or time.monotonic() - scene.codes_at < CODES_EVERY:
        return
    scene.codes_at = time.monotonic()
    asked = [one for one in out if one.ask_for_code()]
    codes = scene.read_codes()
    for one in asked:
        if one.resident.phone in codes:
            one.sign_in(codes[one.resident.phone])
    write_json(scene.sessions, {one.resident.phone: one.token for one in scene.bookers})


def _codes(home: Home, hub: str) -> dict[str, str]:
    """The code of each phone in the development mailbox; the latest stands first there."""
    letters = map(json.loads, manage(home, hub, "read_mailbox").splitlines())
    codes: dict[str, str] = {}
    for letter in letters:
        codes.setdefault(letter["phone"], str(letter["parameters"].get("code", "")))
    return codes


def _say(zh: str, en: str) -> None:
    at = datetime.fromtimestamp(time.time(), BEIJING)
    click.echo(click.style(f"{at:%H:%M:%S}  ", dim=True) + said(zh, en))
