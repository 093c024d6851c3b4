"""What one walk over a resource brings home besides its faults."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Fault = tuple[str, str, str]
"""Where below the node, the rule, and the value to show."""

Check = Callable[[Any, "Findings"], list[Fault] | None]
"""The faults of a value; nothing when there are none."""

MOST_FAULTS = 100
"""Of one list or object; more would not be shown, and a hostile message could fill the memory."""


@dataclass(slots=True)
class Findings:
    """What of a resource, and of those contained in it, others look at, in document order."""

    references: list[tuple[Json, frozenset[str] | None]] = field(default_factory=list)
    """Every Reference that has a text, with the types it may lead to; None where any will do."""

    links: list[Json] = field(default_factory=list)
    """Every Attachment that has an address."""

    contained: dict[str, str] = field(default_factory=dict)
    """Type by id of the contained resources; of their container by ""."""

    sought: frozenset[int] = frozenset()
    """References whose paths are wanted, by `id()`."""

    within: str = ""
    depth: int = 0
