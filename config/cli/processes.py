"""The processes of a node that are ours: web, worker, consumer, the hub's live, and one-off commands."""

import sys
from dataclasses import replace

from config.cli.home import PROJECT, Home
from config.cli.leftovers import MARK
from config.cli.supervision import Spec
from config.cli.topology import Node

WEB = ("--interface", "wsgi", "--blocking-threads", "4", "--no-ws")
LIVE = ("--interface", "asginl", "--loop", "asyncio", "--no-ws", "--workers", "1")
WEB_LOG = ("--log-level", "warning")
WORKER = ("--beat", "--pool", "solo", "--without-gossip", "--without-mingle", "-l", "WARNING")
BEATING = frozenset({"worker", "consumer"})
FRUGAL = {"MALLOC_ARENA_MAX": "2"}  # glibc gives every thread a heap of its own otherwise
# As root Celery warns of pickled messages at each start; ours are JSON only.
UNALARMED = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}


def serving_specs(home: Home, node: Node) -> list[Spec]:
    """What answers requests, works off tasks and handles events; at the hub also what keeps streams."""
    clock = home.node(node.code).path / "celerybeat-schedule"
    web = (
        *(sys.executable, "-m", "granian", "config.wsgi:application", *WEB, *WEB_LOG),
        *("--host", "127.0.0.1", "--port", str(node.web_port), "--workers", str(node.web_workers)),
    )
    worker = (
        *(sys.executable, "-m", "celery", "-A", "config.celery", "--quiet", "worker", *WORKER),
        *("--schedule", str(clock), "--hostname", f"{node.code}@%h"),
    )
    consumer = (sys.executable, str(PROJECT / "manage.py"), "consume_events")
    live = (
        *(sys.executable, "-m", "granian", "config.live:application", *LIVE, *WEB_LOG),
        *("--host", "127.0.0.1", "--port", str(node.live_port)),
    )
    specs = [
        _spec(home, node, "web", web),
        replace(spec := _spec(home, node, "worker", worker), env={**spec.env, **UNALARMED}),
        _spec(home, node, "consumer", consumer),
    ]
    return [*specs, _spec(home, node, "live", live)] if node.role == "province" else specs


def manage_spec(home: Home, node: Node, words: tuple[str, ...]) -> Spec:
    """One run of Django's command line as the node, logged in `<code>-setup.log`."""
    return _spec(home, node, "setup", (sys.executable, str(PROJECT / "manage.py"), *words))


def _spec(home: Home, node: Node, kind: str, argv: tuple[str, ...]) -> Spec:
    environment = home.node(node.code).environment()
    heartbeat = home.node(node.code).path / f"{kind}.heartbeat" if kind in BEATING else None
    if heartbeat is not None:
        environment["HEARTBEAT_FILE"] = str(heartbeat)
    if kind != "setup":
        del environment["OWNER_DATABASE_URL"]  # no serving process can become the owner
    return Spec(
        node=node.code,
        kind=kind,
        argv=argv,
        env={**environment, **FRUGAL, MARK: str(home.path.resolve())},
        cwd=PROJECT,
        heartbeat=heartbeat,
    )
