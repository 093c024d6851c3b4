"""The floor of a read: the same statements through one psycopg2 connection; run as that node.

    python -m benchmarks.raw_reads SECONDS ORGANISATION < {"patient": [path, …], …}

Standard output: JSON of seconds per figure, the median of what one read's statements took: the token, the
access query with its rows, the audit rows with their commit.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID

import django
import orjson

Statements = list[tuple[str, Any]]


def main(seconds: float, organisation: UUID) -> None:
    """Measure each figure for some seconds."""
    django.setup()
    from django.db import connection

    told = {}
    for name, paths in orjson.loads(sys.stdin.buffer.read()).items():
        reads = list(_recorded(paths, organisation))
        # The connection that served them, because its prepared statements are there.
        with connection.connection.cursor() as cursor:
            told[name] = _measured(cursor, reads, seconds)
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


def _measured(cursor: Any, reads: Sequence[Statements], seconds: float) -> float:
    took = []
    ends = time.perf_counter() + seconds
    for statements in itertools.cycle(reads):
        began = time.perf_counter()
        for sql, values in statements:
            cursor.execute(sql, values)
            if cursor.description:
                cursor.fetchall()
        now = time.perf_counter()
        took.append(now - began)
        if now > ends:
            break
    return median(took)


def _recorded(paths: list[str], organisation: UUID) -> Iterator[Statements]:
    """The statements that each path runs, taken down while the views run them."""
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from registry.accounts.services import issue_token

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM accounts_hospitalclient WHERE organisation_id = %s", [organisation]
        )
        (client_id,) = cursor.fetchone()
    token = issue_token(ends=timezone.now() + timedelta(minutes=10), client_id=client_id)
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {token}"})
    taken: Statements = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith("PREPARE"):
            taken.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for path in paths:
            taken = []
            answer = client.get(path)
            if answer.status_code != 200:
                raise SystemExit(answer.content.decode())
            yield list(taken)


if __name__ == "__main__":
    main(float(sys.argv[1]), UUID(sys.argv[2]))
