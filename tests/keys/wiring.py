"""A wiring for the tests of keys, and a table with everything keys protect."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.apps.registry import Apps
from django.db import models

from kernel import crypto
from kernel.homes import LocalModel, uuid7
from kernel.keys.columns import BlindIndex, SealedColumn

HERE = "tests.keys.wiring"


class Sample(LocalModel):
    """A row that hides a number, as a registration does; outside Django's registry of models."""

    bound_id = models.UUIDField(default=uuid7)
    sealed = models.BinaryField(null=True)
    identity_index = models.BinaryField(null=True)
    identity_index_next = models.BinaryField(null=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        apps = Apps()
        app_label = "samples"

    def __str__(self) -> str:
        return str(self.id)


HANDLERS: dict[str, Any] = {"province": {}, "city": {}}
COMMANDS = {"keys.share": "kernel.keys.services.take_over_keys"}
QUERIES: dict[str, str] = {}
HUB_QUERIES: dict[str, str] = {}
SEALED_COLUMNS = [
    SealedColumn(
        "samples.Sample", "sealed", context=f"{HERE}.context", bound_to="bound_id", batch=7
    ),
    SealedColumn("commands.CommandSent", "body"),
]
BLIND_INDEXES = [
    BlindIndex("samples.Sample", "identity_index", "identity", f"{HERE}.identity", batch=7)
]


def context(bound_id: UUID) -> bytes:
    """A context of the app's own making."""
    return b"sample " + bound_id.bytes


def identity(row: Sample) -> str | None:
    """The number that the row hides."""
    if row.sealed is None:
        return None
    return crypto.open_sealed(row.sealed, context=context(row.bound_id)).decode()


def write(number: str) -> Sample:
    """A row as a service would write it."""
    row = Sample(
        identity_index=crypto.blind_index("identity", number),
        identity_index_next=crypto.blind_index_next("identity", number),
    )
    row.sealed = crypto.seal(number.encode(), context=context(row.bound_id))
    row.save(force_insert=True)
    return row


def write_once(number: str) -> None:
    """A row unless there is one, left to the database's unique rules, as ON CONFLICT does."""
    row = Sample(
        identity_index=crypto.blind_index("identity", number),
        identity_index_next=crypto.blind_index_next("identity", number),
    )
    row.sealed = crypto.seal(number.encode(), context=context(row.bound_id))
    Sample.objects.bulk_create([row], ignore_conflicts=True)


def find(number: str) -> list[Sample]:
    """Rows as a selector would find them."""
    hashes = crypto.blind_indexes("identity", number)
    return list(
        Sample.objects.filter(
            models.Q(identity_index__in=hashes) | models.Q(identity_index_next__in=hashes)
        )
    )
