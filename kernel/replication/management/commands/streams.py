"""Print the state of this node's streams as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from kernel.replication.lag import streams


class Command(BaseCommand):
    """Lag, retained WAL, errors and conflicts of every stream of this node."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        self.stdout.write(json.dumps(streams()))
