"""Secrets of this node, wrapped by its master key."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kernel.homes import LocalModel
from kernel.keys.states import Status


class KeyPurpose(models.TextChoices):
    """What a key is for."""

    DATA = "data"
    INDEX = "index"


class DataKey(LocalModel):
    """A data or blind-index key (数据密钥 / 盲索引密钥); the hub also holds the cities' data keys."""

    node = models.TextField()
    number = models.PositiveSmallIntegerField()
    purpose = models.TextField(choices=KeyPurpose)
    status = models.TextField(choices=Status)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    shared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="data_key_number_once", fields=["node", "purpose", "number"]
            ),
            models.UniqueConstraint(
                name="data_key_one_of_a_kind",
                fields=["node", "purpose", "status"],
                condition=Q(status__in=[Status.NEW, Status.ACTIVE]),
            ),
            models.CheckConstraint(
                name="data_key_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="data_key_purpose_known", condition=Q(purpose__in=KeyPurpose.values)
            ),
            models.CheckConstraint(
                name="data_key_destroyed_is_empty",
                condition=~Q(status=Status.DESTROYED) | Q(wrapped=b""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} key {self.number} of {self.node}, {self.status}"
