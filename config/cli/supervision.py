"""A small supervisor: starts processes, writes their logs, restarts what crashes, stops all.

It wakes only when a process says something, ends, or a signal comes; it never polls.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from config.cli.failures import NotReady
from config.cli.log_files import LogFile
from config.cli.placement import Account

LAUNCHER = Path(__file__).with_name("launch.py")
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before the n-th restart in a row
HEALTHY_AFTER = 10.0  # seconds of uptime after which crashes are counted anew
CRASHES_AT_START = 4
DRAIN_SECONDS = 0.5


class State(StrEnum):
    """What a supervised process is doing."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Spec:
    """One process to keep alive."""

    node: str
    kind: str  # postgres, redis, web, worker, consumer
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM  # sent when the supervisor itself is killed
    stop_within: float = 20.0
    last_resort: signal.Signals = signal.SIGKILL

    @property
    def name(self) -> str:
        """How logs and `status` call it."""
        return f"{self.node}-{self.kind}"


@dataclass
class Supervised:
    """A process and its history."""

    spec: Spec
    state: State = State.STOPPED
    pid: int | None = None
    restarts: int = 0
    since: float = 0.0
    last_exit: int | None = None
    crashes: int = 0  # in a row
    unwanted: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None


class Supervisor:
    """Keeps processes alive until told to stop."""

    def __init__(self, log: Path, *, on_line: Callable[[Spec, str], None] | None = None) -> None:
        self.log = log
        self.on_line = on_line
        self.on_change: Callable[[], None] = lambda: None
        self.processes: dict[str, Supervised] = {}

    async def start(self, spec: Spec) -> Supervised:
        """Start a process and keep it alive from now on."""
        watched = Supervised(spec)
        self.processes[spec.name] = watched
        started = asyncio.Event()
        watched.keeper = asyncio.create_task(self._keep(watched, started), name=spec.name)
        await started.wait()
        return watched

    async def run(self, spec: Spec, feed: bytes = b"") -> int:
        """Run a process once, with this on its standard input; its exit code."""
        log = LogFile(self.log / f"{spec.name}.log")
        process = await self._spawn(spec, stdin=asyncio.subprocess.PIPE)
        assert process.stdin is not None  # noqa: S101  it was asked for
        try:
            process.stdin.write(feed)
            process.stdin.close()
            await self._pump(spec, process, log)
            return await process.wait()
        finally:
            _signal(process, signal.SIGKILL)
            log.close()

    async def stop(self, kinds: frozenset[str], *, hurry: asyncio.Event) -> None:
        """Stop all processes of these kinds, politely, then not; at once when in a hurry."""
        chosen = [p for p in self.processes.values() if p.spec.kind in kinds]
        await asyncio.gather(*(self._stop(watched, hurry) for watched in chosen))

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines a process wrote."""
        return LogFile(self.log / f"{name}.log").tail(lines)

    async def _keep(self, watched: Supervised, started: asyncio.Event) -> None:
        spec, log = watched.spec, LogFile(self.log / f"{watched.spec.name}.log")
        try:
            while not watched.unwanted.is_set():
                process = await self._spawn(spec)
                watched.process, watched.pid = process, process.pid
                watched.state, watched.since = State.RUNNING, time.time()
                started.set()
                self.on_change()
                if watched.unwanted.is_set():  # asked to stop while it was being started
                    _signal(process, spec.stop_signal)
                pump = asyncio.create_task(self._pump(spec, process, log))
                watched.last_exit = await process.wait()
                await asyncio.wait({pump}, timeout=DRAIN_SECONDS)
                pump.cancel()
                _clear_group(process.pid)
                watched.process = watched.pid = None
                if not watched.unwanted.is_set():
                    await self._pause(watched, log)
        finally:
            watched.state, watched.pid = State.STOPPED, None
            started.set()
            log.close()
            self.on_change()

    async def _pause(self, watched: Supervised, log: LogFile) -> None:
        if time.time() - watched.since > HEALTHY_AFTER:
            watched.crashes = 0
        pause = PAUSES[min(watched.crashes, len(PAUSES) - 1)]
        watched.crashes += 1
        watched.restarts += 1
        watched.state = State.RESTARTING
        note = f"supervisor: exit {watched.last_exit}, restart in {pause:g} s"
        log.write(f"{note}\n".encode())
        if self.on_line:
            self.on_line(watched.spec, note)
        self.on_change()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watched.unwanted.wait(), pause)

    async def _spawn(
        self, spec: Spec, *, stdin: int = asyncio.subprocess.DEVNULL
    ) -> asyncio.subprocess.Process:
        account = spec.account
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            str(int(spec.death_signal)),
            str(os.getpid()),
            str(account.uid if account else 0),
            str(account.gid if account else 0),
            *spec.argv,
            cwd=spec.cwd,
            env=spec.env,
            process_group=0,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _pump(self, spec: Spec, process: asyncio.subprocess.Process, log: LogFile) -> None:
        assert process.stdout is not None  # noqa: S101  it was asked for
        rest = b""
        while chunk := await process.stdout.read(65536):
            with contextlib.suppress(OSError):  # a full disk must not stop the processes
                log.write(chunk)
            if self.on_line is None:
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.on_line(spec, line.decode(errors="replace"))

    async def _stop(self, watched: Supervised, hurry: asyncio.Event) -> None:
        watched.unwanted.set()
        if watched.keeper is None or watched.keeper.done():
            return
        watched.state = State.STOPPING
        self.on_change()
        for number, seconds in (
            (watched.spec.stop_signal, watched.spec.stop_within),
            (watched.spec.last_resort, 5.0),
            (signal.SIGKILL, 5.0),
        ):
            _signal(watched.process, number)
            await self._wait(watched.keeper, seconds, hurry)
            if watched.keeper.done():
                return

    async def _wait(self, keeper: asyncio.Task[None], seconds: float, hurry: asyncio.Event) -> None:
        impatience = asyncio.create_task(hurry.wait())
        done, _ = await asyncio.wait(
            {keeper, impatience}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        impatience.cancel()
        if keeper not in done and hurry.is_set():
            await asyncio.wait({keeper}, timeout=0.5)

    async def until_ready(
        self, watched: Supervised, probe: Callable[[], bool], *, within: float, every: float = 0.15
    ) -> None:
        """Wait until the probe (run in a thread) says yes; fail on repeated crashes or time-out."""
        deadline = time.monotonic() + within
        while not await asyncio.to_thread(probe):
            crashed = watched.crashes >= CRASHES_AT_START
            if crashed or time.monotonic() > deadline:
                raise self._not_ready(watched, within, crashed=crashed)
            await asyncio.sleep(every)

    def _not_ready(self, watched: Supervised, within: float, *, crashed: bool) -> NotReady:
        name, file = watched.spec.name, self.log / f"{watched.spec.name}.log"
        tail = "\n".join(f"    {line}" for line in self.tail(name).splitlines())
        if crashed:
            return NotReady(
                f"{name} 启动后反复退出（退出码 {watched.last_exit}）。{file} 末尾：\n{tail}",
                f"{name} exits again and again (code {watched.last_exit}). End of {file}:\n{tail}",
            )
        return NotReady(
            f"{name} 在 {within:.0f} 秒内没有就绪。{file} 末尾：\n{tail}",
            f"{name} was not ready within {within:.0f} s. End of {file}:\n{tail}",
        )


def _signal(process: asyncio.subprocess.Process | None, number: signal.Signals) -> None:
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


def _clear_group(leader: int) -> None:
    """Kill what a dead process left in its group, such as a web server's worker."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
