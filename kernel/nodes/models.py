"""Nodes of the province and the keys by which they know each other, now and formerly."""

from django.db import models
from django.db.models import Q

from kernel.homes import ProvinceModel
from kernel.nodes.states import Status


class Node(ProvinceModel):
    """The hub or a prefecture city (省级平台 / 市州节点)."""

    code = models.TextField(unique=True)
    name = models.TextField()
    url = models.TextField()
    public_key = models.TextField()
    exchange_key = models.TextField(blank=True, default="", db_default="")
    status = models.TextField(choices=Status, default=Status.ENROLLED)

    class Meta:
        constraints = [
            models.CheckConstraint(name="node_status_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="node_code_is_division", condition=Q(code__regex=r"^\d{6}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class FormerKey(ProvinceModel):
    """A public key that a node had before the one it has; audit seals of its time still fit it."""

    node = models.ForeignKey(Node, models.PROTECT, related_name="former_keys")
    public_key = models.TextField()
    replaced_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"key of {self.node_id} until {self.replaced_at}"
