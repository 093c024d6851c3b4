"""`manage.py verify_audit`: is the audit log of this node what its seals say?"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kernel.audit import verification


class Command(BaseCommand):
    """Verify; print the report as one JSON line; exit 1 when something is wrong."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --witness."""
        parser.add_argument(
            "--witness",
            type=Path,
            help="output of export_seals at another node: the foreign copy of the seals",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the witness, verify, report."""
        witness = None
        if options["witness"] is not None:
            lines = options["witness"].read_text(encoding="ascii").splitlines()
            witness = {
                sequence: (digest, seal_id) for sequence, digest, seal_id in map(json.loads, lines)
            }
        report = verification.verify(witness=witness)
        self.stdout.write(json.dumps(report.as_dict()))
        if report.findings:
            sys.exit(1)
