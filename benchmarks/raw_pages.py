"""The floor of a page: the same statements through one psycopg2 connection; run as that node.

    python -m benchmarks.raw_pages SECONDS < [[path, token], …]

Standard output: JSON, the seconds that the statements of each read took: the token, the access query with
its rows, the audit row with its commit.
"""

import itertools
import sys
from collections.abc import Iterator, Sequence

import django
import orjson

from benchmarks.raw_statements import Statements, taken_down, timed


def main(seconds: float) -> None:
    """Take down what each read asks, then ask it for some seconds."""
    django.setup()
    from django.db import connection

    reads = list(_recorded(orjson.loads(sys.stdin.buffer.read())))
    # The connection that served them, because its prepared statements are there.
    with connection.connection.cursor() as cursor:
        took = timed(cursor, itertools.cycle(reads), seconds)
    sys.stdout.write(orjson.dumps(took).decode() + "\n")


def _recorded(asked: Sequence[tuple[str, str]]) -> Iterator[Statements]:
    from django.test import Client

    client = Client(SERVER_NAME="127.0.0.1")
    for path, token in asked:
        with taken_down() as taken:
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            raise SystemExit(answer.content.decode())
        yield taken


if __name__ == "__main__":
    main(float(sys.argv[1]))
