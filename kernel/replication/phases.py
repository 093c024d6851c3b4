"""The two passes of a migration: what a node receives first, then what it writes.

With replication running, a column must exist on every subscriber before the publisher sends it
(docs/replication.md, pitfalls 11 and 13). So `receive` runs on all nodes, then `write` on all.
"""

from typing import Any

from django.db import models
from django.db.migrations.recorder import MigrationRecorder
from django.apps.registry import Apps
from django.utils.functional import classproperty

from kernel.postgres.homes import Home, is_received_here

current: str | None = None


class PhaseRouter:
    """Lets an operation through in the pass its table belongs to."""

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None,
        model: type[models.Model] | None = None, home: Home = Home.LOCAL, **hints: Any,
    ) -> bool | None:
        """Sort operations by home; a RunSQL or RunPython names its own in `hints`."""
        if current is None:
            return None
        received = is_received_here(model or _Named[home])
        return received == (current == "receive")


class _Named:
    """A stand-in that carries only a home, for operations without a model."""

    def __class_getitem__(cls, home: Home) -> Any:
        return type("Named", (), {"home": home})


class ReceiveRecorder(MigrationRecorder):
    """Remembers which migrations the receive pass has done, apart from Django's own table."""

    _migration_class = None

    @classproperty
    def Migration(cls) -> type[models.Model]:  # noqa: N802 — the name Django's recorder uses
        """Row of the receive pass."""
        if cls._migration_class is None:

            class Migration(models.Model):
                app = models.CharField(max_length=255)
                name = models.CharField(max_length=255)
                applied = models.DateTimeField(auto_now_add=True)

                class Meta:
                    apps = Apps()
                    app_label = "replication"
                    db_table = "replication_received_migration"

                def __str__(self) -> str:
                    return f"Migration {self.name} for {self.app}"

            cls._migration_class = Migration
        return cls._migration_class
