"""Changes of status, decided by a table that each app keeps as data in `states.py`."""

from collections.abc import Mapping, Set
from typing import TypeVar

from kernel.problems import DomainError

S = TypeVar("S", bound=str)


class TransitionRefused(DomainError):
    """The table has no way from the present status to the wanted one."""

    status, code = 409, "transition-refused"
    title = {"zh": "当前状态不允许此操作", "en": "The present status does not allow this"}


def require_transition(table: Mapping[S, Set[S]], *, current: str, target: S) -> None:
    """Raise TransitionRefused unless the table leads from `current` to `target`."""
    allowed = next((targets for status, targets in table.items() if status == current), frozenset())
    if target not in allowed:
        raise TransitionRefused(
            facts={"current": str(current), "target": str(target), "allowed": sorted(allowed)}
        )
