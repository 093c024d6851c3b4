"""Load a copy again under a new epoch; connection strings come on standard input."""

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from kernel.actor import Actor
from kernel.events import services as events
from kernel.replication import owner
from kernel.replication.enrolment import NodeEnds, reload_at_city, reload_at_hub


class Command(BaseCommand):
    """Throw away one copy and take it anew: the hub's of a city, or a city's of the hub.

    Standard input as for `enrol_city`.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --at."""
        parser.add_argument("--at", choices=("hub", "city"), default="hub")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reload one direction."""
        if settings.ROLE != "province":
            raise CommandError("copies are reloaded from the hub")
        given = json.load(sys.stdin)
        owner.become_owner()
        ends = {
            name: NodeEnds(node["code"], node["owner_dsn"], node["superuser_dsn"])
            for name, node in given.items()
        }
        if options["at"] == "city":
            reload_at_city(ends["hub"], ends["city"])
            return
        reload_at_hub(ends["hub"], ends["city"])
        hub, city = Actor.of_node(ends["hub"].code), Actor.of_node(ends["city"].code)
        with transaction.atomic():
            events.record("copy.reloaded", subject_id=city.id, by=hub)
