"""Processes that outlived their supervisor (it was killed, or the machine ran out of memory)."""

import contextlib
import signal
from pathlib import Path

import psutil

from config.cli.home import Home

MARK = "JIANQIAO_SUPERVISED"
SERVERS = frozenset({"postgres", "redis-server"})  # they write over their environment
PATIENCE_SECONDS = 20


def sweep(home: Home) -> int:
    """Stop every leftover process of this home; how many there were."""
    found = leftovers(home)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=PATIENCE_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    return len(found)


def leftovers(home: Home) -> list[psutil.Process]:
    """Processes started for this home: by their mark, servers by their working directory."""
    places = {
        (base / "nodes").resolve()
        for base in (home.path, home.elsewhere)
        if (base / "nodes").is_dir()
    }
    mark = str(home.path.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() in SERVERS:
                ours = not places.isdisjoint(Path(process.cwd()).parents)
            else:
                ours = process.environ().get(MARK) == mark
            if ours:
                found.append(process)
    return found
