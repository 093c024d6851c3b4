"""Enrol a city with this hub; connection strings come on standard input, not in arguments."""

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel.events.services import mark_history
from kernel.keys.services import exchange_public_key
from kernel.nodes.services import register_node
from kernel.replication import owner
from kernel.replication.enrolment import NodeEnds, enrol, now_at


class Command(BaseCommand):
    """Open both streams and write both nodes into the register. Safe to repeat.

    Prints the streams that only a reload opens.

    Standard input: `{"hub": NODE, "city": NODE}` with NODE = `{"code", "name", "url", "public_key",
    "owner_dsn", "superuser_dsn"}`; `public_key` is an Ed25519 key in PEM.
    """

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Register, then subscribe."""
        if settings.ROLE != "province":
            raise CommandError("cities are enrolled at the hub")
        given = json.load(sys.stdin)
        owner.become_owner()
        for which in ("hub", "city"):
            node = given[which]
            register_node(
                code=node["code"],
                name=node["name"],
                url=node["url"],
                public_key=node["public_key"],
                exchange_key=exchange_public_key() if which == "hub" else "",
            )
        city = _ends(given["city"])
        mark_history(node=city.code, before_id=now_at(city))
        for dead in enrol(_ends(given["hub"]), city):
            self.stdout.write(f"{dead}: stopped or without its slot, reload it")


def _ends(node: dict[str, str]) -> NodeEnds:
    return NodeEnds(node["code"], node["owner_dsn"], node["superuser_dsn"])
