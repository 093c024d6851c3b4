"""`manage.py rotate_keys`: new keys for a node that goes on serving."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel.keys import rotation
from kernel.keys.errors import RotationHalted
from kernel.problems import said


class Command(BaseCommand):
    """Replace the data key and the index key; print what was written anew as JSON."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --grace."""
        parser.add_argument(
            "--grace",
            type=float,
            default=rotation.GRACE_SECONDS,
            help="seconds in which every process learns of a new key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, or say why it halted."""
        try:
            done = rotation.rotate(grace=options["grace"])
        except RotationHalted as error:
            told = " / ".join(said(error.detail, language) for language in ("zh", "en"))
            raise CommandError(f"{said(error.title, 'zh')}: {told}", returncode=3) from error
        self.stdout.write(json.dumps(done))
