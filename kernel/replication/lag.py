"""How far behind the streams of this node are, and whether anything went wrong in them."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class OutgoingStream:
    """A slot of this cluster that a peer reads; `peer` is `copy` for that of a table's copy."""

    peer: str
    slot: str
    active: bool
    wal_status: str
    retained_bytes: int
    behind_bytes: int
    restored: bool  # the peer remembers more WAL than this cluster has: restored from a copy


@dataclass(frozen=True)
class IncomingStream:
    """The stream from a peer; `enabled` and `running` are false where the subscription is missing.

    `conflicts` leaves out rows of another origin: every row that came with an initial copy counts as
    such at its first change, and with one writer per table there is no other way to one.
    """

    peer: str
    enabled: bool
    running: bool
    copying_tables: int
    last_message_seconds: float | None
    apply_errors: int
    copy_errors: int
    conflicts: int


OUTGOING = r"""
SELECT coalesce(substring(slot_name FROM '^to_(\d{6})_'), 'copy'), slot_name, active, coalesce(wal_status, 'lost'),
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint,
       coalesce(confirmed_flush_lsn > pg_current_wal_lsn(), false)
FROM pg_replication_slots
WHERE slot_type = 'logical' AND database = current_database()
  AND slot_name ~ '^to_\d{6}_e\d+$|^pg_\d+_sync_\d+_\d+$'
ORDER BY 1, 2
"""
INCOMING = """
SELECT coalesce(peer.code, split_part(s.subname, '_', 2)), coalesce(s.subenabled, false),
       st.pid IS NOT NULL,
       (SELECT count(*) FROM pg_subscription_rel r
         WHERE r.srsubid = s.oid AND r.srsubstate NOT IN ('r', 's')),
       extract(epoch FROM now() - st.last_msg_receipt_time)::float8,
       coalesce(ss.apply_error_count, 0), coalesce(ss.sync_error_count, 0),
       coalesce(ss.confl_insert_exists + ss.confl_update_exists + ss.confl_update_missing
         + ss.confl_delete_missing + ss.confl_multiple_unique_conflicts, 0)
FROM (
  SELECT unnest(public.jianqiao_nodes() || (left(public.jianqiao_node(), 2) || '0000'))
  EXCEPT SELECT public.jianqiao_node()
) peer (code)
FULL JOIN (
  SELECT oid, subname, subenabled FROM pg_subscription
  WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
) s ON s.subname = 'from_' || peer.code
LEFT JOIN pg_stat_subscription st ON st.subid = s.oid AND st.worker_type = 'apply'
LEFT JOIN pg_stat_subscription_stats ss ON ss.subid = s.oid
ORDER BY 1
"""


def is_copying(cursor: Any) -> bool:
    """Whether a table's initial copy has yet to come or to end, at any stream into this node."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's'))"
    )
    return bool(cursor.fetchone()[0])


def outgoing(cursor: Any) -> list[OutgoingStream]:
    """Streams that leave this node; works on any cursor of its database."""
    cursor.execute(OUTGOING)
    return [OutgoingStream(*row) for row in cursor.fetchall()]


def incoming(cursor: Any) -> list[IncomingStream]:
    """Streams that reach this node; works on any cursor of its database."""
    cursor.execute(INCOMING)
    return [IncomingStream(*row) for row in cursor.fetchall()]


def unheard(codes: Collection[str]) -> list[str]:
    """Those of these nodes whose rows should come here by a stream that does not run now."""
    with connection.cursor() as cursor:
        return [one.peer for one in incoming(cursor) if one.peer in codes and not one.running]


def streams() -> dict[str, list[dict[str, Any]]]:
    """Both directions at this node, as plain data."""
    with connection.cursor() as cursor:
        return {
            "outgoing": [asdict(stream) for stream in outgoing(cursor)],
            "incoming": [asdict(stream) for stream in incoming(cursor)],
        }
