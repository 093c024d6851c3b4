"""`manage.py export_seals CODE`: this node's copy of another node's seals, as a witness."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kernel.audit.verification import foreign_copy


class Command(BaseCommand):
    """Print sequence, digest and id of each seal, one JSON list per line."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the code of the node."""
        parser.add_argument("code")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them in order."""
        for seal in foreign_copy(options["code"]):
            self.stdout.write(json.dumps(seal))
