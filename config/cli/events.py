"""`jianqiao events`: deliveries that were given up, and trying them again."""

import json

import click

from config.cli.home import Home
from config.cli.keys import chosen
from config.cli.language import said, tell
from config.cli.node_process import manage


@click.group(help=said("事件投递。", "Deliveries of events."))
def events() -> None:
    """Group of the commands below."""


@events.command(help=said("列出搁置的投递。", "List the parked deliveries."))
@click.option(
    "--node", "code", help=said("只看此节点（六位代码）。", "Only this node (six digits).")
)
@click.option(
    "--json", "as_json", is_flag=True, help=said("每条一行 JSON。", "A line of JSON each.")
)
@click.pass_obj
def parked(home: Home, code: str | None, as_json: bool) -> None:
    """Id, handler, event, tries and the last error."""
    for one in chosen(home, code):
        for line in manage(home, one, "event_deliveries", "parked").splitlines():
            found = json.loads(line) | {"at": one}
            if as_json:
                click.echo(json.dumps(found, ensure_ascii=False))
            else:
                click.echo(
                    f"{one}  {found['id']}  {found['handler']}  "
                    f"{found['event']} ({found['node']})  ×{found['attempts']}  {found['error']}"
                )


@events.command(help=said("重新投递搁置的事件。", "Try parked deliveries again."))
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option(
    "--node", "code", help=said("只在此节点（六位代码）。", "Only this node (six digits).")
)
@click.option("--handler", help=said("只重试此处理程序。", "Only those of this handler."))
@click.option("--all", "everything", is_flag=True, help=said("全部重试。", "All of them."))
@click.pass_obj
def replay(
    home: Home, ids: tuple[object, ...], code: str | None, handler: str | None, everything: bool
) -> None:
    """By id at one node, or by handler, or all."""
    if ids and code is None:
        raise click.UsageError(said("按编号重试需要 --node。", "Ids need --node."))
    if not (ids or handler or everything):
        raise click.UsageError(
            said("给出编号、--handler 或 --all。", "Give ids, --handler or --all.")
        )
    words = [str(one) for one in ids]
    if handler:
        words += ["--handler", handler]
    if everything:
        words.append("--all")
    for one in chosen(home, code):
        answer = json.loads(manage(home, one, "event_deliveries", "replay", *words))
        tell(f"{one}  重新投递 {answer['replayed']} 条", f"{one}  {answer['replayed']} tried again")
