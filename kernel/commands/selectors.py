"""What became of commands this node sent."""

from collections.abc import Iterable

from kernel.commands.models import CommandSent


def statuses_of(keys: Iterable[str]) -> dict[str, int | None]:
    """HTTP status of the answer by key; None while there is none, no entry where nothing was sent."""
    return dict(CommandSent.objects.filter(key__in=set(keys)).values_list("key", "status"))
