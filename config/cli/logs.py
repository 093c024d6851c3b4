"""`jianqiao logs`: what the processes said."""

import time
from pathlib import Path

import click

from config.cli.failures import NothingHere
from config.cli.home import Home
from config.cli.language import said
from config.cli.log_files import LogFile
from config.cli.reporting import COLOURS, WIDTH

KINDS = ("postgres", "redis", "web", "worker", "consumer", "live", "setup")
FOLLOW_SECONDS = 0.3


@click.command(help=said("显示各进程的日志。", "Show the logs of the processes."))
@click.option(
    "--node", "code", help=said("只看此节点（六位代码）。", "Only this node (six digits).")
)
@click.option(
    "--process", type=click.Choice(KINDS), help=said("只看此进程。", "Only this process.")
)
@click.option(
    "--lines", default=20, show_default=True, help=said("每个文件的行数。", "Lines of each file.")
)
@click.option("--follow", "-f", is_flag=True, help=said("持续显示新行。", "Go on with new lines."))
@click.pass_obj
def logs(home: Home, code: str | None, process: str | None, lines: int, follow: bool) -> None:
    """Print the end of each log file, prefixed by its origin."""
    pattern = f"{code or '*'}-{process or '*'}.log"
    files = sorted(home.log.glob(pattern))
    if not files:
        raise NothingHere(f"{home.log} 中没有 {pattern}。", f"There is no {pattern} in {home.log}.")
    positions = {file: file.stat().st_size for file in files}
    for place, file in enumerate(files):
        for line in LogFile(file).tail(lines).splitlines():
            _print(file, place, line)
    while follow:
        time.sleep(FOLLOW_SECONDS)
        for place, file in enumerate(files):
            for line in _new_lines(file, positions):
                _print(file, place, line)


def _new_lines(file: Path, positions: dict[Path, int]) -> list[str]:
    """Whole lines written since the last look; a file that shrank was begun anew."""
    size = file.stat().st_size if file.exists() else 0
    if size < positions[file]:
        positions[file] = 0
    if size == positions[file]:
        return []
    with file.open("rb") as stream:
        stream.seek(positions[file])
        content = stream.read()
    whole = content[: content.rfind(b"\n") + 1]
    positions[file] += len(whole)
    return whole.decode(errors="replace").splitlines()


def _print(file: Path, place: int, line: str) -> None:
    origin = file.stem.replace("-", " ").ljust(WIDTH)
    click.echo(click.style(f"{origin} │ ", fg=COLOURS[place % len(COLOURS)]) + line)
