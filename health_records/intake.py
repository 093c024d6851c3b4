"""How good what a hospital pushes is: timely, complete, and about people who can be told apart.

Pure counting; the rows are `models.Attempt`, and by the day `models.FeedDay`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from health_records.incoming import Incoming, Kind
from registry.patients.rules import identity_of

OF_A_VISIT = ("registration_id", "encounter_id", "occurred_at", "code", "code_system")
OF_A_PATIENT = ("registration_id", "occurred_at", "code", "code_system")
WANTED: Mapping[str, tuple[str, ...]] = {
    "Encounter": ("registration_id", "occurred_at", "ended_at", "class_code", "status_code"),
    "DocumentReference": ("registration_id", "encounter_id", "occurred_at", "title"),
    **dict.fromkeys(
        ("Condition", "DiagnosticReport", "MedicationRequest", "Observation", "Procedure",
         "ServiceRequest"), OF_A_VISIT,
    ),
    **dict.fromkeys(("AllergyIntolerance", "Immunization"), OF_A_PATIENT),
}  # fmt: skip
"""Columns that a record of use to others has, by resource type."""
WANTED_OF_PATIENTS = ("name", "sex", "birth_date", "documents", "phones")
SIZES_PER_DOUBLING = 4
"""Delays are counted by size, the whole part of 4·log₂(seconds), so that days and hospitals add up."""


@dataclass(slots=True)
class Counts:
    """What came of one message, in numbers."""

    stored: int = 0
    refused: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    types: set[str] = field(default_factory=set)
    delay_seconds: float | None = None
    wanted: int = 0
    present: int = 0
    patients: int = 0
    identified: int = 0
    reachable: int = 0


def counts_of(resources: Iterable[Incoming], at: datetime) -> Counts:
    """The numbers of what is to be stored; a resource that says no time counts as of `at`."""
    counts = Counts()
    newest: datetime | None = None
    for one in resources:
        counts.stored += 1
        if one.deleted:
            continue
        if one.kind is Kind.REGISTRATION:
            _count_patient(counts, one)
            continue
        for name in WANTED.get(one.resource_type, ()):
            value = one.columns.get(name)
            counts.wanted += 1
            counts.present += bool(value) and value != at
        moment = one.columns.get("occurred_at")
        if moment is not None and moment < at and (newest is None or newest < moment):
            newest = moment
    counts.delay_seconds = (at - newest).total_seconds() if newest else None
    return counts


def median_of(delays: Mapping[int, int]) -> float | None:
    """The median delay in seconds, true to within 10 %, of delays counted by size."""
    left = (sum(delays.values()) + 1) // 2
    for size in sorted(delays):
        left -= delays[size]
        if left <= 0:
            return round(2 ** ((size + 0.5) / SIZES_PER_DOUBLING), 1)
    return None


def _count_patient(counts: Counts, patient: Incoming) -> None:
    facts = patient.facts
    counts.patients += 1
    counts.wanted += len(WANTED_OF_PATIENTS)
    counts.present += sum(bool(getattr(facts, name)) for name in WANTED_OF_PATIENTS)
    counts.identified += facts is not None and identity_of(facts) is not None
    counts.reachable += facts is not None and bool(facts.phones)
