"""`jianqiao down`: stop the province and leave nothing behind."""

import signal
import time
from contextlib import suppress

import click
import psutil

from config.cli.failures import NotReady
from config.cli.home import Home, read_json
from config.cli.language import said, tell
from config.cli.leftovers import sweep

PATIENCE_SECONDS = 120.0
HURRY_AFTER_SECONDS = 90.0
LAST_BREATH_SECONDS = 5.0


@click.command(help=said("停止省平台。", "Stop the province."))
@click.pass_obj
def down(home: Home) -> None:
    """Stop what runs; it is not an error when nothing does."""
    if stop(home):
        tell("省平台已停止。", "The province has stopped.")
    else:
        tell("省平台没有在运行。", "The province is not running.")


def stop(home: Home) -> bool:
    """Ask the supervisor to stop and wait for it; whether anything was running."""
    begun, hurried = time.monotonic(), False
    running = home.is_held()
    supervisor = _ask(home) if running else None
    while home.is_held():
        waited = time.monotonic() - begun
        if waited > PATIENCE_SECONDS:
            raise NotReady(
                f"省平台在 {PATIENCE_SECONDS:.0f} 秒内没有停止；见 {home.log}",
                f"The province did not stop within {PATIENCE_SECONDS:.0f} s; see {home.log}",
            )
        if waited > HURRY_AFTER_SECONDS and not hurried:
            hurried = True
            _ask(home)
        time.sleep(0.05)
    if supervisor is not None:
        psutil.wait_procs([supervisor], timeout=LAST_BREATH_SECONDS)
    left = sweep(home)
    home.run_file.unlink(missing_ok=True)
    return running or left > 0


def _ask(home: Home) -> psutil.Process | None:
    """Signal the supervisor, waiting for it to say who it is if it has only just begun."""
    for _ in range(100):
        pid = read_json(home.run_file).get("pid")
        with suppress(psutil.NoSuchProcess):
            if pid:
                supervisor = psutil.Process(pid)
                supervisor.send_signal(signal.SIGTERM)
                return supervisor
        if not home.is_held():
            return None
        time.sleep(0.05)
    raise NotReady(
        f"{home.path} 被一个没有登记的进程占用，无法停止。",
        f"{home.path} is held by a process that has not said who it is; it cannot be stopped.",
    )
