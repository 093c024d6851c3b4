"""Connecting as the owner of the tables, which no serving process does."""

from django.conf import settings
from django.db import connection


def become_owner() -> None:
    """Reconnect this process as `jianqiao_owner`, where OWNER_DATABASE_URL is given."""
    if settings.OWNER_DATABASE is not None:
        connection.close()
        connection.settings_dict.update(settings.OWNER_DATABASE)
