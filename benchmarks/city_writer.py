"""Writes registrations in a city at a steady rate, as a hospital's pushes would; run as that node.

    python -m benchmarks.city_writer RATE SECONDS

Each transaction is three row-changes (registration, version, event) through the real service. Standard
output: a line `<version id> <event id> <time of commit>` per transaction.
"""

import sys
import time
from datetime import date
from uuid import uuid4

import django

ROWS_PER_TRANSACTION = 3


def main(rate: float, seconds: float) -> None:
    """Write `rate` row-changes a second for some seconds."""
    django.setup()
    from django.conf import settings
    from django.utils import timezone

    from kernel.actor import Actor
    from kernel.events.models import Event
    from registry.patients.models import RegistrationVersion
    from registry.patients.rules import RegistrationFacts
    from registry.patients.services import record_registration

    by, hospital = Actor.of_node(settings.NODE_CODE), uuid4()
    began, done = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        due = done * ROWS_PER_TRANSACTION / rate
        if due > now:
            time.sleep(due - now)
        facts = RegistrationFacts(
            name=f"张{done:x}", sex="1", birth_date=date(1990, 1, 1), phones=(f"139{done:08d}",)
        )
        record_registration(
            organisation_id=hospital,
            local_id=str(done),
            facts=facts,
            digest=done.to_bytes(16, "big"),
            at=timezone.now(),
            by=by,
        )
        committed = time.time()
        version = RegistrationVersion.objects.order_by("-id").values_list("id", flat=True)[0]
        event = Event.objects.order_by("-id").values_list("id", flat=True)[0]
        sys.stdout.write(f"{version} {event} {committed:.6f}\n")
        sys.stdout.flush()
        done += 1


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
