"""Child processes of the supervisor: their output and their end, without polling.

asyncio's own subprocess waits until the last holder of the output pipe is gone, so a web server
that was killed would not be seen to end while its worker lives; here the two are apart.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
CHUNK = 65536
LAST_CHUNKS = 64


def launched(
    argv: Sequence[str | Path], *, death_signal: signal.Signals, owner: tuple[int, int] = (0, 0)
) -> list[str]:
    """The command that starts a program under an account (uid and gid, 0 to stay who we are).

    The program gets the signal when the thread that starts it ends (Linux).
    """
    numbers = (death_signal, os.getpid(), *owner)
    return [
        *(sys.executable, "-I", "-S", str(LAUNCHER)),
        *(str(int(number)) for number in numbers),
        *map(str, argv),
    ]


class Child:
    """A started process in its own process group, which dies with this process."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        death_signal: signal.Signals,
        owner: tuple[int, int],  # uid and gid, 0 to stay who we are
        on_output: Callable[[bytes], None],
        feed: bytes = b"",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_output = on_output
        self._ended = asyncio.Event()
        self._popen = subprocess.Popen(  # noqa: S603
            launched(argv, death_signal=death_signal, owner=owner),
            env=env,
            cwd=cwd,
            process_group=0,
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.pid = self._popen.pid
        assert self._popen.stdout is not None  # noqa: S101  it was asked for
        self._output = self._popen.stdout.fileno()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._read)
        self._watch()
        if feed and self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.write(feed)
                self._popen.stdin.close()

    async def end(self) -> int:
        """Wait for the end; the exit code, negative for a signal. Clears what is left over."""
        await self._ended.wait()
        code = self._popen.wait()
        try:
            for _ in range(LAST_CHUNKS):
                if not self._read():
                    break
        finally:
            self._loop.remove_reader(self._output)
            if self._popen.stdout is not None:
                self._popen.stdout.close()
            # What a dead process left in its group, such as a web server's worker, goes too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if not self._ended.is_set():
            self._popen.send_signal(number)

    def _read(self) -> bool:
        """Pass on what was said; whether there may be more."""
        try:
            chunk = os.read(self._output, CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._loop.remove_reader(self._output)
            return False
        self._on_output(chunk)
        return True

    def _watch(self) -> None:
        """Learn of the end from the kernel, or from a thread where it has no such service to give."""
        try:
            handle = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            threading.Thread(target=self._wait_aside, daemon=True).start()
            return

        def ended() -> None:
            self._loop.remove_reader(handle)
            os.close(handle)
            self._ended.set()

        self._loop.add_reader(handle, ended)

    def _wait_aside(self) -> None:
        self._popen.wait()
        with contextlib.suppress(RuntimeError):  # the loop may be gone
            self._loop.call_soon_threadsafe(self._ended.set)
