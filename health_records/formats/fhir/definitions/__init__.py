"""The official definitions of FHIR R4, as much of them as the door uses."""

from pathlib import Path

COMPILED = Path(__file__).parent / "r4.json.gz"
"""What `compile` made of them."""
