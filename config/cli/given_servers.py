"""Servers that somebody else runs: is this one fit for a node?"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis

from config.cli.failures import ServerUnfit
from config.cli.topology import Node

OLDEST_POSTGRES = 180000
LOGICAL_SETTINGS = {
    "max_worker_processes": 60,
    "max_logical_replication_workers": 60,
    "max_replication_slots": 60,
    "max_wal_senders": 60,
    "max_active_replication_origins": 60,
}
EXTENSIONS = ("pg_trgm",)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a server and how to mend it."""

    zh: str
    en: str


def refuse_unfit(node: Node) -> None:
    """Check a given PostgreSQL: all its faults are told at once."""
    given = node.given
    url = given.superuser_url or given.database_url or ""
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.OperationalError as error:
        hint = "" if given.superuser_url else f"JIANQIAO_{node.code}_SUPERUSER_URL"
        raise _unreachable(node, "PostgreSQL", url, error, hint) from error
    with contextlib.closing(connection), connection.cursor() as cursor:
        faults = postgres_faults(cursor)
    if faults:
        raise ServerUnfit(
            f"节点 {node.code} 的 PostgreSQL 不符合要求："
            + "".join(f"\n  · {f.zh}" for f in faults),
            f"The PostgreSQL of node {node.code} is unfit:"
            + "".join(f"\n  · {f.en}" for f in faults),
        )


def refuse_unfit_redis(node: Node) -> None:
    """Check that a given Redis answers."""
    url = node.given.redis_url or ""
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        with contextlib.closing(client):
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise _unreachable(node, "Redis", url, error) from error


def postgres_faults(cursor: Any) -> list[Fault]:
    """Everything a cluster lacks."""

    def setting(name: str) -> str:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        row = cursor.fetchone()
        return str(row[0]) if row and row[0] is not None else ""

    checks: list[Callable[[], Fault | None]] = [
        lambda: _old_version(setting("server_version_num")),
        lambda: _not_logical(setting("wal_level")),
        lambda: _wrong_encoding(cursor),
        lambda: _blind_to_chinese(cursor),
    ]
    faults = [fault for check in checks if (fault := check())]
    for name, least in LOGICAL_SETTINGS.items():
        found = setting(name)
        if found and int(found) < least:
            faults.append(
                Fault(
                    f"{name} = {found}，至少需要 {least}（改后需重启）",
                    f"{name} = {found}; at least {least} is needed (restart after the change)",
                )
            )
    if setting("max_slot_wal_keep_size") == "-1":
        faults.append(
            Fault(
                "max_slot_wal_keep_size 未设置（对端长期离线时 WAL 会写满磁盘）",
                "max_slot_wal_keep_size is not set (the WAL of a peer that stays away fills the disk)",
            )
        )
    if setting("track_commit_timestamp") != "on":
        faults.append(
            Fault(
                "track_commit_timestamp 应为 on（否则看不到复制冲突）",
                "track_commit_timestamp must be on (conflicts go unseen without it)",
            )
        )
    for name in EXTENSIONS:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", [name])
        if cursor.fetchone() is None:
            faults.append(Fault(f"缺少扩展 {name}", f"the extension {name} is not installed"))
    return faults


def _old_version(number: str) -> Fault | None:
    if int(number) >= OLDEST_POSTGRES:
        return None
    return Fault(
        f"版本 {int(number) // 10000}，至少需要 18", f"version {int(number) // 10000}; 18 is needed"
    )


def _not_logical(level: str) -> Fault | None:
    if level == "logical":
        return None
    return Fault(
        f"wal_level = {level}，应为 logical（改后需重启）",
        f"wal_level = {level}; it must be logical (restart after the change)",
    )


def _wrong_encoding(cursor: Any) -> Fault | None:
    cursor.execute(
        "SELECT pg_encoding_to_char(encoding), datlocprovider, datctype FROM pg_database"
        " WHERE datname = 'template0'"
    )
    encoding, provider, ctype = cursor.fetchone()
    if encoding == "UTF8" and (provider, ctype) != ("c", "C"):
        return None
    return Fault(
        f"template0 为 {encoding}、{ctype}；集群应以 initdb -E UTF8 --locale-provider=libc "
        "--locale=C.UTF-8 建立",
        f"template0 is {encoding}, {ctype}; make the cluster with initdb -E UTF8 "
        "--locale-provider=libc --locale=C.UTF-8",
    )


def _blind_to_chinese(cursor: Any) -> Fault | None:
    """pg_trgm takes letters from the locale; under C or builtin a Chinese name has none."""
    cursor.execute("SELECT '健桥' ~ '^[[:alpha:]]+$'")
    if cursor.fetchone() == (True,):
        return None
    return Fault(
        "字符分类不认识汉字（pg_trgm 搜不到中文）；请用 libc 的 C.UTF-8",
        "its character classes do not know Chinese (pg_trgm finds nothing); use libc C.UTF-8",
    )


def _unreachable(
    node: Node, what: str, url: str, error: Exception, missing: str = ""
) -> ServerUnfit:
    parts = urlsplit(url)
    place = f"{parts.hostname or '?'}:{parts.port or '?'}"
    why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ServerUnfit(
        f"节点 {node.code}：无法连接 {what}（{place}）：{why}"
        + (f"\n首次启动还需要 {missing}，用来建立登录和数据库。" if missing else ""),
        f"Node {node.code}: {what} at {place} cannot be reached: {why}"
        + (
            f"\nThe first start also needs {missing}, to make logins and database."
            if missing
            else ""
        ),
    )
