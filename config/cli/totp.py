"""`jianqiao totp`: one-time codes of the demo's staff, and a new start for who lost an authenticator."""

import json
import time

import click

from config.cli.failures import NothingHere
from config.cli.home import Home
from config.cli.language import said, tell
from config.cli.node_process import manage
from registry.accounts.rules import STEP_SECONDS, code_at, secret_of_words, step_at


@click.command(
    help=said(
        "输出演示账号当前的动态验证码；--reset 重置任一账号的第二因素，下次登录时重新绑定。",
        "Print the present one-time code of a demo account; --reset lets any account set up anew.",
    )
)
@click.argument("login")
@click.option("--reset", is_flag=True, help=said("在各节点重置。", "Reset at every node."))
@click.pass_obj
def totp(home: Home, login: str, reset: bool) -> None:
    """The code and for how many seconds it is the present one."""
    if reset:
        _reset(home, login)
        return
    secrets = [row.get("totp_secret") for row in home.endpoints()["users"] if row["login"] == login]
    secret = next(filter(None, secrets), None)
    if secret is None:
        raise NothingHere(
            f"endpoints.json 中没有 {login} 的密钥。", f"endpoints.json has no secret of {login}."
        )
    left = STEP_SECONDS - int(time.time()) % STEP_SECONDS
    click.echo(code_now(secret))
    tell(f"{left} 秒后更换", f"changes in {left} s", err=True)


def code_now(totp_secret: str) -> str:
    """The present code of a secret in words, as endpoints.json has it."""
    return code_at(secret_of_words(totp_secret), step_at(time.time()))


def _reset(home: Home, login: str) -> None:
    endpoints = home.endpoints()
    told = json.dumps({"reset": [login]})
    answers = {
        row["code"]: json.loads(manage(home, row["code"], "second_factor", told=told))
        for row in endpoints["nodes"]
    }
    done = [code for code, answer in answers.items() if answer["reset"]]
    if not done:
        raise NothingHere(f"{login} 未绑定动态验证码。", f"{login} has no authenticator.")
    for row in endpoints["users"]:
        if row["login"] == login:
            row.pop("totp_secret", None)
    home.write_endpoints(users=endpoints["users"])
    tell(f"已在 {' '.join(done)} 重置 {login}", f"{login} was reset at {' '.join(done)}")
