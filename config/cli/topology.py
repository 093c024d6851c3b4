"""The list of nodes (topology.toml), and the servers that are given instead of started."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.cli.failures import ServerUnfit, TopologyUnreadable

PORTS_PER_NODE = 10
GIVEN = ("database_url", "owner_database_url", "superuser_url", "redis_url", "broker_url")


@dataclass(frozen=True)
class GivenServers:
    """Addresses of servers somebody else runs; absent ones are started here."""

    database_url: str | None = None
    owner_database_url: str | None = None
    superuser_url: str | None = None
    redis_url: str | None = None
    broker_url: str | None = None


@dataclass(frozen=True)
class Node:
    """One node of the province and its place in the list."""

    code: str
    name: str
    place: int
    port_base: int
    given: GivenServers = GivenServers()
    web_workers: int = 1

    @property
    def role(self) -> str:
        """`province` for the hub, `city` for the others."""
        return "province" if self.place == 0 else "city"

    @property
    def web_port(self) -> int:
        """Where the node answers HTTP."""
        return self.port_base + PORTS_PER_NODE * self.place

    @property
    def postgres_port(self) -> int:
        """Where its cluster listens."""
        return self.web_port + 1

    @property
    def redis_port(self) -> int:
        """Where its Redis listens."""
        return self.web_port + 2

    @property
    def live_port(self) -> int:
        """Where the hub keeps the streams of changes."""
        return self.web_port + 3

    @property
    def live_url(self) -> str:
        """Address under which pages find them."""
        return f"http://127.0.0.1:{self.live_port}"

    @property
    def url(self) -> str:
        """Base address of the node."""
        return f"http://127.0.0.1:{self.web_port}"


def read_topology(
    path: Path, *, port_base: int, environment: Mapping[str, str] | None = None
) -> list[Node]:
    """All nodes of the file, hub first."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise TopologyUnreadable(
            f"无法读取 {path}：{why}", f"{path} cannot be read: {why}"
        ) from error
    given = os.environ if environment is None else environment
    rows = [content.get("hub"), *_cities(path, content)]
    nodes = [_node(path, row, place, port_base, given) for place, row in enumerate(rows)]
    _refuse_nonsense(path, nodes)
    return nodes


def started(nodes: list[Node], cities: int, environment: Mapping[str, str]) -> list[Node]:
    """Hub and the first cities; refuses one given server for several nodes."""
    if not 0 <= cities <= len(nodes) - 1:
        raise TopologyUnreadable(
            f"--cities {cities}：topology.toml 只列出 {len(nodes) - 1} 个市州。",
            f"--cities {cities}: topology.toml lists {len(nodes) - 1} cities.",
        )
    chosen = nodes[: cities + 1]
    for variable in (name.upper() for name in GIVEN):
        if len(chosen) > 1 and environment.get(variable) and "{code}" not in environment[variable]:
            raise ServerUnfit(
                f"{variable} 只给出一台服务器，而要启动 {len(chosen)} 个节点。请用 {{code}} 代表节点代码，"
                f"或逐个设置 JIANQIAO_<代码>_{variable}；不需要时请取消该变量。",
                f"{variable} names one server for {len(chosen)} nodes. Write {{code}} where the node's "
                f"code belongs, or set JIANQIAO_<code>_{variable}; unset it if it is not meant here.",
            )
    return chosen


def _cities(path: Path, content: dict[str, Any]) -> list[Any]:
    cities = content.get("cities", [])
    if not isinstance(cities, list):
        raise TopologyUnreadable(
            f"{path}：cities 应写作 [[cities]] 列表。",
            f"{path}: cities must be a list, [[cities]].",
        )
    return cities


def _node(path: Path, row: Any, place: int, port_base: int, environment: Mapping[str, str]) -> Node:
    label = "[hub]" if place == 0 else f"[[cities]] #{place}"
    fields = row if isinstance(row, dict) else {}
    code, name = fields.get("code"), fields.get("name")
    if not isinstance(code, str) or not re.fullmatch(r"\d{6}", code) or not isinstance(name, str):
        raise TopologyUnreadable(
            f"{path}：{label} 缺少 code（六位行政区划代码，加引号）或 name。",
            f"{path}: {label} lacks code (six digits, quoted) or name.",
        )
    unknown = sorted(set(fields) - {"code", "name", "web_workers", *GIVEN})
    if unknown:
        raise TopologyUnreadable(
            f"{path}：{label} 有不认识的项 {', '.join(unknown)}。",
            f"{path}: {label} has unknown keys {', '.join(unknown)}.",
        )
    workers = _setting(code, "web_workers", fields, environment) or "1"
    if not re.fullmatch(r"[1-9]\d?", workers):
        raise TopologyUnreadable(
            f"{path}：{label} 的 web_workers 应为 1 到 99 的整数，收到 {workers}。",
            f"{path}: {label}: web_workers must be a number from 1 to 99, not {workers}.",
        )
    given = _given(code, fields, environment)
    return Node(code, name, place, port_base, given, int(workers))


def _setting(
    code: str, key: str, fields: Mapping[str, Any], environment: Mapping[str, str]
) -> str | None:
    """A value of one node: of the environment for this node, for all nodes, or of the file."""
    value = (
        environment.get(f"JIANQIAO_{code}_{key.upper()}")
        or environment.get(key.upper())
        or fields.get(key)
    )
    return str(value) if value else None


def _given(code: str, fields: dict[str, Any], environment: Mapping[str, str]) -> GivenServers:
    found: dict[str, str | None] = {}
    for key in GIVEN:
        value = _setting(code, key, fields, environment)
        found[key] = value.replace("{code}", code) if value else None
    if found["database_url"] and not found["owner_database_url"]:
        raise ServerUnfit(
            f"节点 {code} 给出了 DATABASE_URL，还需要 OWNER_DATABASE_URL（jianqiao_owner 的地址）。",
            f"Node {code} has a DATABASE_URL; OWNER_DATABASE_URL (as jianqiao_owner) is needed too.",
        )
    return GivenServers(**found)


def _refuse_nonsense(path: Path, nodes: list[Node]) -> None:
    hub = nodes[0]
    codes = [node.code for node in nodes]
    if not hub.code.endswith("0000"):
        raise TopologyUnreadable(
            f"{path}：[hub] 的代码 {hub.code} 应以 0000 结尾（省级代码）。",
            f"{path}: the code of [hub], {hub.code}, must end in 0000.",
        )
    if len(set(codes)) != len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        raise TopologyUnreadable(
            f"{path}：代码重复：{', '.join(twice)}。",
            f"{path}: codes given twice: {', '.join(twice)}.",
        )
    strangers = [code for code in codes[1:] if code[:2] != hub.code[:2] or code.endswith("0000")]
    if strangers:
        raise TopologyUnreadable(
            f"{path}：{', '.join(strangers)} 不是 {hub.code} 的市州。",
            f"{path}: {', '.join(strangers)} are not cities of {hub.code}.",
        )
