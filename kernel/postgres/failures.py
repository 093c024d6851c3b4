"""What a failure of the database means: that it is away, or that our own statement is at fault."""

from django.db import DatabaseError, InterfaceError, OperationalError

PASSING = ("08", "40", "53", "55", "57")
"""Classes of PostgreSQL's codes: connection, rollback, resources, locks held, shutting down."""


def is_away(error: Exception) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    code = code_of(error)
    return not code or code.startswith(PASSING)


def code_of(error: DatabaseError) -> str:
    """PostgreSQL's code (SQLSTATE) of a failure; empty where it came from no statement."""
    return getattr(error.__cause__, "pgcode", None) or ""
