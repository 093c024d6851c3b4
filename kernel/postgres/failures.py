"""Which failure means that the database is away, and which that our own statement is at fault."""

from django.db import InterfaceError, OperationalError

PASSING = ("08", "40", "53", "55", "57")
"""Classes of PostgreSQL's codes: connection, rollback, resources, locks held, shutting down."""


def is_away(error: Exception) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, InterfaceError):
        return True
    code = getattr(error.__cause__, "pgcode", None)
    return isinstance(error, OperationalError) and (code is None or code.startswith(PASSING))
