"""Decisions about records over plain values."""

from collections.abc import Mapping

TREATMENT_WINDOW = "treatment-window-days"
ENTERED_IN_ERROR = "entered-in-error"  # the code of FHIR that takes a statement back

SETTINGS: Mapping[str, int] = {TREATMENT_WINDOW: 365}
"""Defaults of `RecordSetting`: for how long after a visit the hospital's doctors see the record."""

NO_VISITS = frozenset({"planned", "cancelled", ENTERED_IN_ERROR})
"""Codes of FHIR's encounter-status under which nobody was treated."""
