"""psycopg2's connection and cursor, but a transaction begins with its first statement, in one round trip.

By itself psycopg2 sends BEGIN apart. So the connection stays in autocommit, and BEGIN goes ahead of the
first statement in the same text; a transaction without a statement never was. What needs no
transaction may be asked before it (`beside`), and a statement that is all of it is one by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any

from psycopg2 import extensions


class Stage(Enum):
    """How far the transaction is."""

    NONE = auto()
    ASKED_FOR = auto()
    BEGUN = auto()


class Connection(extensions.connection):
    """A connection in autocommit; `begin` is taken back by `commit` and `rollback`."""

    stage = Stage.NONE

    def begin(self) -> None:
        """Begin a transaction with the next statement."""
        self.stage = Stage.ASKED_FOR

    def commit(self) -> None:
        """Make what was done since `begin` last."""
        self._end("COMMIT", super().commit)

    def rollback(self) -> None:
        """Undo what was done since `begin`."""
        self._end("ROLLBACK", super().rollback)

    def _end(self, word: str, end: Any) -> None:
        stage, self.stage = self.stage, Stage.NONE
        if stage is Stage.NONE:
            end()
        elif stage is Stage.BEGUN:
            with self.cursor() as cursor:
                cursor.execute(word)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """What is asked inside does not begin the transaction that was asked for."""
        stage = self.stage
        if stage is Stage.ASKED_FOR:
            self.stage = Stage.NONE
        try:
            yield
        finally:
            self.stage = stage


class Cursor(extensions.cursor):
    """A cursor that begins the transaction which its connection was asked for."""

    connection: Connection

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run a statement."""
        if self.connection.stage is Stage.ASKED_FOR:
            if self.name is None and isinstance(query, str):
                query = f"BEGIN; {query}"
                self.connection.stage = Stage.BEGUN
            else:
                self._begin()
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Run a statement for each of the values."""
        self._begin()
        super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Run COPY."""
        self._begin()
        super().copy_expert(sql, file, size)

    def callproc(self, procname: Any, parameters: Any = None) -> None:
        """Call a function."""
        self._begin()
        super().callproc(procname, parameters)

    def _begin(self) -> None:
        if self.connection.stage is Stage.ASKED_FOR:
            self.connection.stage = Stage.NONE
            with self.connection.cursor() as cursor:
                cursor.execute("BEGIN")
            self.connection.stage = Stage.BEGUN
