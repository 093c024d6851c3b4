"""States of a message."""

from django.db import models


class MessageState(models.TextChoices):
    """Whether a message was taken in whole, or refused whole."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


TRANSITIONS = {
    MessageState.REFUSED: frozenset({MessageState.ACCEPTED}),
    MessageState.ACCEPTED: frozenset(),
}
