"""`jianqiao reset`: give up the province of this home, data and keys included."""

from urllib.parse import urlsplit

import click

from config.cli.down import stop
from config.cli.home import Home, remove
from config.cli.language import said, tell
from config.cli.placement import remove_elsewhere


@click.command(
    help=said(
        "删除此数据目录中的省平台：数据库、密钥、日志。",
        "Remove the province of this home: databases, keys, logs.",
    )
)
@click.option("--yes", is_flag=True, help=said("不再询问。", "Do not ask."))
@click.pass_obj
def reset(home: Home, yes: bool) -> None:
    """Stop what runs, then remove what `up` made; other files in the home stay."""
    if not yes:
        click.confirm(
            said(
                f"将永久删除 {home.path} 中的全部数据与密钥，继续吗？",
                f"All data and keys in {home.path} will be gone for good. Go on?",
            ),
            abort=True,
        )
    stop(home)
    given = _given_databases(home)
    clear(home)
    tell(f"已删除 {home.path} 中的省平台。", f"The province of {home.path} is gone.")
    for place in given:
        tell(
            f"自备服务器未动，如不再需要请自行删除数据库：{place}",
            f"A given server was left as it is; drop its database if you no longer need it: {place}",
        )


def _given_databases(home: Home) -> list[str]:
    """Databases that were not made in this home, without their passwords."""
    places = []
    for code in home.codes():
        url = urlsplit(home.node(code).variables().get("DATABASE_URL", ""))
        if not home.node(code).postgres.exists():
            places.append(f"{url.hostname}:{url.port or 5432}{url.path}")
    return places


def clear(home: Home) -> None:
    """Remove everything `up` and the demo made in the home, and outside it."""
    remove_elsewhere(home)
    for name in ("nodes", "log", "clients"):
        remove(home.path / name)
    for file in (home.endpoints_file, home.province_file, home.run_file, home.demo_file):
        file.unlink(missing_ok=True)
    if home.path.is_dir() and not any(home.path.iterdir()):
        home.path.rmdir()
