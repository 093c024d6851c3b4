"""`jianqiao nodes`: who takes part, how far behind each stream is, loading a copy again."""

import json
import time
from typing import Any

import click

from config.cli import enrolment
from config.cli.failures import NothingHere, NotRunning, StepFailed
from config.cli.home import Home
from config.cli.language import said, tell
from config.cli.node_process import attempt
from config.cli.status import state_of
from config.cli.topology import Node
from config.cli.up import Wishes, plan

LOOK_AGAIN_SECONDS = 3.0  # a stream that fails tries again each second


@click.group(help=said("节点、复制延迟与重新装载。", "Nodes, lag, and loading copies again."))
def nodes() -> None:
    """Group of the commands below."""


@nodes.command("list", help=said("列出各节点。", "List the nodes."))
@click.pass_obj
def list_nodes(home: Home) -> None:
    """Code, name, address and readiness."""
    for node in state_of(home)["nodes"]:
        ready = said("就绪", "ready") if node["ready"] else said("未就绪", "not ready")
        click.echo(f"{node['code']}  {node['name']}  {node['url']}  {ready}")


@nodes.command(help=said("各方向的复制延迟。", "How far behind each stream is."))
@click.option("--json", "as_json", is_flag=True, help=said("输出 JSON。", "Print JSON."))
@click.pass_obj
def lag(home: Home, as_json: bool) -> None:
    """Streams of every node; exit code 1 when one does not run, copies, fails or is in conflict.

    Counters never fall, so errors and conflicts of the past are told but are no illness.
    """
    found = _streams(home)
    before = _troubles(found)
    if any(before.values()):
        time.sleep(LOOK_AGAIN_SECONDS)
        found = _streams(home)
    growing = {name for name, count in _troubles(found).items() if count > before.get(name, count)}
    if as_json:
        click.echo(json.dumps(found))
    ill = False
    for code, streams in found.items():
        if streams is None:
            ill = True
            tell(f"{code}  数据库没有应答", f"{code}  the database does not answer")
            continue
        for stream in streams["incoming"]:
            going = stream["enabled"] and stream["running"] and not stream["copying_tables"]
            well = going and (code, stream["peer"]) not in growing
            ill = ill or not well
            if not as_json:
                tell(
                    f"{code} ← {stream['peer']}  {'正常' if well else '异常'}  "
                    f"复制中的表 {stream['copying_tables']}  复制错误 {stream['copy_errors']}  "
                    f"应用错误 {stream['apply_errors']}  冲突 {stream['conflicts']}",
                    f"{code} ← {stream['peer']}  {'well' if well else 'ILL'}  "
                    f"tables copying {stream['copying_tables']}  "
                    f"copy errors {stream['copy_errors']}  "
                    f"apply errors {stream['apply_errors']}  conflicts {stream['conflicts']}",
                )
        for stream in streams["outgoing"]:
            ill = (
                ill
                or stream["restored"]
                or stream["wal_status"] == "lost"
                or stream["peer"] == "copy"
            )
            if not as_json:
                _tell_outgoing(code, stream)
    if ill:
        raise click.exceptions.Exit(1)


@nodes.command(help=said("把市州节点接入省平台。", "Enrol a city with the hub."))
@click.argument("code")
@click.pass_obj
def enrol(home: Home, code: str) -> None:
    """Open both streams, with the initial copy; safe to repeat."""
    hub, city = _pair(home, code)
    if dead := _at_hub(home, hub, city, "enrol_city").strip():
        raise StepFailed(
            f"{code} 的数据流需要重新装载（jianqiao nodes reload {code}）：\n{dead}",
            f"Streams of {code} must be loaded again (jianqiao nodes reload {code}):\n{dead}",
        )
    tell(f"{code} 已接入。", f"{code} is enrolled.")


@nodes.command(
    "reload",
    help=said(
        "丢弃副本并重新装载（数据库从备份恢复后：两端；复制槽丢失后）。",
        "Throw copies away and take them anew (after a restore: both; when a slot was lost).",
    ),
)
@click.argument("code")
@click.option(
    "--at",
    type=click.Choice(["hub", "city", "both"]),
    default="both",
    help=said("丢弃哪一端的副本（默认两端）。", "Whose copy is thrown away (default: both)."),
)
@click.pass_obj
def reload_node(home: Home, code: str, at: str) -> None:
    """Reload the hub's copy of a city and the city's copy of the hub's rows, or one of them."""
    hub, city = _pair(home, code)
    for end in ("hub", "city") if at == "both" else (at,):
        _at_hub(home, hub, city, "reload_node", "--at", end)
    tell(f"{code} 的副本正在重新装载。", f"The copy of {code} is being loaded again.")


def _streams(home: Home) -> dict[str, Any]:
    """Streams by node, none of a node whose database does not answer."""
    state = state_of(home)
    if state["state"] == "stopped":
        raise NotRunning("省平台没有在运行。", "The province is not running.")
    return {node["code"]: node["streams"] for node in state["nodes"]}


def _troubles(found: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Failed copies, failed transactions and conflicts ever, by node and peer."""
    return {
        (code, stream["peer"]): stream["apply_errors"] + stream["copy_errors"] + stream["conflicts"]
        for code, streams in found.items()
        for stream in (streams or {"incoming": []})["incoming"]
    }


def _tell_outgoing(code: str, stream: dict[str, object]) -> None:
    state = ""
    if stream["restored"]:
        state = said("  该库曾从备份恢复：请 reload", "  RESTORED from a copy: reload it")
    elif stream["wal_status"] == "lost":
        state = said("  复制槽已失效：请 reload", "  slot LOST: reload it")
    tell(
        f"{code} → {stream['peer']}  落后 {stream['behind_bytes']} 字节，"
        f"保留 WAL {stream['retained_bytes']} 字节{state}",
        f"{code} → {stream['peer']}  behind {stream['behind_bytes']} bytes, "
        f"WAL kept {stream['retained_bytes']} bytes{state}",
    )


def _pair(home: Home, code: str) -> tuple[Node, Node]:
    found, _ = plan(home, Wishes())
    for city in found[1:]:
        if city.code == code:
            return found[0], city
    raise NothingHere(
        f"没有节点 {code}；运行中的市州：{', '.join(node.code for node in found[1:])}。",
        f"There is no node {code}; cities here: {', '.join(node.code for node in found[1:])}.",
    )


def _at_hub(home: Home, hub: Node, city: Node, *words: str) -> str:
    finished = attempt(home, hub.code, *words, told=enrolment.both_ends(hub, city, home))
    if finished.returncode:
        last = " ".join(finished.stderr.strip().splitlines()[-1:])
        raise StepFailed(f"{words[0]} 失败：{last}", f"{words[0]} failed: {last}")
    return finished.stdout
