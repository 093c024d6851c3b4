"""`jianqiao status`: processes, readiness, streams and addresses."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click
import psycopg2

from config.cli.failures import NothingHere, NotRunning
from config.cli.home import Home, read_json
from config.cli.language import said
from config.cli.measurement import processor_seconds, proportional_bytes, resident_bytes, tree
from config.cli.node_settings import MAILBOX
from config.cli.readiness import web_answers

MEGABYTE = 1 << 20


@click.command(help=said("查看省平台的状态。", "Show the state of the province."))
@click.option("--json", "as_json", is_flag=True, help=said("输出 JSON。", "Print JSON."))
@click.pass_obj
def status(home: Home, as_json: bool) -> None:
    """Print the state; the exit code is 11 when the province does not run."""
    state = state_of(home)
    if as_json:
        click.echo(json.dumps(state, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_lines(home, state)))
    if state["state"] == "stopped":
        raise click.exceptions.Exit(NotRunning.exit_code)


def state_of(home: Home) -> dict[str, Any]:
    """Everything `status` knows, as plain data."""
    if not home.is_held():
        return {"state": "stopped", "home": str(home.path), "nodes": []}
    run = read_json(home.run_file)
    processes = [_measured(process) for process in run.get("processes", [])]
    own = tree(run["pid"])[:1] if "pid" in run else []
    with ThreadPoolExecutor(max_workers=16) as pool:
        nodes = list(pool.map(lambda node: _node(home, node), run.get("nodes", [])))
    for node in nodes:
        node["processes"] = [
            {key: value for key, value in process.items() if key != "node"}
            for process in processes
            if process["node"] == node["code"]
        ]
    shares = [process["pss_bytes"] for process in processes] + [proportional_bytes(own)]
    return {
        "state": run.get("phase", "starting"),
        "home": str(home.path),
        "pid": run.get("pid"),
        "uptime_seconds": round(time.time() - run.get("since", time.time()), 1),
        "pss_bytes": None if None in shares else sum(shares),
        "nodes": nodes,
    }


def _measured(process: dict[str, Any]) -> dict[str, Any]:
    members = tree(process["pid"]) if process["pid"] else []
    return {
        **{
            key: process[key]
            for key in ("node", "process", "state", "pid", "restarts", "last_exit")
        },
        "uptime_seconds": round(time.time() - process["since"], 1) if process["pid"] else None,
        "rss_bytes": resident_bytes(members),
        "pss_bytes": proportional_bytes(members),
        "cpu_seconds": round(processor_seconds(members), 2),
    }


def _node(home: Home, node: dict[str, str]) -> dict[str, Any]:
    try:
        variables = home.node(node["code"]).variables()
    except NothingHere:
        variables = {}
    return {
        **node,
        "mailbox": variables.get("SMS_ADAPTER") == MAILBOX,
        "role": "province" if node["code"].endswith("0000") else "city",
        "ready": web_answers(node["url"]),
        "streams": _streams(variables.get("DATABASE_URL", "")),
    }


def _streams(url: str) -> dict[str, Any] | None:
    """Replication as the node's database sees it; none while it does not answer."""
    from kernel.replication import lag  # loads Django; a stopped province needs none

    try:
        with closing(psycopg2.connect(url, connect_timeout=2)) as opened, opened.cursor() as cursor:
            return {
                "outgoing": [asdict(stream) for stream in lag.outgoing(cursor)],
                "incoming": [asdict(stream) for stream in lag.incoming(cursor)],
            }
    except psycopg2.Error:
        return None


def _lines(home: Home, state: dict[str, Any]) -> list[str]:
    if state["state"] == "stopped":
        return [
            said(f"省平台没有在运行（{home.path}）", f"The province is not running ({home.path})")
        ]
    words = {
        "starting": said("正在启动", "starting"),
        "ready": said("运行中", "running"),
        "stopping": said("正在停止", "stopping"),
    }
    memory = state["pss_bytes"]
    lines = [
        said("省平台", "Province") + f" {home.path}: {words.get(state['state'], state['state'])}"
        f"  PID {state['pid']}  {_span(state['uptime_seconds'])}"
        + (f"  PSS {memory // MEGABYTE} MB" if memory else "")
    ]
    for node in state["nodes"]:
        mark = click.style("●", fg="green" if node["ready"] else "red")
        readiness = said("就绪", "ready") if node["ready"] else said("未就绪", "not ready")
        lines.append(f"{mark} {node['code']} {node['name']}  {node['url']}  {readiness}")
        lines += [f"    {_process_line(process)}" for process in node["processes"]]
        lines += [f"    {line}" for line in _stream_lines(node["streams"])]
        if node["mailbox"]:
            where = f"jianqiao mailbox, {node['url']}/dev/mailbox"
            lines.append(
                said(f"    短信箱（仅开发用）：{where}", f"    mailbox (development): {where}")
            )
    return lines


def _process_line(process: dict[str, Any]) -> str:
    share = process["pss_bytes"] if process["pss_bytes"] is not None else process["rss_bytes"]
    again = process["restarts"]
    return (
        f"{process['process']:<9} {process['state']:<10} PID {process['pid'] or '-':<8}"
        f" {share // MEGABYTE:>4} MB"
        + (said(f"  重启 {again} 次", f"  {again} restarts") if again else "")
    )


def _stream_lines(streams: dict[str, Any] | None) -> list[str]:
    if streams is None:
        return [said("数据库没有应答", "its database does not answer")]
    lines = []
    for stream in streams["outgoing"]:
        flow = said("传送中", "streaming") if stream["active"] else said("中断", "interrupted")
        lines.append(
            f"→ {stream['peer']}  {flow}"
            + said("  落后 ", "  behind ")
            + _size(stream["behind_bytes"])
            + said("  保留 WAL ", "  retained WAL ")
            + _size(stream["retained_bytes"])
            + (
                ""
                if stream["wal_status"] in {"reserved", "extended"}
                else f"  {stream['wal_status']}"
            )
        )
    for stream in streams["incoming"]:
        flow = said("接收中", "receiving") if stream["running"] else said("中断", "interrupted")
        troubles = {
            said("正在复制的表", "tables being copied"): stream["copying_tables"],
            said("冲突", "conflicts"): stream["conflicts"],
            said("应用出错", "apply errors"): stream["apply_errors"],
        }
        lines.append(
            f"← {stream['peer']}  {flow}"
            + "".join(f"  {name} {count}" for name, count in troubles.items() if count)
        )
    return lines


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE else f"{count // 1024} kB"


def _span(seconds: float) -> str:
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}"
