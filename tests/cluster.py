"""A throw-away PostgreSQL cluster for tests: durable settings off, roles as in a real node."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2

from config.cli import placement
from config.cli.children import launched
from config.cli.home import Home
from kernel.replication.bootstrap import prepare_cluster

PREFIX = "jianqiao-test-"  # then the number of the run's process
PASSWORD = "for-tests-only"  # noqa: S105
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "logical",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
    "jit": "off",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster, reached by its Unix socket."""

    root: Path
    process: subprocess.Popen[bytes]

    @property
    def socket(self) -> Path:
        """Directory of the socket."""
        return self.root / "socket"

    @property
    def owner_url(self) -> str:
        """Connection string of the owner, who makes the test databases."""
        return f"postgresql://jianqiao_owner:{PASSWORD}@/jianqiao?host={self.socket}"

    @property
    def superuser_dsn(self) -> str:
        """Connection string of the superuser."""
        return f"host={self.socket} user=postgres dbname=postgres"

    def stop(self) -> None:
        """Stop at once and remove everything."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(120)
        shutil.rmtree(self.root, ignore_errors=True)


def start() -> Cluster:
    """Initialise and start a cluster; as root under the unprivileged account."""
    root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=placement.ELSEWHERE))
    root.chmod(0o711)
    account = placement.server_account()
    programs = placement.programs(Home(root / "home"), account)
    data, socket = root / "data", root / "socket"
    for folder in (data, socket):
        folder.mkdir(mode=0o700 if folder is data else 0o755)
        placement.give(folder, account)
    subprocess.run(  # noqa: S603
        [
            programs.postgres / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale-provider=libc",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **placement.as_account(account),
    )
    options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    process = subprocess.Popen(  # noqa: S603
        launched(
            [programs.postgres / "postgres", "-D", data, "-k", socket, *options],
            death_signal=signal.SIGQUIT,
            owner=(account.uid, account.gid) if account else (0, 0),
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    running = Cluster(root, process)
    _wait(running)
    prepare_cluster(running.superuser_dsn, owner_password=PASSWORD, app_password=PASSWORD)
    with psycopg2.connect(running.superuser_dsn) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER ROLE jianqiao_owner CREATEDB")
        cursor.execute("GRANT SET ON PARAMETER session_replication_role TO jianqiao_owner")
    connection.close()
    return running


def _wait(running: Cluster) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            psycopg2.connect(running.superuser_dsn).close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline or running.process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


def remove_leftovers() -> None:
    """Remove clusters of test runs that are gone (a killed run cannot clean up)."""
    for root in placement.ELSEWHERE.glob(f"{PREFIX}*-*"):
        pid = root.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(root, ignore_errors=True)
