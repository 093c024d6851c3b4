"""The floor of a read: the same statements through one psycopg2 connection; run as that node.

    python -m benchmarks.raw_reads SECONDS < {"patient": [[path, token], …], …}

Standard output: JSON of seconds per figure, what each read's statements took: the token, the access query
with its rows, the audit rows with their commit.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import django
import orjson

Statements = list[tuple[str, Any]]


def main(seconds: float) -> None:
    """Measure each figure for some seconds."""
    django.setup()
    from django.db import connection

    told = {}
    for name, asked in orjson.loads(sys.stdin.buffer.read()).items():
        reads = list(_recorded(asked))
        # The connection that served them, because its prepared statements are there.
        with connection.connection.cursor() as cursor:
            told[name] = _measured(cursor, reads, seconds)
    sys.stdout.write(orjson.dumps(told).decode() + "\n")


def _measured(cursor: Any, reads: Sequence[Statements], seconds: float) -> list[float]:
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
    return took


def _recorded(asked: Sequence[tuple[str, str]]) -> Iterator[Statements]:
    """The statements that each read runs, taken down while the views run them."""
    from django.db import connection
    from django.test import Client

    client = Client(SERVER_NAME="127.0.0.1")
    taken: Statements = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith("PREPARE"):
            taken.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for path, token in asked:
            taken = []
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
            if answer.status_code != 200:
                raise SystemExit(answer.content.decode())
            yield list(taken)


if __name__ == "__main__":
    main(float(sys.argv[1]))
