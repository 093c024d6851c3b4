"""Run Django's commands as one node of the province."""

import subprocess
import sys

from config.cli.home import PROJECT, Home


def manage(home: Home, code: str, *words: str, capture: bool = False) -> str:
    """Run `manage.py` as a node; its output when captured, else it goes to the terminal."""
    finished = subprocess.run(  # noqa: S603
        [sys.executable, str(PROJECT / "manage.py"), *words],
        cwd=PROJECT,
        env=home.node(code).environment(),
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=True,
    )
    return finished.stdout or ""


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
