"""`jianqiao migrate`: bring all running nodes to the present schema, in two passes."""

import asyncio

import click

from config.cli.failures import NotRunning
from config.cli.home import Home
from config.cli.language import said, tell
from config.cli.memory import schema_fingerprint
from config.cli.province import Province
from config.cli.reporting import Terminal
from config.cli.supervision import Supervisor
from config.cli.up import Wishes, plan


@click.command(
    help=said(
        "更新运行中各节点的数据表：先更新接收方，再更新写入方。",
        "Update the tables of all running nodes: first what they receive, then what they write.",
    )
)
@click.pass_obj
def migrate(home: Home) -> None:
    """Run both passes; serving processes go on and take new code at their next start."""
    if not home.is_held():
        raise NotRunning(
            "省平台没有在运行；jianqiao up 启动时会自动更新数据表。",
            "The province is not running; jianqiao up updates the tables by itself.",
        )
    asyncio.run(_migrate(home))
    tell("所有节点的数据表已更新。", "The tables of all nodes are up to date.")


async def _migrate(home: Home) -> None:
    nodes, memory = plan(home, Wishes())
    terminal = Terminal()
    supervisor = Supervisor(home.log, on_line=terminal.line)
    province = Province(home, nodes, memory, terminal, supervisor)
    await province.migrate()
    await province.enrol(again=True)
    for node in nodes:
        memory.node(node.code).schema = schema_fingerprint()
    memory.save(home)
