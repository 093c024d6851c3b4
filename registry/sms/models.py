"""Text messages on their way."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from kernel.homes import LocalModel


class TextMessage(LocalModel):
    """A text message (短信) until it expires; phone, template and parameters are in `sealed`."""

    sealed = models.BinaryField()
    attempts = models.PositiveSmallIntegerField(default=0)
    written_at = models.DateTimeField(db_default=Now())
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            models.Index(
                name="text_message_open", fields=["next_at"], condition=Q(sent_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"text message {self.id}"
