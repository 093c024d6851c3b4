"""Entry point of `jianqiao`; the module of a command is loaded when it is called."""

import os
from importlib import import_module
from pathlib import Path

import click

from config.cli.home import Home
from config.cli.language import LANGUAGES, speak

COMMANDS = {
    "up": "config.cli.up:up",
    "down": "config.cli.down:down",
    "status": "config.cli.status:status",
    "logs": "config.cli.logs:logs",
    "migrate": "config.cli.migrate:migrate",
    "reset": "config.cli.reset:reset",
    "demo": "config.cli.demo:demo",
    "push": "config.cli.push:push",
    "messages": "config.cli.messages:messages",
    "seed": "config.cli.seed:seed",
    "bench": "config.cli.bench:bench",
    "nodes": "config.cli.nodes:nodes",
    "keys": "config.cli.keys:keys",
    "audit": "config.cli.audit:audit",
    "events": "config.cli.events:events",
    "mailbox": "config.cli.mailbox:mailbox",
    "totp": "config.cli.totp:totp",
}


class LazyCommands(click.Group):
    """A group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, if there is one of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


def _speak(ctx: click.Context, param: click.Parameter, value: str) -> str:
    speak(value)
    return value


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="健桥：省级“互联网+医疗健康”平台。\n\nJianqiao: a provincial Internet + healthcare platform.",
)
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default="zh",
    envvar="JIANQIAO_LANG",
    is_eager=True,
    expose_value=False,
    callback=_speak,
    help="输出语言。 Language of messages.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var"),
    envvar="JIANQIAO_HOME",
    help="省平台数据目录（默认 var/）。 Where the province lives.",
)
@click.version_option(package_name="jianqiao", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, home: Path) -> None:
    """Remember the home for the commands below."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # libpq would mix them into the address of every node
    ctx.obj = Home(home.absolute())


if __name__ == "__main__":
    cli(prog_name="jianqiao")
