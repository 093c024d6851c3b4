"""`manage.py make_keys`: the first keys of a node."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from kernel.keys import secrets, services


class Command(BaseCommand):
    """Make own data and index keys if there are none; print the node's public keys as JSON."""

    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Make, then print what the register of nodes needs."""
        services.make_keys()
        public = {
            "node": settings.NODE_CODE,
            "public_key": secrets.public_key(),
            "exchange_key": secrets.exchange_key(),
        }
        self.stdout.write(json.dumps(public))
