"""Database wrapper; Django's backend loader wants this file name."""

import select
from typing import Any

from django.db.backends.postgresql import base

from kernel.postgres.schema import HomesSchemaEditor
from kernel.postgres.transactions import Connection, Cursor

PLANS = "-c plan_cache_mode=force_generic_plan"
"""What `prepared` prepares is planned once; PostgreSQL would plan it again for each list of values, as of a list
it does not know it expects ten."""


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL with tables shaped by their home."""

    SchemaEditorClass = HomesSchemaEditor

    def get_connection_params(self) -> dict[str, Any]:
        """How to connect."""
        factories = {"connection_factory": Connection, "cursor_factory": Cursor}
        given = super().get_connection_params()
        options = f"{PLANS} {given.get('options', '')}".strip()
        return {**given, **factories, "options": options}

    def _start_transaction_under_autocommit(self) -> None:
        """Django's hook for connections that stay in autocommit."""
        self.connection.begin()

    def is_usable(self) -> bool:
        """Whether the connection still stands, asked before the first statement of a request.

        A server that let go of an idle connection has said so or closed it, and both can be read at
        once; only then, or after an error, is the server asked.
        """
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return bool(super().is_usable())
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or bool(super().is_usable())
