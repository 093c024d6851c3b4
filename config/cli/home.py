"""The home directory of a local province: its files, what it remembers, who holds it."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.cli.failures import AlreadyRunning, HomeUnusable, NothingHere

PROJECT = Path(__file__).resolve().parents[2]
INHERITED = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONDONTWRITEBYTECODE"})
LOOKING_SECONDS = 0.5
INHERITED_FAMILIES = ("LC_", "COVERAGE_")


@dataclass(frozen=True)
class NodeHome:
    """Where one node keeps its settings, keys and data."""

    code: str
    path: Path

    @property
    def env_file(self) -> Path:
        """Every variable of the node, one KEY=VALUE a line, readable by its owner only."""
        return self.path / "env"

    @property
    def keys(self) -> Path:
        """Secrets of the node."""
        return self.path / "keys"

    @property
    def postgres(self) -> Path:
        """Data directory of its cluster; a symbolic link when it lies outside the home."""
        return self.path / "postgres"

    @property
    def redis(self) -> Path:
        """Data directory of its Redis."""
        return self.path / "redis"

    def variables(self) -> dict[str, str]:
        """The variables that make a process this node."""
        try:
            lines = self.env_file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise NothingHere(
                f"{self.path.parents[1]} 里没有节点 {self.code}；先运行 jianqiao up。",
                f"{self.path.parents[1]} has no node {self.code}; run jianqiao up first.",
            ) from None
        pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
        return {name: value for name, _, value in pairs}

    def environment(self) -> dict[str, str]:
        """The whole environment for a child process that is this node."""
        return {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            **self.variables(),
        }


@dataclass(frozen=True)
class Home:
    """A local province lives here: state, logs, keys and, unless given, its servers' data."""

    path: Path

    @property
    def endpoints_file(self) -> Path:
        """The outside contract: addresses, clients and users (architecture §9)."""
        return self.path / "endpoints.json"

    @property
    def province_file(self) -> Path:
        """What `up` remembers."""
        return self.path / "province.json"

    @property
    def run_file(self) -> Path:
        """What the running supervisor says about itself; absent when it is down."""
        return self.path / "supervisor.json"

    @property
    def traffic_file(self) -> Path:
        """Sessions of the residents of `jianqiao demo traffic`."""
        return self.path / "traffic.json"

    @property
    def demo_file(self) -> Path:
        """What the demo remembers to have done."""
        return self.path / "demo.json"

    @property
    def log(self) -> Path:
        """One file per process."""
        return self.path / "log"

    @property
    def clients(self) -> Path:
        """Private keys of the demo's hospital systems."""
        return self.path / "clients"

    @property
    def elsewhere(self) -> Path:
        """Link to the servers' data and programs when the servers cannot reach the home."""
        return self.path / "servers"

    def node(self, code: str) -> NodeHome:
        """The part of the home that belongs to a node."""
        return NodeHome(code, self.path / "nodes" / code)

    def codes(self) -> list[str]:
        """Nodes this home has, hub first."""
        return sorted(entry.parent.name for entry in self.path.glob("nodes/*/env"))

    def endpoints(self) -> dict[str, Any]:
        """Content of endpoints.json, with empty lists where it says nothing."""
        return {"nodes": [], "clients": [], "users": [], **read_json(self.endpoints_file)}

    def write_endpoints(self, **parts: list[dict[str, Any]]) -> None:
        """Replace some lists of endpoints.json (`nodes`, `clients`, `users`), keep the others."""
        write_json(self.endpoints_file, {**self.endpoints(), **parts})

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the home for one supervisor; the kernel lets go when the process ends."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise unusable(self.path, error) from error
        try:
            _lock(handle, self.path)
            self.run_file.unlink(missing_ok=True)  # a killed one left it; its number may be taken
            yield
        finally:
            os.close(handle)

    def is_held(self) -> bool:
        """Whether a supervisor runs in this home."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False


def inherited() -> dict[str, str]:
    """What a node takes from the user's shell: where things are, nothing that is a setting of its own."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_FAMILIES)
    }


def _lock(handle: int, path: Path) -> None:
    """Take the lock; who only looks whether it is taken (`is_held`) is gone in a moment."""
    give_up = time.monotonic() + LOOKING_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < give_up:
                time.sleep(0.02)
                continue
            raise AlreadyRunning(
                f"{path} 的省平台已在运行（jianqiao status 查看，jianqiao down 停止）。",
                f"The province of {path} is already running "
                "(jianqiao status shows it, jianqiao down stops it).",
            ) from None
        else:
            return


def unusable(path: Path, error: OSError) -> HomeUnusable:
    """The home cannot be read or written, and why."""
    return HomeUnusable(
        f"数据目录 {path} 无法使用：{error.strerror}。换一个目录：jianqiao --home 目录 up",
        f"The home {path} cannot be used: {error.strerror}. Choose another: jianqiao --home DIR up",
    )


def remove(place: Path) -> None:
    """Remove a directory tree, if there is one; what resists is told."""
    if place.is_dir():
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise HomeUnusable(
                f"无法删除 {error.filename}：{error.strerror}。处理后请重试。",
                f"{error.filename} cannot be removed: {error.strerror}. Mend that and try again.",
            ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON file, empty when there is none."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise HomeUnusable(
            f"{path} 不是有效的 JSON：{error}", f"{path} is not valid JSON: {error}"
        ) from error
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one step, so that no reader ever sees half of it."""
    write_private(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def write_private(path: Path, text: str, *, owner: tuple[int, int] = (-1, -1)) -> None:
    """Replace a file in one step, readable by its owner (uid and gid; -1 for ourselves) only.

    As root we write into directories of the servers' account: what lies in the way is not followed.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.fchown(handle, *owner)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
