"""One Redis per node: the broker's messages survive a restart."""

import os
import socket
from pathlib import Path

from config.cli.clusters import password_of
from config.cli.home import NodeHome, write_private
from config.cli.placement import Account, Programs, owner_of
from config.cli.supervision import Spec
from config.cli.topology import Node

SETTINGS = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "daemonize": "no",
    "databases": "2",
    "hz": "5",
    "save": '""',
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "loglevel": "notice",
    "logfile": '""',
}


def redis_url(node: Node, home: NodeHome) -> str:
    """Address of the local Redis with its password."""
    return f"redis://:{password_of(home, 'redis')}@127.0.0.1:{node.redis_port}/0"


def redis_spec(
    node: Node, home: NodeHome, root: Path, programs: Programs, account: Account | None
) -> Spec:
    """Write its configuration and say how to run it."""
    data = root / "nodes" / node.code / "redis"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.redis != data and not home.redis.is_symlink():
        home.redis.symlink_to(data)
    settings = {
        "port": str(node.redis_port),
        "dir": f'"{data}"',
        "requirepass": password_of(home, "redis"),
        **SETTINGS,
    }
    os.chown(data, *owner_of(account))
    write_private(
        data / "redis.conf",
        "".join(f"{name} {value}\n" for name, value in settings.items()),
        owner=owner_of(account),
    )
    return Spec(
        node=node.code,
        kind="redis",
        argv=(str(programs.redis), str(data / "redis.conf")),
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"},
        cwd=data,
        account=account,
    )


def pings(node: Node, home: NodeHome) -> bool:
    """Whether the local Redis answers."""
    password = password_of(home, "redis").encode()
    try:
        with socket.create_connection(("127.0.0.1", node.redis_port), timeout=2) as connection:
            connection.sendall(b"AUTH " + password + b"\r\nPING\r\n")
            said = b""
            while b"PONG" not in said:
                chunk = connection.recv(256)
                if not chunk:
                    return False
                said += chunk
    except OSError:
        return False
    return True
