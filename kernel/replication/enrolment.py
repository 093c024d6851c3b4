"""Enrolling a city with the hub, and loading a copy again. Runs at the hub as table owner."""

import secrets
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import parse_dsn

from kernel.audit import archive
from kernel.postgres.homes import Home
from kernel.replication import grants, partitions, publications
from kernel.replication.bootstrap import prepare_replication_login
from kernel.replication.names import city_publications, hub_publications, replication_role
from kernel.replication.subscriptions import (
    Stream,
    can_flow,
    close_stream,
    cluster_of,
    connect,
    drop_slots,
    open_stream,
    refresh_stream,
    require_complete,
    start_stream,
    state_of,
)
from kernel.replication.tables import models_of, table_of


@dataclass(frozen=True)
class NodeEnds:
    """Connection strings of one node: table owner, and superuser for replication login and slots."""

    code: str
    owner_dsn: str
    superuser_dsn: str


def enrol(hub: NodeEnds, city: NodeEnds) -> list[str]:
    """Open both streams between the hub and a city, with the initial copy. Safe to repeat.

    The names of the streams that cannot flow come back: they were stopped, or the publisher lost
    their slot, and only a reload opens them. Raises `StreamIncomplete` when a publication or table is
    missing from another.
    """
    with closing(connect(hub.owner_dsn)) as at_hub, closing(connect(city.owner_dsn)) as at_city:
        down, up = _streams(hub, city)
        make_room(city.code)
        dead = []
        for stream, publisher, there, here in (
            (down, hub, at_hub, at_city),
            (up, city, at_city, at_hub),
        ):
            if state_of(here, publisher.code) is None:
                let_in(publisher, stream)
                clear(publisher, there, here, stream)
                open_stream(here, stream)
            elif not can_flow(there, here, stream):
                dead.append(f"{publisher.code} -> {stream.subscriber}")
                continue
            refresh_stream(here, publisher.code)
            require_complete(there, here, stream)
        return dead


def now_at(node: NodeEnds) -> UUID:
    """An id made by the node's own clock, which its rows are dated by."""
    with closing(connect(node.owner_dsn)) as there, there.cursor() as cursor:
        cursor.execute("SELECT uuidv7()::text")
        return UUID(cursor.fetchone()[0])  # type: ignore[index]


def reload_at_hub(hub: NodeEnds, city: NodeEnds) -> None:
    """Throw away the hub's copy of one city and copy it again under a new epoch.

    Needed after the city's database was restored from a backup, or its slot was lost. Deliveries
    already done stay done, so no event is handled twice; the other cities go on meanwhile. Audit rows
    and seals that the city lacks are kept apart, because the hub may be their last witness.
    """
    _, up = _streams(hub, city)
    with closing(connect(hub.owner_dsn)) as at_hub, closing(connect(city.owner_dsn)) as at_city:

        def keep_and_forget(cursor: Any, code: str) -> None:
            archive.keep(here=at_hub, there=at_city, node=code)
            _forget_city(cursor, code)

        _copy_again(up, city, at_city, at_hub, keep_and_forget)


def reload_at_city(hub: NodeEnds, city: NodeEnds) -> None:
    """Throw away a city's copy of the hub's rows and copy them again under a new epoch."""
    down, _ = _streams(hub, city)
    with closing(connect(hub.owner_dsn)) as at_hub, closing(connect(city.owner_dsn)) as at_city:
        _copy_again(down, hub, at_hub, at_city, _forget_hub)


def _copy_again(
    stream: Stream,
    publisher: NodeEnds,
    at_publisher: Connection,
    at_subscriber: Connection,
    forget: Callable[[Any, str], None],
) -> None:
    let_in(publisher, stream)  # what needs the publisher comes before anything is thrown away
    close_stream(at_subscriber, publisher.code)
    clear(publisher, at_publisher, at_subscriber, stream)
    open_stream(
        at_subscriber, stream, enabled=False
    )  # from here on the copy is known to be missing
    with at_subscriber.cursor() as cursor:
        forget(cursor, publisher.code)
    start_stream(at_subscriber, publisher.code)
    require_complete(at_publisher, at_subscriber, stream)


def _forget_city(cursor: Any, city: str) -> None:
    for model in models_of(Home.CITY, Home.NODE):
        part = partitions.partition_name(table_of(model), city)
        cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(part)))


def _forget_hub(cursor: Any, hub: str) -> None:
    for model in models_of(Home.PROVINCE, Home.PERSONAL):
        cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table_of(model))))
    for model in models_of(Home.NODE):
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE node = %s").format(sql.Identifier(table_of(model))), [hub]
        )


def _streams(hub: NodeEnds, city: NodeEnds) -> tuple[Stream, Stream]:
    down = Stream(
        hub.code,
        city.code,
        tuple(hub_publications(city.code)),
        hub.owner_dsn,
        secrets.token_urlsafe(24),
    )
    up = Stream(
        city.code,
        hub.code,
        tuple(city_publications()),
        city.owner_dsn,
        secrets.token_urlsafe(24),
    )
    return down, up


def make_room(city: str) -> None:
    """Give a city its partitions and publications at the hub."""
    with transaction.atomic(), connection.cursor() as cursor:
        known = partitions.enrolled(cursor)
        if city not in known:
            partitions.set_enrolled(cursor, [*known, city])
            for model in models_of(Home.CITY, Home.NODE):
                monthly = model.home is Home.NODE  # type: ignore[attr-defined]
                for statement in partitions.creation_sql(table_of(model), [city], monthly=monthly):
                    cursor.execute(statement)
        publications.apply(cursor)
        grants.apply(cursor)


def let_in(publisher: NodeEnds, stream: Stream) -> None:
    """Give the subscriber a login at the publisher with a new password."""
    prepare_replication_login(
        publisher.superuser_dsn,
        peer=stream.subscriber,
        password=stream.password,
        database=str(parse_dsn(publisher.owner_dsn)["dbname"]),
    )


def clear(
    publisher: NodeEnds, connection: Connection, subscriber: Connection, stream: Stream
) -> None:
    """Drop the slots the subscriber left at the publisher earlier, and let it read the tables."""
    with closing(connect(publisher.superuser_dsn)) as master:  # the owner may not drop slots
        drop_slots(master, stream.subscriber, cluster_of(subscriber))
    role = sql.Identifier(replication_role(stream.subscriber))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tablename FROM pg_publication_tables WHERE pubname = ANY(%s)",
            [list(stream.publications)],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(table), role))
