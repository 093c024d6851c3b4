"""The form in which a benchmark reports (architecture §9)."""

import os
import platform
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured claim.

    `target` is a bound on `ours` when `bounds` is "ours", else on `ratio` = ours / reference;
    `at_most` tells whether it must stay below or above.
    """

    name: str
    unit: str
    ours: float
    reference: float
    reference_is: str
    target: float
    at_most: bool = True
    bounds: str = "ours"

    @property
    def ratio(self) -> float:
        """Ours against the reference of the same run."""
        return self.ours / self.reference if self.reference else float("inf")

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        value = self.ours if self.bounds == "ours" else self.ratio
        return value <= self.target if self.at_most else value >= self.target

    def as_row(self) -> dict[str, Any]:
        """The figure as plain data."""
        row = asdict(self) | {"ratio": self.ratio, "holds": self.holds}
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in row.items()
        }


@dataclass
class Report:
    """All figures of one benchmark, and under which conditions they were taken."""

    bench: str
    figures: list[Figure] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)

    def as_line(self) -> dict[str, Any]:
        """The last line that `jianqiao bench` prints."""
        machine = {
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        }
        return {
            "bench": self.bench,
            "figures": [figure.as_row() for figure in self.figures],
            "conditions": machine | self.conditions,
        }


def percentile(values: list[float], share: int) -> float:
    """The value below which `share` percent of the values lie."""
    return quantiles(values, n=100, method="inclusive")[share - 1]
