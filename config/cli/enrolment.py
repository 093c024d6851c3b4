"""Logins of a node's cluster, and what the hub needs to know to enrol a city."""

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from psycopg2 import sql
from psycopg2.extensions import make_dsn, parse_dsn

from config.cli.clusters import SUPERUSER, password_of
from config.cli.failures import ServerUnfit
from config.cli.home import Home, NodeHome
from config.cli.memory import fingerprint
from config.cli.node_settings import local_url
from config.cli.topology import Node
from kernel.replication.bootstrap import prepare_cluster
from kernel.replication.names import subscription
from kernel.replication.subscriptions import OPTIONS, connect, is_ahead, stop_stream


@dataclass(frozen=True)
class Logins:
    """How to reach a node's database as its owner, its application and its superuser."""

    code: str
    owner_url: str
    app_url: str
    superuser_dsn: str | None

    @property
    def database(self) -> str:
        """Name of the node's database."""
        return str(parse_dsn(self.owner_url)["dbname"])

    def superuser_of(self, database: str) -> str:
        """Connection string of the superuser for one database of the cluster."""
        if self.superuser_dsn is None:
            raise ServerUnfit(
                f"节点 {self.code}：首次启动和接入需要 JIANQIAO_{self.code}_SUPERUSER_URL"
                "（建立登录、数据库和复制账户），之后可以去掉。",
                f"Node {self.code}: the first start and enrolment need "
                f"JIANQIAO_{self.code}_SUPERUSER_URL (it makes logins, database and the replication "
                "login); it may be taken away afterwards.",
            )
        return make_dsn(self.superuser_dsn, dbname=database)


def logins(node: Node, home: NodeHome) -> Logins:
    """The node's logins, given or local."""
    given = node.given
    if given.database_url and given.owner_database_url:
        return Logins(node.code, given.owner_database_url, given.database_url, given.superuser_url)
    superuser = make_dsn(
        host="127.0.0.1",
        port=node.postgres_port,
        user=SUPERUSER,
        password=password_of(home, "superuser"),
    )
    return Logins(
        node.code, local_url(node, home, "owner"), local_url(node, home, "app"), superuser
    )


def prepare(login: Logins) -> None:
    """Make roles and database of the node's cluster."""
    maintenance = parse_dsn(login.superuser_dsn or "").get("dbname", "postgres")
    prepare_cluster(
        login.superuser_of(str(maintenance)),
        owner_password=str(parse_dsn(login.owner_url).get("password", "")),
        app_password=str(parse_dsn(login.app_url).get("password", "")),
        database=login.database,
    )


def state_of(hub: Node, city: Node, home: Home) -> str:
    """Changes when an address or a key of either end changes, so that enrolment is repeated."""
    facts = []
    for node in (hub, city):
        facts += [
            node.name,
            node.url,
            logins(node, home.node(node.code)).owner_url,
            _public_key(node, home),
        ]
    return fingerprint(*facts)


def both_ends(hub: Node, city: Node, home: Home, *, known: bool = False) -> str:
    """What `manage.py enrol_city` and `reload_node` read from standard input.

    The superusers are needed to make replication logins; not any more for a city that is `known`.
    """
    ends = {"hub": _end(hub, home, known=known), "city": _end(city, home, known=known)}
    return json.dumps(ends)


def readdress(hub: Node, city: Node, home: Home) -> None:
    """Give existing subscriptions the present addresses and options; ports may have changed."""
    ends = {node.code: logins(node, home.node(node.code)) for node in (hub, city)}
    for subscriber, publisher in ((hub, city), (city, hub)):
        here, there = ends[subscriber.code], parse_dsn(ends[publisher.code].owner_url)
        connection = psycopg2.connect(here.superuser_of(here.database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT subconninfo FROM pg_subscription WHERE subname = %s",
                    [subscription(publisher.code)],
                )
                row = cursor.fetchone()
                if row is None:
                    continue
                dsn = make_dsn(
                    row[0],
                    host=there.get("host", ""),
                    port=there.get("port", "5432"),
                    dbname=there["dbname"],
                )
                cursor.execute(
                    sql.SQL("ALTER SUBSCRIPTION {} CONNECTION {}").format(
                        sql.Identifier(subscription(publisher.code)), sql.Literal(dsn)
                    )
                )
                cursor.execute(
                    sql.SQL("ALTER SUBSCRIPTION {} SET (" + OPTIONS + ")").format(
                        sql.Identifier(subscription(publisher.code))
                    )
                )
        finally:
            connection.close()


def stop_restored(hub: Node, city: Node, home: Home) -> list[str]:
    """Stop both streams of a pair of which a node was restored from a copy; the codes of those.

    Both have lost rows: new ones of the restored node would be skipped, and what it had received since
    the copy does not come again. On given servers this needs the superusers.
    """
    ends = [logins(node, home.node(node.code)) for node in (hub, city)]
    if any(end.superuser_dsn is None for end in ends):
        return []
    with (
        closing(connect(ends[0].superuser_of(ends[0].database))) as at_hub,
        closing(connect(ends[1].superuser_of(ends[1].database))) as at_city,
    ):
        pairs = ((at_hub, at_city, city.code), (at_city, at_hub, hub.code))
        restored = [code for here, there, code in pairs if is_ahead(here, there, code)]
        if restored:
            for here, _, code in pairs:
                stop_stream(here, code)
    return restored


def _end(node: Node, home: Home, *, known: bool) -> dict[str, Any]:
    login = logins(node, home.node(node.code))
    superuser = "" if known and login.superuser_dsn is None else login.superuser_of(login.database)
    return {
        "code": node.code,
        "name": node.name,
        "url": node.url,
        "public_key": _public_key(node, home),
        "owner_dsn": login.owner_url,
        "superuser_dsn": superuser,
    }


def _public_key(node: Node, home: Home) -> str:
    private = load_pem_private_key((home.node(node.code).keys / "node.pem").read_bytes(), None)
    return (
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    )
