"""`migrate` in two passes: what this node receives, then what it writes."""

import time
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections, transaction
from django.db.migrations import executor, loader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.module_loading import import_string

from kernel.postgres.failures import code_of
from kernel.replication import owner, partitions, phases

PASSES = ("receive", "write")
LOCK_TIMEOUT = "5s"
TRIES = 12


class Command(migrate.Command):
    """Bring the schema up to date; without --phase both passes run, as on a first start."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --phase to Django's own."""
        super().add_arguments(parser)
        parser.add_argument("--phase", choices=PASSES)

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the database, run the passes; once all tables stand, apply what homes mean."""
        only = options.pop("phase")
        using = options["database"]
        owner.become_owner()
        with connections[using].cursor() as cursor:
            try:
                partitions.prepare(cursor)
            except partitions.WrongDatabase as error:
                raise CommandError(str(error)) from error
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        for phase in [only] if only else PASSES:
            self._run_pass(phase, *args, **options)
        if only == "receive":
            return
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            for name in settings.AFTER_MIGRATE:
                import_string(name)(cursor)

    def _run_pass(self, phase: str, *args: Any, **options: Any) -> None:
        recorder = phases.ReceiveRecorder if phase == "receive" else MigrationRecorder
        loader.MigrationRecorder = executor.MigrationRecorder = recorder  # type: ignore[attr-defined]
        phases.current = phase
        try:
            for left in reversed(range(TRIES)):
                try:
                    super().handle(*args, **options)
                    break
                except OperationalError as error:
                    # A busy apply worker or writer holds the table: give way, then go on.
                    if code_of(error) != "55P03" or not left:
                        raise
                    time.sleep(1)
        finally:
            loader.MigrationRecorder = executor.MigrationRecorder = MigrationRecorder  # type: ignore[attr-defined]
            phases.current = None
