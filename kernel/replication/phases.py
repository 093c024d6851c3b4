"""The two passes of a migration: what a node receives first, then what it writes.

With replication running, a column must exist on every subscriber before the publisher sends it
(docs/replication.md, pitfalls 11 and 13). So `receive` runs on all nodes, then `write` on all.
"""

from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import models
from django.db.migrations.recorder import MigrationRecorder

from kernel.postgres.homes import RECEIVERS, Home, home_of

current: str | None = None


class PhaseRouter:
    """Lets an operation through in the pass its table belongs to."""

    def allow_migrate(
        self,
        db: str,
        app_label: str,
        model_name: str | None = None,
        model: type[models.Model] | None = None,
        home: Home = Home.LOCAL,
        **hints: Any,
    ) -> bool | None:
        """Sort operations by home; a RunSQL or RunPython names its own in `hints`."""
        if current is None:
            return None
        if model is not None:
            home = home_of(model) or Home.LOCAL
        return (settings.ROLE in RECEIVERS[home]) == (current == "receive")


class ReceivedMigration(models.Model):
    """A migration that the receive pass has done; outside the registry, like Django's own."""

    app = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    applied = models.DateTimeField(auto_now_add=True)

    class Meta:
        apps = Apps()
        app_label = "replication"
        db_table = "replication_received_migration"

    def __str__(self) -> str:
        return f"{self.app} {self.name}"


class ReceiveRecorder(MigrationRecorder):
    """Remembers what the receive pass has done, apart from Django's own table."""

    Migration = ReceivedMigration  # type: ignore[assignment]
