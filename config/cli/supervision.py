"""A small supervisor: starts processes, writes their logs, restarts what crashes, stops all.

It wakes when a process says something, ends, or a signal comes, and now and then to see whether one
hangs.
"""

import asyncio
import contextlib
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from config.cli.children import Child
from config.cli.failures import NotReady
from config.cli.log_files import LogFile
from config.cli.placement import Account

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before the n-th restart in a row
HEALTHY_AFTER = 10.0  # seconds of uptime after which crashes are counted anew
CRASHES_AT_START = 4
PROBE_SECONDS = 0.15
LOOK_SECONDS = 30.0  # between two looks at a heartbeat
SILENT_LOOKS = (
    20  # without a beat: the process hangs. Looks, for a laptop that slept beats no clock
)


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
    kind: str  # postgres, redis, web, worker, consumer; setup for one-off commands
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM  # sent when the supervisor itself is killed
    stop_within: float = 20.0
    last_resort: signal.Signals = signal.SIGKILL
    heartbeat: Path | None = None  # touched every few seconds while the process works

    @property
    def name(self) -> str:
        """How logs and `status` call it."""
        return f"{self.node}-{self.kind}"


@dataclass
class Supervised:
    """A process and its history."""

    spec: Spec
    state: State = State.STOPPED
    restarts: int = 0
    since: float = 0.0
    last_exit: int | None = None
    crashes: int = 0  # in a row
    unwanted: asyncio.Event = field(default_factory=asyncio.Event)
    child: Child | None = None
    keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self.child.pid if self.child else None

    @property
    def last_beat(self) -> float:
        """When it last showed that it works; 0 before it has since it was started."""
        try:
            at = self.spec.heartbeat.stat().st_mtime if self.spec.heartbeat else 0.0
        except FileNotFoundError:
            return 0.0
        return at if at > self.since > 0 else 0.0


class Supervisor:
    """Keeps processes alive until told to stop."""

    def __init__(self, log: Path, *, on_line: Callable[[Spec, str], None] | None = None) -> None:
        self.log = log
        self.on_line = on_line
        self.on_change: Callable[[], None] = lambda: None
        self.processes: dict[str, Supervised] = {}

    def start(self, spec: Spec) -> Supervised:
        """Keep a process alive from now on."""
        watched = Supervised(spec)
        self.processes[spec.name] = watched
        watched.keeper = asyncio.create_task(self._keep(watched), name=spec.name)
        return watched

    async def run(self, spec: Spec, feed: bytes = b"") -> int:
        """Run a process once, with this on its standard input; its exit code."""
        with contextlib.closing(self._log_of(spec)) as log:
            child = self._spawn(spec, log, feed)
            try:
                return await child.end()
            except asyncio.CancelledError:
                child.signal(signal.SIGKILL)
                await child.end()
                raise

    async def stop(self, kinds: frozenset[str], *, hurry: asyncio.Event) -> None:
        """Stop all processes of these kinds, politely, then not; at once when in a hurry."""
        chosen = [p for p in self.processes.values() if p.spec.kind in kinds]
        await asyncio.gather(*(self._stop(watched, hurry) for watched in chosen))

    async def until_ready(
        self, watched: Supervised, probe: Callable[[], bool], *, within: float
    ) -> None:
        """Wait until the probe (run in a thread) says yes; fail on repeated crashes or time-out."""
        deadline = time.monotonic() + within
        while not await asyncio.to_thread(probe):
            if watched.keeper is not None and watched.keeper.done():
                watched.keeper.result()
            crashed = watched.crashes >= CRASHES_AT_START
            if crashed or time.monotonic() > deadline:
                raise self._not_ready(watched, within, crashed=crashed)
            await asyncio.sleep(PROBE_SECONDS)

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines a process wrote."""
        return LogFile(self.log / f"{name}.log").tail(lines)

    async def _keep(self, watched: Supervised) -> None:
        try:
            with contextlib.closing(self._log_of(watched.spec)) as log:
                try:
                    while not watched.unwanted.is_set():
                        watched.last_exit = await self._run_until_end(watched, log)
                        if not watched.unwanted.is_set():
                            await self._pause(watched, log)
                except Exception:
                    self._note(watched, log, f"supervisor: gave up: {traceback.format_exc()}")
                    raise
        finally:
            watched.state = State.STOPPED
            self.on_change()

    async def _run_until_end(self, watched: Supervised, log: LogFile) -> int | None:
        """Start the process and wait for its end; not to get it started is a crash as well."""
        watched.since = time.time()
        try:
            watched.child = self._spawn(watched.spec, log)
        except OSError as error:  # no process or memory to be had, or its program is being replaced
            self._note(watched, log, f"supervisor: not started: {error}")
            return None
        watched.state = State.RUNNING
        self.on_change()
        watch = asyncio.create_task(self._end_when_silent(watched, watched.child, log))
        try:
            return await watched.child.end()
        finally:
            watch.cancel()
            watched.child = None

    async def _end_when_silent(self, watched: Supervised, child: Child, log: LogFile) -> None:
        """Kill a process that hangs; its keeper starts it again."""
        silent, last = 0, 0.0
        while watched.spec.heartbeat is not None:
            await asyncio.sleep(LOOK_SECONDS)
            beat = watched.last_beat
            silent, last = (silent + 1 if beat == last else 0), beat
            if silent >= SILENT_LOOKS:
                self._note(watched, log, f"supervisor: no heartbeat for {silent} looks, killed")
                child.signal(watched.spec.last_resort)
                return

    async def _pause(self, watched: Supervised, log: LogFile) -> None:
        if time.time() - watched.since > HEALTHY_AFTER:
            watched.crashes = 0
        pause = PAUSES[min(watched.crashes, len(PAUSES) - 1)]
        watched.crashes += 1
        watched.restarts += 1
        watched.state = State.RESTARTING
        self._note(watched, log, f"supervisor: exit {watched.last_exit}, restart in {pause:g} s")
        self.on_change()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watched.unwanted.wait(), pause)

    def _note(self, watched: Supervised, log: LogFile, note: str) -> None:
        log.write(f"{note}\n".encode())
        self._show(watched.spec, note)

    def _show(self, spec: Spec, line: str) -> None:
        """Pass a line on, until nobody reads any more (a closed terminal, `up | head`)."""
        if self.on_line is not None:
            try:
                self.on_line(spec, line)
            except OSError:
                self.on_line = None

    def _log_of(self, spec: Spec) -> LogFile:
        return LogFile(self.log / f"{spec.name}.log")

    def _spawn(self, spec: Spec, log: LogFile, feed: bytes = b"") -> Child:
        rest = b""

        def on_output(chunk: bytes) -> None:
            nonlocal rest
            log.write(chunk)
            if self.on_line is not None:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._show(spec, line.decode(errors="replace"))

        return Child(
            spec.argv,
            env=spec.env,
            cwd=spec.cwd,
            death_signal=spec.death_signal,
            owner=(spec.account.uid, spec.account.gid) if spec.account else (0, 0),
            on_output=on_output,
            feed=feed,
        )

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
            if watched.child is not None:
                watched.child.signal(number)
            await _wait(watched.keeper, seconds, hurry)
            if watched.keeper.done():
                return

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


async def _wait(keeper: asyncio.Task[None], seconds: float, hurry: asyncio.Event) -> None:
    """Wait for the end of a process; when the user is in a hurry only a moment."""
    impatience = asyncio.create_task(hurry.wait())
    await asyncio.wait({keeper, impatience}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    impatience.cancel()
    if not keeper.done() and hurry.is_set():
        await asyncio.wait({keeper}, timeout=0.5)
