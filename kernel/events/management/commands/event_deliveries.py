"""`manage.py event_deliveries`: what is parked, and making it due again."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kernel.events import selectors, services
from kernel.events.errors import NoSuchDelivery


class Command(BaseCommand):
    """`parked` lists as JSON lines; `replay` takes ids, or --handler, or --all."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Two verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("parked")
        replay = verbs.add_parser("replay")
        replay.add_argument("ids", nargs="*", type=UUID)
        replay.add_argument("--handler")
        replay.add_argument("--all", action="store_true", dest="everything")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        if options["verb"] == "parked":
            self._list()
        else:
            self.stdout.write(json.dumps({"replayed": self._replay(**options)}))

    def _list(self) -> None:
        for one in selectors.parked_deliveries().iterator():
            shown = {
                "id": str(one.id),
                "event": str(one.event_id),
                "node": one.node,
                "handler": one.handler,
                "attempts": one.attempts,
                "error": one.last_error,
            }
            self.stdout.write(json.dumps(shown, ensure_ascii=False))

    def _replay(self, **options: Any) -> int:
        if options["everything"] or options["handler"]:
            return services.replay_all(handler=options["handler"])
        if not options["ids"]:
            raise CommandError("name deliveries, --handler or --all", returncode=2)
        for delivery_id in options["ids"]:
            try:
                services.replay(delivery_id=delivery_id)
            except NoSuchDelivery as error:
                raise CommandError(f"{error.code}: {delivery_id}", returncode=3) from error
        return len(options["ids"])
