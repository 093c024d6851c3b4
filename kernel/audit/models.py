"""The audit log: rows, and the seals that make a change to them visible. No foreign keys."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kernel.homes import LocalModel, NodeModel


class Outcome(models.TextChoices):
    """What was decided."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class AuditRow(NodeModel):
    """One access to personal data, or its refusal (访问审计); never changed.

    `audience` stays empty: rows about persons go from a city to the hub and nowhere else.
    """

    at = models.DateTimeField(db_default=Now())
    actor_id = models.UUIDField()
    actor_role = models.TextField()
    actor_node = models.TextField()
    organisation_id = models.UUIDField(null=True)
    on_behalf_of = models.UUIDField(null=True)
    action = models.TextField()
    purpose = models.TextField()
    person_id = models.UUIDField(null=True)
    registration_id = models.UUIDField(null=True)
    resource_type = models.TextField(default="", db_default="")
    resource_id = models.UUIDField(null=True)
    outcome = models.TextField(choices=Outcome)
    reason = models.TextField()
    facts = ArrayField(models.TextField(), default=list, db_default=[])
    request_id = models.TextField(default="", db_default="")
    route = models.TextField(default="", db_default="")
    ip = models.TextField(default="", db_default="")
    count = models.IntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                name="audit_row_of_person",
                fields=["person_id", "-id"],
                condition=Q(person_id__isnull=False),
            ),
            models.Index(
                name="audit_row_of_registration",
                fields=["registration_id", "-id"],
                condition=Q(registration_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome} {self.id}"


class AuditSeal(NodeModel):
    """A signed link of a node's chain: which rows, in which order, with which digest each.

    City seals go to the hub, the hub's seals to every city, so that a foreign copy bears witness.
    """

    sequence = models.BigIntegerField()
    layout = models.PositiveSmallIntegerField()
    row_ids = ArrayField(models.UUIDField())
    row_digests = models.BinaryField()
    previous = models.BinaryField()
    digest = models.BinaryField()
    signature = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        # Not unique: a node restored from a backup repeats numbers, and a conflict would stop its
        # stream; the verifier finds the fork. The sealer holds a lock of the database.
        indexes = [models.Index(name="audit_seal_sequence", fields=["node", "sequence"])]

    def __str__(self) -> str:
        return f"seal {self.sequence} of {self.node}"


class AuditPending(LocalModel):
    """A row of this node that is not sealed yet; written by a trigger, removed by the sealer."""

    row_id = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return str(self.row_id)


class AuditKept(LocalModel):
    """A row or seal of a city that only the hub had when its copy was loaded again.

    The key is the row's own. Written by the owner of the tables; the serving role only reads.
    """

    node = models.TextField()
    source = models.TextField()
    content = models.JSONField()
    kept_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.source} {self.id} of {self.node}"
