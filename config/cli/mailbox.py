"""`jianqiao mailbox`: the text messages of a local province, which leave it for nobody."""

import json

import click

from config.cli.demo_access import hub_of
from config.cli.home import Home
from config.cli.language import said, tell
from config.cli.node_process import manage


@click.command(
    help=said(
        "查看开发短信箱（短信验证码等）；短信过期后消失。",
        "Show the development mailbox (sign-in codes and the like) until its messages expire.",
    )
)
@click.option(
    "--json", "as_json", is_flag=True, help=said("每条一行 JSON。", "A line of JSON each.")
)
@click.pass_obj
def mailbox(home: Home, as_json: bool) -> None:
    """The latest first."""
    lines = manage(home, hub_of(home)["code"], "read_mailbox").splitlines()
    if not lines and not as_json:
        tell("没有未过期的短信", "No message that has not expired")
    for line in lines:
        click.echo(line if as_json else _in_words(json.loads(line)))


def _in_words(letter: dict[str, object]) -> str:
    parameters = letter["parameters"]
    assert isinstance(parameters, dict)  # noqa: S101  read_mailbox says so
    values = " ".join(f"{name}={value}" for name, value in parameters.items())
    return f"{letter['phone']}  {letter['template']}  {values}"
