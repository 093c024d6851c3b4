"""`jianqiao messages`: what a hospital pushed and was refused; mending and replaying it.

It speaks to the public API with the hospital's own credentials, as `jianqiao push` does.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import update_wrapper
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import orjson

from config.cli.failures import StepFailed
from config.cli.home import Home
from config.cli.hospital_client import Answer, HospitalClient, client_of
from config.cli.language import said, tell

Command = Callable[..., None]
FILTERS = (
    click.option("--rule", help=said("只看违反此规则的。", "Only those that broke this rule.")),
    click.option(
        "--type", "kind", metavar="TYPE",
        help=said("只看此资源类型有问题的。", "Only those with something wrong in this resource type."),
    ),
    click.option("--since", metavar="TIME", help=said("自此时刻（含时区）。", "From this time on.")),
    click.option("--until", metavar="TIME", help=said("至此时刻（含时区）。", "Before this time.")),
)  # fmt: skip


def _of_hospital(command: Command) -> Command:
    """Give the command the client of `--hospital`."""

    def asked(home: Home, /, hospital: str, **named: Any) -> None:
        command(client_of(home, hospital), **named)

    update_wrapper(asked, command)
    option = click.option(
        "--hospital", required=True, metavar="CODE",
        help=said("机构登记号。", "Registration number."),
    )  # fmt: skip
    return option(click.pass_obj(asked))


def _filtered(command: Command) -> Command:
    for option in reversed(FILTERS):
        command = option(command)
    return command


@click.group(help=said("被拒收的消息：查看、修正、重放。", "Refused messages: look, mend, replay."))
def messages() -> None:
    """Group of the commands below."""


@messages.command("list", help=said("列出被拒收的消息。", "List the refused messages."))
@_filtered
@click.option(
    "--json", "as_json", is_flag=True, help=said("每条一行 JSON。", "A line of JSON each.")
)
@_of_hospital
def list_(client: HospitalClient, *, as_json: bool, **wanted: str | None) -> None:
    """Id, time, rules, types and the hospital's own id of each; then how many by rule."""
    rules: Counter[str] = Counter()
    for one in _all(client, _filter(**wanted)):
        rules.update(one["rules"])
        if as_json:
            click.echo(orjson.dumps(one))
            continue
        click.echo(
            f"{one['id']}  {one['received_at'][:19]}  {','.join(one['rules'])}  "
            f"{','.join(one['types']) or '-'}  {one['message_id']}"
        )
    for rule, count in rules.most_common() if not as_json else ():
        click.echo(f"{count:>7}  {rule}")


@messages.command(help=said("查看一条消息及拒收原因。", "Show a message and why it was refused."))
@click.argument("message", type=click.UUID)
@click.option(
    "--content", is_flag=True, help=said("输出消息原文。", "Write out the message itself.")
)
@_of_hospital
def show(client: HospitalClient, *, message: object, content: bool) -> None:
    """Its reasons with path, rule and remedy; or its bytes as they came."""
    if content:
        click.echo(_done(client.call("GET", f"/messages/{message}/content")).data, nl=False)
        return
    told = _done(client.call("GET", f"/messages/{message}")).body
    request = told["request"] or {"method": "POST", "url": "Bundle"}
    click.echo(f"{told['id']}  {told['received_at'][:19]}  {request['method']} {request['url']}")
    _print_reasons(told["reasons"])


@messages.command(
    help=said("用修正后的文件替换一条消息并重放。", "Replay a message with a mended file instead.")
)
@click.argument("message", type=click.UUID)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_of_hospital
def mend(client: HospitalClient, *, message: object, file: Path) -> None:
    """Exit 1 when it is refused again."""
    _judge(_done(client.call("PUT", f"/messages/{message}/content", file.read_bytes())).body)


@messages.command(
    help=said(
        "重放一条消息，或所有符合条件的消息。",
        "Replay one message, or all that the filter lets through.",
    )
)
@click.argument("message", type=click.UUID, required=False)
@click.option("--all", "everything", is_flag=True, help=said("全部重放。", "All of them."))
@_filtered
@_of_hospital
def replay(
    client: HospitalClient, *, message: object | None, everything: bool, **wanted: str | None
) -> None:
    """By id, by filter, or all; exit 1 when one is refused again."""
    asked = _filter(**wanted)
    if message is None and not (asked or everything):
        raise click.UsageError(
            said("给出编号、筛选条件或 --all。", "Give an id, a filter or --all.")
        )
    if message is not None:
        _judge(_done(client.call("POST", f"/messages/{message}/replay")).body)
        return
    total: Counter[str] = Counter()
    place: str | None = None
    while True:
        body = orjson.dumps(asked | ({"cursor": place} if place else {}))
        told = _done(client.call("POST", "/messages/replay", body)).body
        place = told.pop("next")
        total.update(told)
        if place is None:
            break
    tell(
        f"重放 {total['replayed']} 条：{total['accepted']} 条接收，{total['refused']} 条仍被拒收",
        f"{total['replayed']} replayed: {total['accepted']} accepted, {total['refused']} refused again",
    )
    if total["refused"]:
        raise click.exceptions.Exit(1)


def _filter(
    *, rule: str | None, kind: str | None, since: str | None, until: str | None
) -> dict[str, str]:
    given = {"rule": rule, "type": kind, "since": since, "until": until}
    return {name: value for name, value in given.items() if value}


def _all(client: HospitalClient, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
    place: dict[str, str] = {}
    while True:
        query = urlencode(asked | place)
        page = _done(client.call("GET", f"/messages?{query}")).body
        yield from page["items"]
        if page["next"] is None:
            return
        place = {"cursor": page["next"]}


def _done(answer: Answer) -> Answer:
    if not answer.ok:
        body = answer.body if isinstance(answer.body, dict) else {}
        why = str(body.get("detail") or body.get("title") or answer.status)
        raise StepFailed(why, why)
    return answer


def _judge(told: dict[str, Any]) -> None:
    if told["state"] == "accepted":
        tell(f"{told['id']}  已接收", f"{told['id']}  accepted")
        return
    tell(f"{told['id']}  仍被拒收", f"{told['id']}  refused again")
    _print_reasons(told["reasons"])
    raise click.exceptions.Exit(1)


def _print_reasons(reasons: list[dict[str, str]]) -> None:
    for one in reasons:
        click.echo(f"    {one['path'] or '-'}  [{one['rule']}]  {one['text']}")
