"""The files that make a process a node: its env file, keys and secrets."""

import base64
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.cli.clusters import password_of
from config.cli.home import NodeHome, write_private
from config.cli.redis_servers import redis_url
from config.cli.topology import Node

DATABASE = "jianqiao"
MAILBOX = "registry.sms.mailbox.deliver"


def make_keys(home: NodeHome) -> None:
    """Make the node's signing key, master key and secret; existing ones stay."""
    home.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    makers = {"node.pem": _signing_key, "master.key": _master_key, "secret": _secret}
    for name, make in makers.items():
        if not (home.keys / name).exists():
            write_private(home.keys / name, make())


def write_env(node: Node, home: NodeHome) -> dict[str, str]:
    """Write the node's variables; lines that somebody added are kept."""
    given = node.given
    redis = given.redis_url or redis_url(node, home)
    ours = {
        "NODE_CODE": node.code,
        "NODE_URL": node.url,
        "DATABASE_URL": given.database_url or local_url(node, home, "app"),
        "OWNER_DATABASE_URL": given.owner_database_url or local_url(node, home, "owner"),
        "REDIS_URL": redis,
        "BROKER_URL": given.broker_url or redis,
        "SECRET_KEY_FILE": str(home.keys / "secret"),
        "NODE_KEY_FILE": str(home.keys / "node.pem"),
        "MASTER_KEY_FILE": str(home.keys / "master.key"),
    }
    if node.role == "province":
        ours["STREAM_URL"] = node.live_url
    usual = {"SMS_ADAPTER": MAILBOX} if node.code.endswith("0000") else {}
    before = home.variables() if home.env_file.exists() else {}
    variables = {**usual, **before, **ours}
    write_private(
        home.env_file,
        "# Written by `jianqiao up`; variables you add are kept (docs/configuration.md).\n"
        + "".join(f"{name}={value}\n" for name, value in variables.items()),
    )
    return variables


def local_url(node: Node, home: NodeHome, login: str) -> str:
    """Address of the local cluster for `app` or `owner`."""
    password = password_of(home, login)
    return f"postgresql://jianqiao_{login}:{password}@127.0.0.1:{node.postgres_port}/{DATABASE}"


def _signing_key() -> str:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return pem.decode()


def _master_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _secret() -> str:
    return secrets.token_urlsafe(48)
