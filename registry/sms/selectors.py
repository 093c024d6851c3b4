"""Reading text messages."""

from django.db.models import QuerySet
from django.utils import timezone

from registry.sms.models import TextMessage


def live() -> QuerySet[TextMessage]:
    """Messages that have not expired, the latest first."""
    return TextMessage.objects.filter(expires_at__gt=timezone.now()).order_by("-id")


def any_due() -> bool:
    """Whether a message is to be handed over now."""
    return live().filter(sent_at__isnull=True, next_at__lte=timezone.now()).exists()
