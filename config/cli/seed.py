"""`jianqiao seed`: a synthetic population and what happened to it, in every started city."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from queue import SimpleQueue
from typing import Any

import click

from config.cli.failures import NotRunning, StepFailed
from config.cli.home import PROJECT, Home
from config.cli.language import said, tell
from config.model_province.activity import BEIJING

RESIDENTS, DAYS, SEED = 3_000, 30, 1


@dataclass(frozen=True, slots=True)
class Seeding:
    """What to make."""

    residents: int
    first: date
    last: date
    seed: int


@click.command(
    help=said(
        "生成虚构的居民及其就诊活动，写入每个已启动的市州；重复执行不会增加数据。",
        "Make fictional residents and their visits in every started city; a repeat adds nothing.",
    )
)
@click.option("--residents", type=click.IntRange(1), default=RESIDENTS, show_default=True)
@click.option("--days", type=click.IntRange(1, 3660), default=DAYS, show_default=True)
@click.option("--seed", type=int, default=SEED, show_default=True)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help=said("最后一天，默认为昨天。", "Last day; yesterday unless given."),
)
@click.pass_obj
def seed(home: Home, residents: int, days: int, seed: int, until: datetime | None) -> None:
    """Seed and say what was added."""
    began = time.monotonic()
    seeding = seeding_of(residents, days, seed, until.date() if until else None)
    done = seed_province(home, seeding)
    for city, counts in done.items():
        tell(
            f"{city}：新增 {counts['messages']} 条消息、{counts['resources']} 个资源，"
            f"已有 {counts['known']} 条",
            f"{city}: {counts['messages']} messages with {counts['resources']} resources added, "
            f"{counts['known']} known already",
        )
    seconds = time.monotonic() - began
    tell(f"用时 {seconds:.1f} 秒", f"{seconds:.1f} s")


def seeding_of(residents: int, days: int, seed: int, until: date | None = None) -> Seeding:
    """The days that end with a given one, or with yesterday."""
    last = until or datetime.now(BEIJING).date() - timedelta(days=1)
    return Seeding(residents, last - timedelta(days=days - 1), last, seed)


def seed_province(home: Home, seeding: Seeding) -> dict[str, dict[str, int]]:
    """Seed all started cities side by side; what each did."""
    cities = sorted(row["code"] for row in home.endpoints()["nodes"] if row["role"] == "city")
    if not cities or not home.is_held():
        raise NotRunning(
            "省平台没有运行；先运行 jianqiao up。",
            "The province does not run; run jianqiao up first.",
        )
    news: SimpleQueue[dict[str, Any]] = SimpleQueue()
    with ThreadPoolExecutor(min(len(cities), os.cpu_count() or 2)) as pool:
        jobs = [pool.submit(_seed_city, home, city, cities, seeding, news) for city in cities]
        _show_progress(news, len(jobs))
        return {city: job.result() for city, job in zip(cities, jobs, strict=True)}


def _seed_city(
    home: Home, city: str, cities: list[str], seeding: Seeding, news: SimpleQueue[dict[str, Any]]
) -> dict[str, int]:
    """Run the city's own process; its last line is the result."""
    words = [sys.executable, str(PROJECT / "manage.py"), "seed_city"]
    words += ["--cities", ",".join(cities), "--residents", str(seeding.residents)]
    words += ["--first", str(seeding.first), "--last", str(seeding.last)]
    words += ["--seed", str(seeding.seed)]
    result: dict[str, int] = {}
    try:
        with subprocess.Popen(  # noqa: S603
            words,
            cwd=PROJECT,
            env=home.node(city).environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            for line in child.stdout or ():
                said_now = json.loads(line)
                news.put({"city": city, **said_now})
                result = said_now.get("result", result)
    finally:
        news.put({"city": city, "ended": True})
    if child.returncode != 0 or not result:
        raise StepFailed(
            f"节点 {city}：seed_city 失败（退出码 {child.returncode}）。",
            f"Node {city}: seed_city failed (exit code {child.returncode}).",
        )
    return result


def _show_progress(news: SimpleQueue[dict[str, Any]], children: int) -> None:
    """One bar for all cities, until every child has ended."""
    totals: dict[str, int] = {}
    done: dict[str, int] = {}
    with click.progressbar(length=1, label=said("生成数据", "seed"), file=sys.stderr) as bar:
        for line in _until_ended(news, children):
            totals[line["city"]], done[line["city"]] = line["total"], line["done"]
            bar.length = max(sum(totals.values()), 1)
            bar.update(sum(done.values()) - bar.pos)


def _until_ended(news: SimpleQueue[dict[str, Any]], children: int) -> Iterator[dict[str, Any]]:
    while children:
        line = news.get()
        if "ended" in line:
            children -= 1
        elif "total" in line:
            yield line
