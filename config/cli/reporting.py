"""How a start is told: on the terminal, or through a pipe to the one who detached it."""

import json
import os
from collections.abc import Sequence
from typing import Any, Protocol

import click

from config.cli.language import said
from config.cli.supervision import Spec

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_cyan", "bright_magenta")
WIDTH = len("620000 postgres")


class Reporter(Protocol):
    """Receives the story of a start."""

    shows_lines: bool

    def step(self, zh: str, en: str) -> None:
        """A step begins."""

    def ready(self, nodes: Sequence[dict[str, Any]], seconds: float) -> None:
        """Every node is ready."""

    def line(self, spec: Spec, text: str) -> None:
        """A process said something."""


class Terminal:
    """Prints steps, addresses and the processes' lines, coloured by node and prefixed."""

    shows_lines = True

    def __init__(self) -> None:
        self._colours: dict[str, str] = {}

    def step(self, zh: str, en: str) -> None:
        """Print what is being done."""
        click.echo(click.style("→ ", fg="green", bold=True) + said(zh, en))

    def ready(self, nodes: Sequence[dict[str, Any]], seconds: float) -> None:
        """Print every address."""
        click.echo(addresses(nodes, seconds))

    def line(self, spec: Spec, text: str) -> None:
        """Print a line with its origin in front."""
        colour = self._colours.setdefault(spec.node, COLOURS[len(self._colours) % len(COLOURS)])
        origin = f"{spec.node} {spec.kind}".ljust(WIDTH)
        click.echo(click.style(f"{origin} │ ", fg=colour) + text)


class Pipe:
    """Writes one JSON object a line to a file descriptor; a reader that left does not matter."""

    shows_lines = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def step(self, zh: str, en: str) -> None:
        """Pass a step on."""
        self.send({"step": [zh, en]})

    def ready(self, nodes: Sequence[dict[str, Any]], seconds: float) -> None:
        """Pass the addresses on."""
        self.send({"ready": list(nodes), "seconds": seconds})

    def line(self, spec: Spec, text: str) -> None:
        """Lines stay in the log files."""

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        try:
            os.write(self._descriptor, json.dumps(message).encode() + b"\n")
        except OSError:
            return


def addresses(nodes: Sequence[dict[str, Any]], seconds: float) -> str:
    """The table of addresses that ends a start."""
    rows = [f"  {node['code']}  {node['url']}   {node['name']}" for node in nodes]
    title = said(
        f"省平台已就绪（{seconds:.1f} 秒），接口文档在各地址的 /api/v1/docs：",
        f"The province is ready ({seconds:.1f} s); API docs at /api/v1/docs of each address:",
    )
    return "\n".join([click.style(title, fg="green", bold=True), *rows])
