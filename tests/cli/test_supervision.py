"""The supervisor, with small real processes."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import psutil
import pytest

from config.cli import supervision
from config.cli.failures import NotReady
from config.cli.log_files import LogFile
from config.cli.supervision import Spec, State, Supervisor

SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\ntime.sleep(600)"
)
PARENT = (
    "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c',"
    " 'import time; time.sleep(600)'])\nprint(child.pid, flush=True)\nchild.wait()"
)
ALL = frozenset({"web"})


def spec(tmp_path, code, **changes):
    return Spec(
        "620000", "web", (sys.executable, "-c", code), {"PATH": os.defpath}, tmp_path, **changes
    )


@asynccontextmanager
async def supervised(tmp_path, one):
    supervisor = Supervisor(tmp_path)
    watched = supervisor.start(one)
    try:
        yield supervisor, watched
    finally:
        hurry = asyncio.Event()
        hurry.set()
        await supervisor.stop(ALL, hurry=hurry)


async def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_a_killed_process_is_restarted_and_the_log_says_so(tmp_path):
    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, SLEEPER)) as (supervisor, watched):
            await until(lambda: "up" in supervisor.tail("620000-web"))
            first = watched.pid
            os.kill(first, signal.SIGKILL)
            await until(lambda: watched.restarts == 1 and watched.pid not in {None, first})
            assert str(watched.state) == State.RUNNING
            assert watched.last_exit == -signal.SIGKILL
            assert "exit -9, restart in 0.2 s" in supervisor.tail("620000-web")
        assert str(watched.state) == State.STOPPED
        assert watched.pid is None

    asyncio.run(scenario())


BEATING = (
    "import pathlib, sys, time\nheartbeat, hush = map(pathlib.Path, sys.argv[1:])\n"
    "while not hush.exists():\n    heartbeat.touch()\n    time.sleep(0.02)\n"
    "print('silent', flush=True)\ntime.sleep(600)"
)


def beating(tmp_path, hush):
    file = tmp_path / "heartbeat"
    one = spec(tmp_path, BEATING, heartbeat=file)
    return replace(one, argv=(*one.argv, str(file), str(hush)))


def test_a_process_that_hangs_is_restarted(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(supervision, "SILENT_LOOKS", 30)  # more than a busy machine holds it up
    hush = tmp_path / "hush"

    async def scenario():
        async with supervised(tmp_path, beating(tmp_path, hush)) as (supervisor, watched):
            await until(lambda: watched.last_beat)
            hush.touch()
            await until(lambda: watched.restarts == 1)
            said = supervisor.tail("620000-web")
            assert said.index("silent") < said.index("no heartbeat for 30 looks, killed")
            assert watched.last_exit == -signal.SIGKILL

    asyncio.run(scenario())


def test_what_beats_is_left_alone_and_an_old_beat_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(supervision, "SILENT_LOOKS", 5)
    file = tmp_path / "heartbeat"
    file.touch()
    os.utime(file, (1, 1))

    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, SLEEPER, heartbeat=file)) as (_, watched):
            assert watched.last_beat == 0
            for _ in range(50):
                file.touch()
                await asyncio.sleep(0.02)
            assert watched.last_beat
            assert watched.restarts == 0

    asyncio.run(scenario())


def test_a_process_that_cannot_be_started_is_tried_again(tmp_path, monkeypatch):
    refused = iter([True, True])

    class Scarce(subprocess.Popen):
        """No room for another process, twice."""

        def __init__(self, *words, **options):
            if next(refused, False):
                raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
            super().__init__(*words, **options)

    monkeypatch.setattr("config.cli.children.subprocess.Popen", Scarce)

    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, SLEEPER)) as (supervisor, watched):
            await until(lambda: "up" in supervisor.tail("620000-web").splitlines())
            assert (watched.restarts, watched.last_exit) == (2, None)
            assert supervisor.tail("620000-web").count("temporarily unavailable") == 2

    asyncio.run(scenario())


def test_a_terminal_that_is_gone_disturbs_nobody(tmp_path):
    shown = []

    def gone(one, line):
        shown.append(line)
        raise BrokenPipeError

    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, SLEEPER)) as (supervisor, watched):
            supervisor.on_line = gone
            await until(lambda: "up" in supervisor.tail("620000-web"))
            os.kill(watched.pid, signal.SIGKILL)
            await until(lambda: supervisor.tail("620000-web").splitlines().count("up") == 2)
            assert watched.restarts == 1

    asyncio.run(scenario())
    assert shown == ["up"]


def test_a_keeper_that_fails_says_why_and_leaves_no_process(tmp_path, monkeypatch):
    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, PARENT)) as (supervisor, watched):
            await until(lambda: supervisor.tail("620000-web").strip().isdecimal())
            grandchild = psutil.Process(int(supervisor.tail("620000-web")))
            monkeypatch.setattr(watched.child, "_read", lambda: 1 / 0)
            os.kill(watched.pid, signal.SIGKILL)
            with pytest.raises(ZeroDivisionError):
                await watched.keeper
            await until(lambda: _gone(grandchild))
            assert str(watched.state) == State.STOPPED
            assert "ZeroDivisionError" in supervisor.tail("620000-web")

    asyncio.run(scenario())


def test_a_log_that_cannot_be_written_disturbs_nobody(tmp_path):
    log = LogFile(tmp_path / "nowhere" / "x.log")

    log.write(b"lost\n")
    (tmp_path / "nowhere").mkdir()
    log.write(b"kept\n")
    log.close()

    assert log.tail(5) == "kept"


def test_what_a_dead_process_left_behind_goes_too(tmp_path):
    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, PARENT)) as (supervisor, watched):
            await until(lambda: supervisor.tail("620000-web").strip().isdecimal())
            grandchild = psutil.Process(int(supervisor.tail("620000-web")))
            os.kill(watched.pid, signal.SIGKILL)
            await until(lambda: _gone(grandchild))

    asyncio.run(scenario())


def test_a_polite_stop_waits_and_a_stubborn_process_is_killed(tmp_path):
    async def scenario():
        one = spec(tmp_path, STUBBORN, stop_within=0.3)
        async with supervised(tmp_path, one) as (supervisor, watched):
            await until(lambda: "up" in supervisor.tail("620000-web"))
            await supervisor.stop(ALL, hurry=asyncio.Event())
            assert str(watched.state) == State.STOPPED
            assert watched.last_exit == -signal.SIGKILL

    asyncio.run(scenario())


def test_crash_after_crash_is_not_ready_and_shows_the_end_of_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "PAUSES", (0.01,))

    async def scenario():
        one = spec(tmp_path, "raise SystemExit('no such table')")
        async with supervised(tmp_path, one) as (supervisor, watched):
            with pytest.raises(NotReady) as failed:
                await supervisor.until_ready(watched, lambda: False, within=30)
        assert "no such table" in failed.value.zh
        assert "620000-web" in failed.value.en

    asyncio.run(scenario())


def test_a_process_that_never_gets_ready_times_out(tmp_path):
    async def scenario():
        async with supervised(tmp_path, spec(tmp_path, SLEEPER)) as (supervisor, watched):
            with pytest.raises(NotReady, match=r"620000-web"):
                await supervisor.until_ready(watched, lambda: False, within=0.3)

    asyncio.run(scenario())


def test_a_command_runs_once_with_its_input(tmp_path):
    async def scenario():
        supervisor = Supervisor(tmp_path)
        code = "import sys; print(sys.stdin.read().upper()); raise SystemExit(3)"
        assert await supervisor.run(spec(tmp_path, code), b"secret word") == 3
        assert "SECRET WORD" in supervisor.tail("620000-web")

    asyncio.run(scenario())


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_children_die_with_a_killed_supervisor(tmp_path):
    code = (
        "import asyncio, os, sys\nfrom pathlib import Path\n"
        "from config.cli.supervision import Spec, Supervisor\n"
        "async def main():\n"
        f"    supervisor = Supervisor(Path({str(tmp_path)!r}))\n"
        f"    argv = (sys.executable, '-c', {SLEEPER!r})\n"
        f"    one = Spec('620000', 'web', argv, {{}}, Path({str(tmp_path)!r}))\n"
        "    watched = supervisor.start(one)\n"
        "    while 'up' not in supervisor.tail('620000-web'): await asyncio.sleep(0.05)\n"
        "    print(watched.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=60)

    assert [process for process in alive if not _gone(process)] == []


def test_a_log_that_has_grown_large_moves_aside(tmp_path, monkeypatch):
    monkeypatch.setattr("config.cli.log_files.KEEP_BYTES", 10)
    log = LogFile(tmp_path / "x.log")

    for line in (b"first line\n", b"second line\n", b"third\n"):
        log.write(line)
    log.close()

    assert (tmp_path / "x.log").read_bytes() == b"third\n"
    assert (tmp_path / "x.log.1").read_bytes() == b"second line\n"
    assert log.tail(5) == "third"


def _gone(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
