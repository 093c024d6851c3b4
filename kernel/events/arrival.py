"""Reading one's own write: waiting until an event of another node has arrived.

A position in the write-ahead log would not do: any local write of the publisher moves it past what its
subscriber will ever report (docs/replication.md, pitfall 24). One subscription a pair brings a
transaction whole, so where the event is, its rows are too.
"""

import time
from uuid import UUID

from django.db import connection

from kernel.postgres import prepared

WITHIN_SECONDS = 0.3
LOOK_EVERY_SECONDS = 0.001
LOOK = "SELECT FROM events_event WHERE node = %s AND id = %s"


def wait_for_event(event_id: UUID, *, node: str, within: float = WITHIN_SECONDS) -> bool:
    """Whether the event arrived in time. Never called inside a transaction that froze its view."""
    deadline = time.monotonic() + within
    with connection.cursor() as cursor:
        while True:
            prepared.execute(cursor, LOOK, [node, event_id])
            if cursor.rowcount:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_EVERY_SECONDS)
