"""Replication as a Django app: registers its check of migrations."""

from django.apps import AppConfig
from django.core.checks import Tags, register


class ReplicationConfig(AppConfig):
    """Makes `migrate` look at the migrations before it runs them."""

    name = "kernel.replication"
    label = "replication"

    def ready(self) -> None:
        """Register the check; `database` checks run with `migrate` only."""
        from kernel.replication.additive import check_migrations

        register(check_migrations, Tags.database)
