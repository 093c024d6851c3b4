"""Pytest plugin: runs the suite as one node, on a throw-away cluster of its own.

`pytest --node hub` (the default) or `pytest --node city`. The controller starts one PostgreSQL cluster
and puts the node's variables into the environment, where the workers find them; each worker makes its
own database. It is named by `-p` because Django's settings are read before any conftest.
"""

import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests import cluster

NODES = {"hub": "620000", "city": "620100"}
STARTED = "JIANQIAO_TEST_CLUSTER"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --node."""
    parser.addoption("--node", choices=sorted(NODES), default="hub", help="role the suite runs in")
    parser.addoption("--kill-seed", type=int, help="repeat a schedule of tests/system/test_kill.py")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Become the node before Django reads its settings; a wrapper, to be before pytest-django."""
    _become_node(early_config)
    return (yield)


def _become_node(early_config: pytest.Config) -> None:
    options = early_config.known_args_namespace
    if STARTED in os.environ or options.help or options.version:
        return
    cluster.remove_leftovers()
    running = cluster.start()
    early_config.add_cleanup(running.stop)
    keys = running.root / "keys"
    keys.mkdir()
    os.environ |= {
        STARTED: str(running.root),
        "NODE_CODE": NODES[options.node],
        "NODE_URL": "http://testserver",
        "NODE_KEY_FILE": str(_node_key(keys)),
        "MASTER_KEY_FILE": str(_written(keys / "master.key", _random_key())),
        "SECRET_KEY": secrets.token_hex(16),
        "ALLOWED_HOSTS": "testserver,127.0.0.1",
        "DATABASE_URL": running.owner_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BROKER_URL": "memory://",
        "COMMAND_TIMEOUT_SECONDS": "30",
    }
    os.environ.pop("OWNER_DATABASE_URL", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of the other role."""
    role = "hub" if os.environ["NODE_CODE"].endswith("0000") else "city"
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        marker = item.get_closest_marker("node")
        fits = marker is None or marker.args[0] in {role, "both"}
        (kept if fits else left_out).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def _node_key(folder: Path) -> Path:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return _written(folder / "node.pem", pem.decode())


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="ascii")
    return path
