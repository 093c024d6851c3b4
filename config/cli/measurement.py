"""Memory of process trees, as the kernel counts it."""

import contextlib
from pathlib import Path

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def resident_bytes(processes: list[psutil.Process]) -> int:
    """Sum of resident set sizes; shared pages count once per process."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def proportional_bytes(processes: list[psutil.Process]) -> int | None:
    """Sum of proportional set sizes: shared pages are divided; none where the kernel hides it."""
    total = 0
    for process in processes:
        try:
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        except FileNotFoundError:
            if not Path("/proc/self/smaps_rollup").exists():
                return None
            continue
        except ProcessLookupError:
            continue
        except PermissionError:
            return None
        for line in rollup.splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
                break
    return total


def processor_seconds(processes: list[psutil.Process]) -> float:
    """Processor time used so far."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total
