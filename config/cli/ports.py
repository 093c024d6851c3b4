"""Ports of the local province: free or taken, and by whom."""

import socket
from dataclasses import replace

import psutil

from config.cli.failures import PortTaken
from config.cli.topology import Node

FIRST_BASE, LAST_BASE, SEARCH_STEP = 7600, 32000, 200


def ports_of(node: Node) -> list[int]:
    """Ports this machine must offer for the node."""
    ports = [node.web_port]
    if node.role == "province":
        ports.append(node.live_port)
    if node.given.database_url is None:
        ports.append(node.postgres_port)
    if node.given.redis_url is None:
        ports.append(node.redis_port)
    return ports


def is_free(port: int) -> bool:
    """Whether a server can listen on the port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def refuse_taken(nodes: list[Node]) -> None:
    """Fail with the first taken port, its holder where the system tells, and a free base."""
    wanted = [port for node in nodes for port in ports_of(node)]
    if max(wanted) > 65535:
        raise PortTaken(
            f"端口 {max(wanted)} 超出范围；请用较小的 --port-base。",
            f"Port {max(wanted)} is out of range; choose a smaller --port-base.",
        )
    taken = [port for port in wanted if not is_free(port)]
    if not taken:
        return
    port, base = taken[0], free_base(nodes)
    holder_zh, holder_en = holder_of(port)
    raise PortTaken(
        f"端口 {port} 已被{holder_zh}占用。停止它，或换一组端口：jianqiao up --port-base {base}",
        f"Port {port} is taken by {holder_en}. Stop it, or use other ports: "
        f"jianqiao up --port-base {base}",
    )


def free_base(nodes: list[Node]) -> int:
    """A base where all ports of these nodes are free."""
    for base in range(FIRST_BASE, LAST_BASE, SEARCH_STEP):
        if all(is_free(port) for node in nodes for port in ports_of(replace(node, port_base=base))):
            return base
    return FIRST_BASE


def holder_of(port: int) -> tuple[str, str]:
    """Who listens on a port, in both languages; other users' processes may stay unnamed."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid is not None:
                name = psutil.Process(connection.pid).name()
                return (
                    f"进程 {name}（PID {connection.pid}）",
                    f"process {name} (PID {connection.pid})",
                )
    except (psutil.Error, OSError):
        pass
    return "另一个进程", "another process"
