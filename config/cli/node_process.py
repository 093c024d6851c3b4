"""Run Django's commands as one node of the province."""

import subprocess
import sys

from config.cli.failures import StepFailed
from config.cli.home import PROJECT, Home


def manage(home: Home, code: str, *words: str, told: str | None = None) -> str:
    """What `manage.py` printed as a node; StepFailed with its last words when it failed."""
    finished = attempt(home, code, *words, told=told)
    if finished.returncode:
        last = (finished.stderr.strip().splitlines() or [""])[-1]
        raise StepFailed(
            f"节点 {code}：{words[0]} 失败（退出码 {finished.returncode}）：{last}",
            f"Node {code}: {words[0]} failed (exit code {finished.returncode}): {last}",
        )
    return finished.stdout


def attempt(
    home: Home, code: str, *words: str, told: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` as a node, `told` on its standard input, and keep what it said."""
    return subprocess.run(  # noqa: S603
        [sys.executable, str(PROJECT / "manage.py"), *words],
        cwd=PROJECT,
        env=home.node(code).environment(),
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
