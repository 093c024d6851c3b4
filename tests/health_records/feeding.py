"""What a hospital pushes, and asking how its feed does."""

from datetime import timedelta

from django.utils import timezone

from tests.factories.fhir import entry

NOTHING = {
    "accepted": 0, "refused": 0, "resources_stored": 0, "resources_refused": 0, "by_rule": {},
    "median_delay_seconds": None, "within_a_day": None, "completeness": None, "patients": 0,
    "identified": 0, "reachable": 0,
}  # fmt: skip


def intake(client, hospital, **period):
    return client.get(f"/api/v1/organisations/{hospital.code}/intake", period)


def ago(**time):
    return (timezone.now() - timedelta(**time)).isoformat()


def result(id_, at, **parts):
    return entry({
        "resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "体温"},
        "effectiveDateTime": at, **parts,
    })  # fmt: skip
