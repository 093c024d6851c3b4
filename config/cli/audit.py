"""`jianqiao audit`: is the log of who read what still what it was?"""

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from config.cli.home import Home
from config.cli.keys import chosen
from config.cli.language import said, tell
from config.cli.node_process import attempt

KINDS = {
    "row-changed": ("审计记录被修改", "a row was changed"),
    "row-deleted": ("审计记录被删除", "a row was deleted"),
    "row-inserted": ("混入了未封存的记录", "a row was inserted beside the seals"),
    "row-backdated": ("记录的时间被提前", "a row pretends to be older than it is"),
    "seal-changed": ("封存被修改，或其中记录的顺序被改变", "a seal or the order of its rows was changed"),
    "seal-not-signed": ("封存签名无效", "a seal is not signed by the node"),
    "seal-missing": ("缺少封存", "a seal is missing"),
    "chain-broken": ("封存链断裂", "the chain is broken"),
    "chain-forked": ("封存链分叉", "the chain is forked"),
    "seal-differs-from-foreign-copy": ("与其他节点保存的封存不一致", "a seal differs from the foreign copy"),
    "tail-cut-off": ("末尾被截断", "the tail was cut off"),
    "head-cut-off": ("开头被截断", "the head was cut off"),
}  # fmt: skip


@click.group(help=said("访问审计。", "The audit log."))
def audit() -> None:
    """Group of the commands below."""


@audit.command(
    help=said(
        "核对审计日志、封存与其他节点保存的封存副本；发现改动时以 1 退出。",
        "Compare log, seals and the foreign copy of the seals; exit code 1 when something is wrong.",
    )
)
@click.option(
    "--node", "code", help=said("只核对此节点（六位代码）。", "Only this node (six digits).")
)
@click.option(
    "--json", "as_json", is_flag=True, help=said("每个节点一行 JSON。", "A line of JSON per node.")
)
@click.pass_obj
def verify(home: Home, code: str | None, as_json: bool) -> None:
    """Verify one node, or all."""
    wrong = False
    for one in chosen(home, code):
        report = report_of(home, one)
        wrong = wrong or report is None or bool(report["findings"])
        if as_json:
            click.echo(json.dumps(report or {"node": one, "error": "unreachable"}))
        elif report is None:
            tell(
                f"{one}  无法核对：数据库没有应答",
                f"{one}  cannot be verified: no answer",
                err=True,
            )
        else:
            print_report(report)
    if wrong:
        raise click.exceptions.Exit(1)


def report_of(home: Home, code: str) -> dict[str, Any] | None:
    """What the node says of its log, beside the copy of its seals that another node holds."""
    with tempfile.TemporaryDirectory(prefix="jianqiao-audit-") as folder:
        words = ["verify_audit"]
        witness = seals_elsewhere(home, code)
        if witness is not None:
            file = Path(folder) / "seals"
            file.write_text(witness, encoding="ascii")
            words += ["--witness", str(file)]
        finished = attempt(home, code, *words)
    lines = finished.stdout.splitlines()
    if finished.returncode not in {0, 1} or not lines or not lines[-1].startswith("{"):
        return None
    report: dict[str, Any] = json.loads(lines[-1])
    return report


def seals_elsewhere(home: Home, code: str) -> str | None:
    """The foreign copy: a city's at the hub, the hub's at the city that holds most of it.

    None when no other node answers. A city enrolled later holds only the seals made since.
    """
    hub = f"{code[:2]}0000"
    others = [other for other in home.codes() if other != code] if code == hub else [hub]
    asked = [attempt(home, other, "export_seals", code) for other in others]
    copies = [finished.stdout for finished in asked if finished.returncode == 0]
    return max(copies, key=len, default=None)


def print_report(report: dict[str, Any]) -> None:
    """One line on what was compared, one on what is open, one for each thing wrong."""
    code = report["node"]
    well = not report["findings"]
    tell(
        f"{code}  {'完好' if well else '有改动'}：{report['rows']} 条记录，{report['seals']} 个封存",
        f"{code}  {'intact' if well else 'NOT INTACT'}: {report['rows']} rows, {report['seals']} seals",
    )
    if report["unsealed"]:
        tell(
            f"    未封存：{report['unsealed']} 条，自 {report['unsealed_since']} 起",
            f"    not sealed yet: {report['unsealed']} rows since {report['unsealed_since']}",
        )
    if not report["witnessed"]:
        tell(
            "    没有其他节点的副本可供比对：无法发现末尾截断",
            "    no foreign copy to compare with: a cut-off tail would not be seen",
        )
    elif report["unwitnessed_seals"]:
        tell(
            f"    其他节点尚未收到：{report['unwitnessed_seals']} 个封存",
            f"    not at another node yet: {report['unwitnessed_seals']} seals",
        )
    for finding in report["findings"]:
        zh, en = KINDS[finding["kind"]]
        where = " ".join(
            f"{word} {finding[name]}"
            for name, word in (("sequence", "#"), ("row_id", "row"))
            if finding[name] is not None
        )
        tell(f"    {zh}：{where}", f"    {en}: {where}")
