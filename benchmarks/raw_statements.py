"""The floor of a request: the same statements through one psycopg2 connection; run as that node.

    python -m benchmarks.raw_statements SECONDS ORGANISATION < {"patient": [[path, body], …], …}

Standard output: JSON of seconds per figure, the median of what one request's statements took: the token, the
access query with its rows or the look for what is referred to, what is written, the commit.
"""

import itertools
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID

import django
import orjson

Statements = list[tuple[str, Any]]
FHIR_JSON = "application/fhir+json"
AROUND = ("PREPARE", "SAVEPOINT", "RELEASE")
"""What a request does not send once a connection has served some, and outside a transaction."""


def main(seconds: float, organisation: UUID) -> None:
    """Measure each figure for some seconds."""
    django.setup()
    from django.db import connection

    told = {}
    for name, requests in orjson.loads(sys.stdin.buffer.read()).items():
        recorded = list(_recorded(requests, organisation))
        writes = any(body for _, body in requests)
        # The connection that served them, because its prepared statements are there.
        with connection.connection.cursor() as cursor:
            # What was written can be written once: its ids are in the statements.
            told[name] = median(
                timed(cursor, recorded if writes else itertools.cycle(recorded), seconds)
            )
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


def timed(cursor: Any, requests: Iterable[Statements], seconds: float) -> list[float]:
    """Send the statements of one request after the other for so long; the seconds that each took."""
    took = []
    ends = time.perf_counter() + seconds
    for statements in requests:
        began = time.perf_counter()
        for sql, values in statements:
            cursor.execute(sql, values)
            if cursor.description:
                cursor.fetchall()
        now = time.perf_counter()
        took.append(now - began)
        if now > ends:
            break
    return took


@contextmanager
def taken_down() -> Iterator[Statements]:
    """The statements that are sent inside, as a list that grows."""
    from django.db import connection

    taken: Statements = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(AROUND):
            taken.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield taken


def _recorded(requests: list[tuple[str, str]], organisation: UUID) -> Iterator[Statements]:
    """The statements that each request runs, taken down while the views run them; what they write is undone."""
    from django.db import connection, transaction
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
    for path, body in requests:
        with taken_down() as taken, transaction.atomic():
            if body:
                answer = client.post(path, body, FHIR_JSON, headers={"Prefer": "return=minimal"})
            else:
                answer = client.get(path)
            transaction.set_rollback(True)
        if answer.status_code not in {200, 201}:
            raise SystemExit(answer.content.decode())
        yield taken


if __name__ == "__main__":
    main(float(sys.argv[1]), UUID(sys.argv[2]))
