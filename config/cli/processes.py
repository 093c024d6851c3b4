"""The processes of a node that are ours: web, worker, consumer, and one-off commands."""

import sys
from pathlib import Path

from config.cli.home import PROJECT, Home
from config.cli.leftovers import MARK
from config.cli.supervision import Spec
from config.cli.topology import Node

BLOCKING_THREADS = "4"
# One arena per two threads instead of eight per core: a third less memory in idle processes.
FRUGAL = {"MALLOC_ARENA_MAX": "2"}


def serving_specs(home: Home, node: Node) -> list[Spec]:
    """What answers requests, works off tasks and handles events."""
    programs = Path(sys.executable).parent
    clock = home.node(node.code).path / "celerybeat-schedule"
    web = (
        str(programs / "granian"),
        "--interface",
        "wsgi",
        "config.wsgi:application",
        "--host",
        "127.0.0.1",
        "--port",
        str(node.web_port),
        "--workers",
        "1",
        "--blocking-threads",
        BLOCKING_THREADS,
        "--no-ws",
        "--log-level",
        "warning",
        "--workers-kill-timeout",
        "10",
    )
    worker = (
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config.celery",
        "worker",
        "--beat",
        "--pool",
        "solo",
        "--schedule",
        str(clock),
        "--loglevel",
        "WARNING",
        "--without-gossip",
        "--without-mingle",
        "--hostname",
        f"{node.code}@%h",
    )
    consumer = (sys.executable, str(PROJECT / "manage.py"), "consume_events")
    return [
        _spec(home, node, "web", web),
        _spec(home, node, "worker", worker),
        _spec(home, node, "consumer", consumer),
    ]


def manage_spec(home: Home, node: Node, words: tuple[str, ...]) -> Spec:
    """One run of Django's command line as the node, logged in `<code>-setup.log`."""
    return _spec(home, node, "setup", (sys.executable, str(PROJECT / "manage.py"), *words))


def _spec(home: Home, node: Node, kind: str, argv: tuple[str, ...]) -> Spec:
    environment = home.node(node.code).environment()
    if kind != "setup":
        del environment["OWNER_DATABASE_URL"]  # no serving process can become the owner
    return Spec(
        node=node.code,
        kind=kind,
        argv=argv,
        env={**environment, **FRUGAL, MARK: str(home.path.resolve())},
        cwd=PROJECT,
    )
