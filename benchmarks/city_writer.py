"""Writes registrations in a city at a steady rate, as a hospital's pushes would; run as that node.

    python -m benchmarks.city_writer RATE SECONDS

Each transaction is ten row-changes, as a new patient with a short visit brings them: registration, its
version and its event through the real service, and seven resources. Standard output: a line
`<version id> <event id> <time of commit>` per transaction.
"""

import json
import sys
import time
from datetime import date
from uuid import uuid4

import django

RESOURCES = 7
ROWS_PER_TRANSACTION = 3 + RESOURCES
SOURCE = json.dumps(
    {"resourceType": "Observation", "status": "final", "note": [{"text": "一切正常" * 60}]}
)


def main(rate: float, seconds: float) -> None:
    """Write `rate` row-changes a second for some seconds."""
    django.setup()
    from django.conf import settings
    from django.db import transaction
    from django.utils import timezone

    from health_records.models import ResourceVersion
    from kernel.actor import Actor
    from kernel.events.models import Event
    from registry.patients.models import RegistrationVersion
    from registry.patients.rules import RegistrationFacts
    from registry.patients.services import Statement, record_registrations

    own_events = Event.objects.filter(node=settings.NODE_CODE).order_by("-id")
    by, hospital = Actor.of_node(settings.NODE_CODE), uuid4()
    stamp = hospital.hex[:6]
    began, done = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < seconds:
        due = done * ROWS_PER_TRANSACTION / rate
        if due > now:
            time.sleep(due - now)
        facts = RegistrationFacts(
            name=f"张{stamp}{done:x}",
            sex="1",
            birth_date=date(1990, 1, 1),
            phones=(f"139{done:08d}",),
        )
        with transaction.atomic():
            record_registrations(
                [Statement(str(done), facts, done.to_bytes(16, "big"))],
                organisation_id=hospital,
                at=timezone.now(),
                by=by,
            )
            message = uuid4()
            ResourceVersion.objects.bulk_create(
                ResourceVersion(
                    resource_id=uuid4(),
                    resource_type="Observation",
                    version=1,
                    source=SOURCE,
                    message_id=message,
                    recorded_at=timezone.now(),
                )
                for _ in range(RESOURCES)
            )
        committed = time.time()
        version = RegistrationVersion.objects.order_by("-id").values_list("id", flat=True)[0]
        event = own_events.values_list("id", flat=True)[0]
        sys.stdout.write(f"{version} {event} {committed:.6f}\n")
        sys.stdout.flush()
        done += 1


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
