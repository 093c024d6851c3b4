"""The floor of a page: the same statements through one psycopg2 connection; run as that node.

    python -m benchmarks.raw_pages SECONDS < [[path, token], …]

Standard output: JSON, the seconds that the statements of each read took: the token, the access query with
its rows, the audit row with its commit.
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
    """Take down what each read asks, then ask it for some seconds."""
    django.setup()
    from django.db import connection

    reads = list(_recorded(orjson.loads(sys.stdin.buffer.read())))
    took = []
    ends = time.perf_counter() + seconds
    # The connection that served them, because its prepared statements are there.
    with connection.connection.cursor() as cursor:
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
    sys.stdout.write(orjson.dumps(took).decode() + "\n")


def _recorded(asked: Sequence[tuple[str, str]]) -> Iterator[Statements]:
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
