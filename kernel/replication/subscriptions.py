"""One subscription per direction and pair, and what it must contain.

All functions take a psycopg2 connection in autocommit: CREATE SUBSCRIPTION is refused inside a
transaction (docs/replication.md, pitfall 16).
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import make_dsn, parse_dsn

from kernel.replication.names import replication_role, slot, subscription

OPTIONS = "binary = true, streaming = parallel, disable_on_error = false, origin = any"
"""Binary: no column changes its type while it is published (ADR 0003), so both ends have the same types."""


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


class Subscribed(NamedTuple):
    """A subscription as its own end knows it."""

    enabled: bool
    slot: str | None


class StreamIncomplete(Exception):
    """After enrolment a publication or a table is missing; PostgreSQL only warns of it."""


def connect(dsn: str) -> Connection:
    """Connection in autocommit."""
    opened = psycopg2.connect(dsn)
    opened.autocommit = True
    return opened


def open_stream(subscriber: Connection, stream: Stream, *, enabled: bool = True) -> None:
    """Subscribe under a new epoch, with the initial copy; not enabled, it begins with `start_stream`."""
    with subscriber.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (slot_name = {}, enabled = {}, "
                + OPTIONS
                + ")"
            ).format(
                sql.Identifier(stream.name),
                sql.Literal(stream.login_dsn),
                sql.SQL(", ").join(map(sql.Identifier, stream.publications)),
                sql.Literal(slot(stream.subscriber, int(time.time()))),
                sql.Literal(enabled),
            )
        )


def start_stream(subscriber: Connection, publisher: str) -> None:
    """Switch a subscription on."""
    _switch(subscriber, publisher, "ENABLE")


def close_stream(subscriber: Connection, publisher: str) -> None:
    """Drop the subscription and its slot, if there is one.

    A slot that the publisher cannot drop now (down, or already lost) is left to `drop_slots`.
    """
    name = sql.Identifier(subscription(publisher))
    if state_of(subscriber, publisher) is None:
        return
    with subscriber.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(name))
        try:
            cursor.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))
        except psycopg2.Error:
            cursor.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(name))
            cursor.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))


def drop_slots(publisher: Connection, subscriber: str, cluster: str) -> None:
    """Drop every slot a subscriber left on the publisher, also those of its table copies.

    Those carry the system identifier of the subscriber's cluster. Needs the superuser's connection.
    """
    with publisher.cursor() as cursor:
        cursor.execute(
            "SELECT slot_name, active_pid FROM pg_replication_slots"
            " WHERE database = current_database() AND slot_name ~ %s",
            [rf"^to_{subscriber}_e\d+$|^pg_\d+_sync_\d+_{cluster}$"],
        )
        for name, pid in cursor.fetchall():
            if pid is not None:
                cursor.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])
            cursor.execute("SELECT pg_drop_replication_slot(%s)", [name])


def refresh_stream(subscriber: Connection, publisher: str) -> None:
    """Take up tables that were added to the publications since."""
    with subscriber.cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION").format(
                sql.Identifier(subscription(publisher))
            )
        )


def cluster_of(subscriber: Connection) -> str:
    """System identifier of a subscriber's cluster."""
    with subscriber.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        return str(cursor.fetchone()[0])  # type: ignore[index]


def state_of(subscriber: Connection, publisher: str) -> Subscribed | None:
    """The subscription to a publisher, None without one."""
    with subscriber.cursor() as cursor:
        cursor.execute(
            "SELECT subenabled, subslotname FROM pg_subscription WHERE subname = %s AND subdbid ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            [subscription(publisher)],
        )
        row = cursor.fetchone()
    return Subscribed(*row) if row else None


def is_ahead(subscriber: Connection, publisher: Connection, code: str) -> bool:
    """Whether a subscriber applied what its publisher never wrote: that one is restored from a copy.

    Needs the superuser's connection at the subscriber.
    """
    with subscriber.cursor() as cursor:
        cursor.execute(
            "SELECT pg_replication_origin_progress('pg_' || oid, true)::text FROM pg_subscription"
            " WHERE subname = %s",
            [subscription(code)],
        )
        row = cursor.fetchone()
    if row is None or row[0] is None:
        return False
    with publisher.cursor() as cursor:
        cursor.execute("SELECT %s::pg_lsn > pg_current_wal_lsn()", [row[0]])
        return cursor.fetchone() == (True,)


def stop_stream(subscriber: Connection, publisher: str) -> None:
    """Switch the subscription off, if there is one; a reload makes a new one."""
    if state_of(subscriber, publisher) is not None:
        _switch(subscriber, publisher, "DISABLE")


def _switch(subscriber: Connection, publisher: str, word: str) -> None:
    statement = sql.SQL("ALTER SUBSCRIPTION {} {}")
    with subscriber.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(subscription(publisher)), sql.SQL(word)))


def can_flow(publisher: Connection, subscriber: Connection, stream: Stream) -> bool:
    """Whether the subscription is enabled and the publisher has its slot."""
    subscribed = state_of(subscriber, stream.publisher)
    if subscribed is None or not subscribed.enabled:
        return False
    with publisher.cursor() as cursor:
        cursor.execute("SELECT FROM pg_replication_slots WHERE slot_name = %s", [subscribed.slot])
        return cursor.rowcount > 0


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
