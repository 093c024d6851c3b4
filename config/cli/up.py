"""`jianqiao up`: start the province, in the foreground or detached."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from config.cli.failures import Failure, NotReady, failure_of
from config.cli.home import PROJECT, Home
from config.cli.language import said, spoken, tell
from config.cli.leftovers import MARK
from config.cli.memory import DEFAULT_CITIES, DEFAULT_PORT_BASE, Memory, remember
from config.cli.province import Province
from config.cli.reporting import Pipe, Reporter, Terminal, addresses
from config.cli.supervision import Supervisor
from config.cli.topology import Node, read_topology, started

TOPOLOGY = PROJECT / "topology.toml"


@dataclass(frozen=True)
class Wishes:
    """What the user asked for; what was not said is as last time."""

    cities: int | None = None
    port_base: int | None = None
    topology: Path | None = None


@click.command(
    help=said(
        "启动省平台：省级节点和若干市州节点。Ctrl-C 停止全部。",
        "Start the province: the hub and some cities. Ctrl-C stops all.",
    )
)
@click.option(
    "--cities",
    type=click.IntRange(min=0),
    help=said(
        f"启动 topology.toml 中前几个市州（首次默认 {DEFAULT_CITIES}，之后同上次）。",
        f"How many cities of topology.toml (first time {DEFAULT_CITIES}, then as last time).",
    ),
)
@click.option(
    "--port-base",
    type=click.IntRange(1024, 65000),
    help=said(
        f"第一个端口（首次默认 {DEFAULT_PORT_BASE}，之后同上次）。",
        f"First port (first time {DEFAULT_PORT_BASE}, then as last time).",
    ),
)
@click.option(
    "--detach",
    is_flag=True,
    help=said(
        "全部就绪后返回，在后台运行。", "Return when every node is ready; run in the background."
    ),
)
@click.option(
    "--topology",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="JIANQIAO_TOPOLOGY",
    help=said(
        "节点清单（默认项目中的 topology.toml）。", "List of nodes (default: topology.toml)."
    ),
)
@click.option("--report-to", type=int, hidden=True)
@click.pass_obj
def up(
    home: Home,
    cities: int | None,
    port_base: int | None,
    detach: bool,
    topology: Path | None,
    report_to: int | None,
) -> None:
    """Start; a detached start is this command again, reporting through a pipe."""
    wishes = Wishes(cities, port_base, topology.absolute() if topology else None)
    if detach:
        run_detached(home, wishes)
    elif report_to is not None:
        _run_reporting(home, wishes, Pipe(report_to))
    else:
        run(home, wishes)


def run(home: Home, wishes: Wishes, beside: Sequence[str] = ()) -> None:
    """Run the province in the foreground until Ctrl-C; once it is ready, also a command beside it."""
    asyncio.run(_serve(home, wishes, Terminal(), beside))
    tell("省平台已停止。", "The province has stopped.")


def run_detached(home: Home, wishes: Wishes) -> None:
    """Start the province in the background; return when every node is ready."""
    if home.is_held():
        with home.held():
            pass
    home.path.mkdir(parents=True, exist_ok=True)
    home.log.mkdir(mode=0o700, exist_ok=True)
    reading, writing = os.pipe()
    words = _jianqiao(home, "up")
    for name, value in (
        ("--cities", wishes.cities),
        ("--port-base", wishes.port_base),
        ("--topology", wishes.topology),
        ("--report-to", writing),
    ):
        if value is not None:
            words += [name, str(value)]
    with (home.log / "supervisor.log").open("ab") as log:
        child = subprocess.Popen(  # noqa: S603
            words,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,
        )
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="utf-8") as messages:
            _follow(home, child, (json.loads(line) for line in messages))
    except KeyboardInterrupt:
        tell("正在停止……", "Stopping…", err=True)
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise click.exceptions.Exit(130) from None


def _jianqiao(home: Home, *words: str) -> list[str]:
    """This command line again, on the same home in the same language."""
    program = [sys.executable, "-m", "config.cli.main"]
    return [*program, "--home", str(home.path), "--lang", spoken(), *words]


def _follow(home: Home, child: subprocess.Popen[bytes], messages: Any) -> None:
    terminal = Terminal()
    for message in messages:
        if "step" in message:
            terminal.step(*message["step"])
        elif "ready" in message:
            click.echo(addresses(message["ready"], message["seconds"]))
            return
        elif "failure" in message:
            child.wait()
            raise failure_of(message["exit_code"], *message["failure"])
    code = child.wait()
    raise NotReady(
        f"后台进程意外退出（{code}）；见 {home.log / 'supervisor.log'}",
        f"The background process ended unexpectedly ({code}); see {home.log / 'supervisor.log'}",
    )


def _run_reporting(home: Home, wishes: Wishes, pipe: Pipe) -> None:
    try:
        asyncio.run(_serve(home, wishes, pipe, ()))
    except Failure as failure:
        pipe.send({"failure": [failure.zh, failure.en], "exit_code": failure.exit_code})
        raise


async def _serve(home: Home, wishes: Wishes, report: Reporter, beside: Sequence[str]) -> None:
    with home.held():
        nodes, memory = plan(home, wishes)
        supervisor = Supervisor(home.log, on_line=report.line if report.shows_lines else None)
        province = Province(home, nodes, memory, report, supervisor)
        stop, hurry = asyncio.Event(), asyncio.Event()
        _listen(stop, hurry)
        try:
            await _until_stopped(province, stop, beside)
        finally:
            await province.stop(hurry)


def plan(home: Home, wishes: Wishes) -> tuple[list[Node], Memory]:
    """Which nodes to start on which ports: as asked for, else as last time."""
    memory = remember(home)
    memory.cities = memory.cities if wishes.cities is None else wishes.cities
    memory.port_base = wishes.port_base or memory.port_base
    memory.topology = str(wishes.topology or memory.topology or "")
    path = Path(memory.topology) if memory.topology else TOPOLOGY
    listed = read_topology(path, port_base=memory.port_base)
    return started(listed, memory.cities, os.environ), memory


def _listen(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """First signal: stop politely. Second: at once."""

    def asked() -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked)


async def _until_stopped(province: Province, stop: asyncio.Event, beside: Sequence[str]) -> None:
    stopping = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(province.start())
    try:
        await asyncio.wait({stopping, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return
        try:
            starting.result()
        except BaseExceptionGroup as group:
            raise first_failure(group) from None
        if beside:
            await _run_beside(province.home, beside, stopping)
        await stopping
    finally:
        starting.cancel()
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup, Failure):
            await starting


async def _run_beside(home: Home, words: Sequence[str], stopping: asyncio.Task[Any]) -> None:
    """Run one of our commands until its end or until we are told to stop; its failure is ours.

    A process in a group of its own, because neither a thread nor what it started can be ended from outside.
    """
    child = await asyncio.create_subprocess_exec(
        *_jianqiao(home, *words), cwd=PROJECT, env={**os.environ, MARK: str(home.path.resolve())},
        stdin=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip
    ending = asyncio.create_task(child.wait())
    await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    elif child.returncode:
        raise click.exceptions.Exit(child.returncode)
    else:
        click.echo()
        tell(
            "省平台继续运行；按 Ctrl-C 停止，数据会保留。",
            "The province goes on; Ctrl-C stops it, the data stay.",
        )
    await ending


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of the failures that happened side by side; the group when none of them is ours."""
    ours = group.subgroup(Failure)
    first: BaseException = ours or group
    while ours is not None and isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
