"""Decisions about records over plain values."""

from collections.abc import Mapping

TREATMENT_WINDOW = "treatment-window-days"
ENTERED_IN_ERROR = "entered-in-error"  # the code of FHIR that takes a statement back
LONGEST_KEY = 255
"""Characters: what is longer is no number of anything, and an index of PostgreSQL takes 2,700 bytes."""

SETTINGS: Mapping[str, int] = {TREATMENT_WINDOW: 365}
"""Defaults of `RecordSetting`: for how long after a visit the hospital's doctors see the record."""

NO_VISITS = frozenset({"planned", "cancelled", ENTERED_IN_ERROR})
"""Codes of FHIR's encounter-status under which nobody was treated."""


def fits_key(*texts: str) -> bool:
    """Whether these may be looked up: numbers, ids, systems of numbers."""
    return all(len(text) <= LONGEST_KEY for text in texts)
