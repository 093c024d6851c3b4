"""Bringing a register up to date from rows: what is new is added, what differs changed, nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db import models, transaction

ROWS_PER_TRANSACTION = 5_000
"""A larger transaction holds up the stream to every city (architecture §3)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded(
            self.created + other.created,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )


def load(
    model: type[models.Model],
    rows: Iterable[Mapping[str, Any]],
    *,
    key: Sequence[str],
    chunk: int = ROWS_PER_TRANSACTION,
) -> Loaded:
    """Insert or change one row of the table per row given, found by the attributes of `key`.

    Rows hold attribute names (`organisation_id`, not `organisation`). Of rows with the same key the
    last counts.
    """
    total = Loaded()
    for part in _chunks(rows, chunk):
        total += _load_chunk(model, {_key(row, key): row for row in part}, key)
    return total


@transaction.atomic
def _load_chunk(
    model: type[models.Model],
    wanted: Mapping[tuple[Any, ...], Mapping[str, Any]],
    key: Sequence[str],
) -> Loaded:
    present: dict[tuple[Any, ...], models.Model] = {}
    narrow = {f"{name}__in": {values[place] for values in wanted} for place, name in enumerate(key)}
    for found in model._default_manager.filter(**narrow):
        present[tuple(getattr(found, name) for name in key)] = found
    new = [model(**row) for values, row in wanted.items() if values not in present]
    changed = []
    fields: set[str] = set()
    for values, row in wanted.items():
        old = present.get(values)
        differing = [n for n, v in row.items() if old is not None and getattr(old, n) != v]
        if old is not None and differing:
            for name in differing:
                setattr(old, name, row[name])
            changed.append(old)
            fields.update(differing)
    model._default_manager.bulk_create(new, batch_size=1_000)
    if changed:
        names = [model._meta.get_field(name.removesuffix("_id")).name for name in sorted(fields)]
        model._default_manager.bulk_update(changed, names, batch_size=1_000)
    return Loaded(len(new), len(changed), len(wanted) - len(new) - len(changed))


def _key(row: Mapping[str, Any], key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in key)


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while part := list(islice(source, size)):
        yield part
