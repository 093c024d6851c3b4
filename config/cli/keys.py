"""`jianqiao keys`: changing the keys under which personal data are encrypted."""

import json

import click

from config.cli.failures import NothingHere
from config.cli.home import Home
from config.cli.language import said, tell
from config.cli.node_process import attempt


@click.group(help=said("加密密钥。", "Encryption keys."))
def keys() -> None:
    """Group of the commands below."""


@keys.command(
    help=said(
        "轮换数据密钥和索引密钥；服务不中断，可随时再次运行以继续。",
        "Change data and index keys; the node goes on serving. Run it again to go on after a halt.",
    )
)
@click.option(
    "--node", "code", help=said("只轮换此节点（六位代码）。", "Only this node (six digits).")
)
@click.pass_obj
def rotate(home: Home, code: str | None) -> None:
    """Rotate node by node, the hub first, so that it is there to hold the cities' new keys."""
    halted = False
    for one in chosen(home, code):
        finished = attempt(home, one, "rotate_keys")
        if finished.returncode:
            halted = True
            why = (finished.stderr.strip().splitlines() or [""])[-1]
            tell(f"{one}  未完成：{why}", f"{one}  halted: {why}", err=True)
            continue
        done = json.loads(finished.stdout.splitlines()[-1])
        tell(
            f"{one}  已轮换：重新加密 {done['sealed']} 个值，重建索引 {done['indexed']} 个",
            f"{one}  rotated: {done['sealed']} values encrypted anew, {done['indexed']} indexed anew",
        )
    if halted:
        raise click.exceptions.Exit(1)


def chosen(home: Home, code: str | None) -> list[str]:
    """The nodes meant: one, or all with the hub first."""
    codes = home.codes()
    if code is None and codes:
        return codes
    if code not in codes:
        raise NothingHere(
            f"{home.path} 里没有节点 {code or ''}。", f"{home.path} has no node {code or ''}."
        )
    return [code]
