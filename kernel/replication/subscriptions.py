"""One subscription per direction and pair, and what it must contain.

All functions take a psycopg2 connection in autocommit: CREATE SUBSCRIPTION is refused inside a
transaction (docs/replication.md, pitfall 16).
"""

from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import make_dsn, parse_dsn

from kernel.replication.names import replication_role, slot, subscription

OPTIONS = "streaming = parallel, disable_on_error = false, origin = any"


@dataclass(frozen=True)
class Stream:
    """One direction of a pair: who publishes what for whom."""

    publisher: str
    subscriber: str
    publications: tuple[str, ...]
    publisher_dsn: str
    password: str

    @property
    def name(self) -> str:
        """Name of the subscription."""
        return subscription(self.publisher)

    @property
    def login_dsn(self) -> str:
        """Connection string of the subscriber's replication login at the publisher."""
        parts = parse_dsn(self.publisher_dsn)
        parts |= {
            "user": replication_role(self.subscriber),
            "password": self.password,
            "application_name": f"jianqiao-{self.subscriber}",
        }
        return str(make_dsn(**parts))


class StreamIncomplete(Exception):
    """After enrolment a publication or a table is missing; PostgreSQL only warns of it."""


def connect(dsn: str) -> Connection:
    """Connection in autocommit."""
    opened = psycopg2.connect(dsn)
    opened.autocommit = True
    return opened


def open_stream(subscriber: Connection, stream: Stream, *, epoch: int | None = None) -> None:
    """Subscribe, with the initial copy; nothing happens where the subscription exists."""
    with subscriber.cursor() as cursor:
        if current_epoch(cursor, stream.publisher) is not None:
            return
        cursor.execute(
            sql.SQL(
                "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (slot_name = {}, "
                + OPTIONS
                + ")"
            ).format(
                sql.Identifier(stream.name),
                sql.Literal(stream.login_dsn),
                sql.SQL(", ").join(map(sql.Identifier, stream.publications)),
                sql.Literal(slot(stream.subscriber, epoch or 1)),
            )
        )


def close_stream(subscriber: Connection, publisher: str) -> int:
    """Drop the subscription and its slot; returns the epoch it had, 0 without one.

    A slot that the publisher cannot drop now (down, or already lost) is left to `drop_slots`.
    """
    name = sql.Identifier(subscription(publisher))
    with subscriber.cursor() as cursor:
        epoch = current_epoch(cursor, publisher)
        if epoch is None:
            return 0
        cursor.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(name))
        try:
            cursor.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))
        except psycopg2.Error:
            cursor.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(name))
            cursor.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))
        return epoch


def drop_slots(publisher: Connection, subscriber: str) -> None:
    """Drop every slot a subscriber left on the publisher; needs the superuser's connection."""
    with publisher.cursor() as cursor:
        cursor.execute(
            "SELECT slot_name, active_pid FROM pg_replication_slots"
            " WHERE database = current_database() AND slot_name LIKE %s",
            [slot(subscriber, 0).removesuffix("0").replace("_", r"\_") + "%"],
        )
        for name, pid in cursor.fetchall():
            if pid is not None:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            cursor.execute("SELECT pg_drop_replication_slot(%s)", [name])


def refresh_stream(subscriber: Connection, publisher: str) -> None:
    """Take up tables that were added to the publications since."""
    with subscriber.cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION").format(
                sql.Identifier(subscription(publisher))
            )
        )


def current_epoch(cursor: Any, publisher: str) -> int | None:
    """Epoch of the subscription to a publisher, None without one."""
    cursor.execute(
        "SELECT subslotname FROM pg_subscription WHERE subname = %s AND subdbid ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())",
        [subscription(publisher)],
    )
    row = cursor.fetchone()
    if row is None:
        return None
    return int(row[0].rpartition("_e")[2]) if row[0] else 0


def require_complete(publisher: Connection, subscriber: Connection, stream: Stream) -> None:
    """Compare what is published with what is subscribed; raise `StreamIncomplete` on a gap."""
    with publisher.cursor() as cursor:
        cursor.execute(
            "SELECT pubname FROM pg_publication WHERE pubname = ANY(%s)",
            [list(stream.publications)],
        )
        there = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT DISTINCT tablename FROM pg_publication_tables WHERE pubname = ANY(%s)",
            [list(stream.publications)],
        )
        published = {name for (name,) in cursor.fetchall()}
    with subscriber.cursor() as cursor:
        cursor.execute(
            "SELECT subpublications FROM pg_subscription WHERE subname = %s", [stream.name]
        )
        row = cursor.fetchone()
        subscribed_to = set(row[0]) if row else set()
        cursor.execute(
            "SELECT srrelid::regclass::text FROM pg_subscription_rel r"
            " JOIN pg_subscription s ON s.oid = r.srsubid WHERE s.subname = %s",
            [stream.name],
        )
        received = {name.strip('"') for (name,) in cursor.fetchall()}
    missing = sorted(set(stream.publications) - (there & subscribed_to)) + sorted(
        published - received
    )
    if missing:
        raise StreamIncomplete(
            f"{stream.publisher} -> {stream.subscriber}: missing {', '.join(missing)}"
        )
