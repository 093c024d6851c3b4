"""Commands sent and received, kept until they are settled (LOCAL: each node its own side)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kernel.commands.states import State
from kernel.homes import LocalModel


class CommandSent(LocalModel):
    """A command this node sent; body and answer are encrypted, they may speak of a person."""

    key = models.TextField(unique=True)
    name = models.TextField()
    to = models.TextField()
    actor = models.JSONField()
    body = models.BinaryField()
    digest = models.BinaryField()
    state = models.TextField(choices=State, default=State.OPEN)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    next_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.BinaryField(null=True)
    last_error = models.TextField(default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="command_sent_state_known", condition=Q(state__in=State.values)
            ),
            models.CheckConstraint(
                name="command_sent_answered_has_answer",
                condition=~Q(state=State.ANSWERED) | Q(status__isnull=False, answer__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="command_sent_open", fields=["next_at"], condition=Q(state=State.OPEN)
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} to {self.to}, {self.state}"


class CommandReceived(LocalModel):
    """A command another node sent, with the answer it got in the same transaction."""

    sender = models.TextField()
    key = models.TextField()
    name = models.TextField()
    digest = models.BinaryField()
    received_at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="command_received_once", fields=["sender", "key"])
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.sender}"
