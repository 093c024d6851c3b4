"""A real province of its own for benchmarks and system tests, and ways to look inside."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from config.cli import placement
from config.cli.clusters import password_of
from config.cli.home import PROJECT, Home, inherited
from config.cli.status import state_of
from config.cli.supervision import State

HUB = "620000"
PATIENCE = 120.0
"""Seconds until a condition counts as never true: much more than a busy machine needs."""


class CommandFailed(Exception):
    """A command of the province failed; the message is what it printed."""


class NeverTrue(Exception):
    """A condition did not come true in time."""


@dataclass(frozen=True)
class Province:
    """A running province; every method speaks to it as an operator or a client would."""

    home: Home
    web_workers: int = 1

    def jianqiao(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line on this home."""
        finished = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "config.cli.main", "--home", str(self.home.path), *words],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=_environment() | {"WEB_WORKERS": str(self.web_workers)},
            check=False,
        )
        if check:
            _require_success(finished)
        return finished

    def manage(self, code: str, *words: str, feed: str = "") -> str:
        """Run `manage.py` as a node."""
        finished = subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", *words],
            input=feed,
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=self.home.node(code).environment(),
            check=False,
        )
        _require_success(finished)
        return finished.stdout

    @property
    def cities(self) -> list[str]:
        """Codes of the cities."""
        return [node["code"] for node in self.endpoints["nodes"] if node["role"] == "city"]

    @property
    def endpoints(self) -> dict[str, Any]:
        """The outside contract."""
        return self.home.endpoints()

    def url(self, code: str) -> str:
        """Address of a node."""
        nodes = {node["code"]: node for node in self.endpoints["nodes"]}
        return str(nodes[code]["url"])

    def dsn(self, code: str, login: str = "app") -> str:
        """Connection string as `app`, `owner` or `superuser`."""
        node = self.home.node(code)
        variables = node.variables()
        if login == "superuser":
            owner = variables["OWNER_DATABASE_URL"]
            place = owner.rpartition("@")[2]
            return f"postgresql://postgres:{password_of(node, 'superuser')}@{place}"
        return variables["OWNER_DATABASE_URL" if login == "owner" else "DATABASE_URL"]

    @contextmanager
    def cursor(self, code: str, login: str = "app") -> Iterator[Any]:
        """Cursor in autocommit."""
        with closing(psycopg2.connect(self.dsn(code, login), connect_timeout=30)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def rows(
        self, code: str, query: str, *parameters: Any, login: str = "app"
    ) -> list[tuple[Any, ...]]:
        """Rows of a query at a node."""
        with self.cursor(code, login) as cursor:
            cursor.execute(query, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def status(self) -> dict[str, Any]:
        """What `jianqiao status --json` says."""
        said = self.jianqiao("status", "--json", check=False).stdout
        status: dict[str, Any] = json.loads(said)
        return status

    def pid(self, code: str, process: str) -> int | None:
        """Process number of one process of a node, None while it is being restarted."""
        for node in self.status()["nodes"]:
            for one in node["processes"]:
                if (node["code"], one["process"]) == (code, process):
                    return None if one["pid"] is None else int(one["pid"])
        raise LookupError(f"{code} {process}")

    def until_ready(self, seconds: float = PATIENCE) -> None:
        """Wait until every process and stream runs and every node answers; NeverTrue names what does not."""
        deadline = time.monotonic() + seconds
        while ill := self._ill():
            if time.monotonic() > deadline:
                raise NeverTrue(f"not well after {seconds} s: {', '.join(ill)}")
            time.sleep(0.5)

    def _ill(self) -> list[str]:
        state = state_of(self.home)
        found = [] if state["state"] == "ready" else [f"the province is {state['state']}"]
        for node in state["nodes"]:
            code, streams = node["code"], node["streams"] or {"incoming": [], "outgoing": []}
            if not node["ready"] or node["streams"] is None:
                found.append(f"{code} is not ready")
            found += [
                f"{code} {process['process']} is {process['state']}"
                for process in node["processes"]
                if process["state"] != State.RUNNING
            ]
            found += [
                f"{code} <- {stream['peer']}: {stream}"
                for stream in streams["incoming"]
                if not (stream["enabled"] and stream["running"])
            ]
            found += [
                f"{code} -> {stream['peer']}: {stream}"
                for stream in streams["outgoing"]
                if not stream["active"]
            ]
        return found


def until(holds: Callable[[], Any], seconds: float = PATIENCE, *, pause: float = 0.05) -> Any:
    """Wait until a condition holds; its value, or a failure that names it."""
    deadline = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverTrue(f"did not come true within {seconds} s")
        time.sleep(pause)


@contextmanager
def running_province(
    *, port_base: int, cities: int = 2, web_workers: int = 1
) -> Iterator[Province]:
    """Start a province of its own; stop and remove it whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="jianqiao-province-", dir=placement.ELSEWHERE))
    folder.chmod(0o711)
    province = Province(Home(folder / "var"), web_workers)
    try:
        province.jianqiao("up", "--detach", "--cities", str(cities), "--port-base", str(port_base))
        yield province
    finally:
        province.jianqiao("down", check=False)
        province.jianqiao("reset", "--yes", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _require_success(finished: subprocess.CompletedProcess[str]) -> None:
    if finished.returncode:
        raise CommandFailed(finished.stdout + finished.stderr)


def _environment() -> dict[str, str]:
    """The environment of an operator's shell: nothing of the node that the suite runs as."""
    words = {name: value for name, value in os.environ.items() if name.startswith("JIANQIAO_")}
    return inherited() | words
