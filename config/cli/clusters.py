"""One PostgreSQL cluster per node: made once and for all, configured at each start."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg2

from config.cli.children import launched
from config.cli.failures import DataMissing, DiskFull, OtherVersion, StaleData, StepFailed
from config.cli.home import NodeHome, write_private
from config.cli.placement import Account, Programs, give, owner_of
from config.cli.supervision import Spec
from config.cli.topology import Node

SUPERUSER = "postgres"
NEW_NODE_BYTES = 200 * 1024 * 1024
SPARE_BYTES = 100 * 1024 * 1024

# random_page_cost and autovacuum_naptime: a new node's tables are small when its connections first plan the
# checks of foreign keys. At the usual 4.0 reading such a table whole looks cheapest, and the plan is kept
# while the table grows, until statistics are taken: an insert then cost ten times as much within a minute.
# log_error_verbosity=terse leaves DETAIL out of the log, where whole rows would be quoted
# (unique violations, replication conflicts); with the next two settings no statement and no
# parameter is logged either, so that no personal data lands in log/.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    "io_method": "sync",
    "jit": "off",
    "random_page_cost": "1.1",
    "autovacuum_naptime": "15s",
    "synchronous_commit": "on",
    # after a crash: one sync of the disk instead of one for each of 2,000 files
    "recovery_init_sync_method": "syncfs" if sys.platform == "linux" else "fsync",
    "wal_level": "logical",
    "max_worker_processes": "80",
    "max_logical_replication_workers": "60",
    "max_sync_workers_per_subscription": "2",
    "max_replication_slots": "60",
    "max_active_replication_origins": "60",
    "max_wal_senders": "60",
    "max_slot_wal_keep_size": "4GB",
    "wal_retrieve_retry_interval": "1s",
    "wal_receiver_timeout": "10s",
    "wal_sender_timeout": "10s",
    "track_commit_timestamp": "on",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "Asia/Shanghai",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "timezone": "UTC",
    "datestyle": "iso, ymd",
    "lc_messages": "C.UTF-8",
    "default_text_search_config": "pg_catalog.simple",
}

# No line for `replication`: nobody takes a physical copy of a cluster (laboratory B2).
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


def refuse_full_disk(place: Path, *, new_nodes: int) -> None:
    """Fail before the first byte is written when the databases will not fit."""
    needed = SPARE_BYTES + new_nodes * NEW_NODE_BYTES
    free = shutil.disk_usage(place).free
    if free < needed:
        raise no_room(place, needed, free)


def no_room(place: Path, needed: int, free: int) -> DiskFull:
    """How much is free, and how much is needed."""
    return DiskFull(
        f"{place} 所在磁盘只剩 {free >> 20} MB，需要 {needed >> 20} MB。"
        "请清理磁盘，或换一个目录：jianqiao --home 目录 up",
        f"The disk of {place} has {free >> 20} MB left and {needed >> 20} MB are needed. "
        "Make room or choose another place: jianqiao --home DIR up",
    )


def password_of(home: NodeHome, name: str) -> str:
    """The password kept in the node's keys under this name, made at first use."""
    file = home.keys / name
    if not file.exists():
        home.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8").strip()


def make_cluster(
    node: Node,
    home: NodeHome,
    root: Path,
    programs: Programs,
    account: Account | None,
    *,
    had_data: bool,
) -> Path:
    """The node's data directory, made if this is the first start; refuses unusable ones."""
    data = root / "nodes" / node.code / "postgres"
    if data.is_dir() and any(data.iterdir()):
        _refuse_unusable(node, data, programs, account)
        _drop_stale_pid_file(data)
    elif had_data:
        raise DataMissing(
            f"节点 {node.code} {node.name} 的数据目录 {data} 不见了。请从备份恢复，"
            "或放弃全部数据重新开始：jianqiao reset --yes",
            f"The data directory {data} of node {node.code} is gone. Restore it from a backup, "
            "or give all data up and start anew: jianqiao reset --yes",
        )
    else:
        _initialise(data, home, programs, account)
    if home.postgres != data and not home.postgres.is_symlink():
        home.postgres.symlink_to(data)
    _configure(node, data, account)
    return data


def postgres_spec(node: Node, data: Path, programs: Programs, account: Account | None) -> Spec:
    """How to run the cluster: SIGINT is PostgreSQL's fast shutdown."""
    return Spec(
        node=node.code,
        kind="postgres",
        argv=(str(programs.postgres / "postgres"), "-D", str(data)),
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        cwd=data,
        account=account,
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        stop_within=60.0,
        last_resort=signal.SIGQUIT,
    )


def superuser_dsn(node: Node, home: NodeHome) -> str:
    """Connection string of the local superuser."""
    return (
        f"host=127.0.0.1 port={node.postgres_port} user={SUPERUSER} dbname=postgres "
        f"password={password_of(home, 'superuser')}"
    )


def answers(dsn: str) -> bool:
    """Whether a server accepts this login now."""
    try:
        psycopg2.connect(dsn, connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _initialise(data: Path, home: NodeHome, programs: Programs, account: Account | None) -> None:
    """Run initdb beside the final place and rename: a half-made cluster never looks finished."""
    draft = data.with_name("postgres.unfinished")
    secret = data.with_name("superuser.password")
    data.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    if data.exists():
        data.rmdir()
    draft.mkdir(mode=0o700)
    write_private(secret, password_of(home, "superuser"), owner=owner_of(account))
    give(draft, account)
    try:
        finished = subprocess.run(  # noqa: S603
            launched(
                [
                    *(programs.postgres / "initdb", "--pgdata", draft, "--no-instructions"),
                    *("--username", SUPERUSER, "--auth", "scram-sha-256", "--pwfile", secret),
                    *("--encoding", "UTF8", "--locale-provider", "libc", "--locale", "C.UTF-8"),
                    "--data-checksums",
                ],
                death_signal=signal.SIGKILL,
                owner=(account.uid, account.gid) if account else (0, 0),
            ),
            capture_output=True,
            text=True,
            cwd=draft,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
    finally:
        secret.unlink()
    if finished.returncode != 0:
        said = f"{finished.stdout}\n{finished.stderr}".strip()
        if "No space left on device" in said:
            raise no_room(data.parent, NEW_NODE_BYTES, shutil.disk_usage(data.parent).free)
        raise StepFailed(
            f"无法建立 {data}（initdb 退出码 {finished.returncode}）：\n{said}",
            f"Could not make {data} (initdb exit code {finished.returncode}):\n{said}",
        )
    draft.rename(data)


def _refuse_unusable(node: Node, data: Path, programs: Programs, account: Account | None) -> None:
    version_file = data / "PG_VERSION"
    if not version_file.is_file() or not (data / "global" / "pg_control").is_file():
        raise StaleData(
            f"{data} 不是完整的 PostgreSQL 数据目录（节点 {node.code}）。请从备份恢复，"
            "或放弃全部数据重新开始：jianqiao reset --yes",
            f"{data} is not a whole PostgreSQL data directory (node {node.code}). Restore it, "
            "or give all data up and start anew: jianqiao reset --yes",
        )
    found, ours = version_file.read_text(encoding="utf-8").strip(), programs.version()
    if found != ours:
        raise OtherVersion(
            f"{data} 是 PostgreSQL {found} 的数据，本机程序是 {ours}。请用 {found} 导出后再导入，"
            "或放弃全部数据重新开始：jianqiao reset --yes",
            f"{data} was written by PostgreSQL {found}; the programs here are {ours}. Dump with {found} "
            "and load anew, or give all data up and start anew: jianqiao reset --yes",
        )
    owner = account.uid if account else os.geteuid()
    if data.stat().st_uid != owner:
        raise StaleData(
            f"{data} 属于用户 {data.stat().st_uid}，而服务器将以 {owner} 运行。请用原来的用户启动，"
            "或用 chown 改正所有者。",
            f"{data} belongs to user {data.stat().st_uid}, but the server will run as {owner}. "
            "Start as that user, or correct the owner with chown.",
        )


def _drop_stale_pid_file(data: Path) -> None:
    """Drop a pid file whose process is gone; PostgreSQL would trust a reused number."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    try:
        alive = (
            psutil.Process(pid).name() == "postgres"
            and Path(psutil.Process(pid).cwd()) == data.resolve()
        )
    except psutil.Error:
        alive = False
    if alive:
        raise StaleData(
            f"{data} 正被另一个 PostgreSQL（PID {pid}）使用，且它没有停止。",
            f"{data} is in use by another PostgreSQL (PID {pid}) that did not stop.",
        )
    pid_file.unlink()


def _configure(node: Node, data: Path, account: Account | None) -> None:
    settings = {"port": str(node.postgres_port), **SETTINGS}
    lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
    written = {
        "postgresql.conf": "# Written by `jianqiao up` at each start; lasting changes: ALTER SYSTEM.\n"
        + "".join(lines),
        "pg_hba.conf": ACCESS,
    }
    for name, text in written.items():
        write_private(data / name, text, owner=owner_of(account))
