"""Writing text messages and handing them over."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from registry.sms import selectors
from registry.sms.errors import NotTaken
from registry.sms.models import TextMessage
from registry.sms.rules import pause_after
from registry.sms.sealing import Text, open_text, seal_text

log = logging.getLogger(__name__)


def send(
    *, phone: str, template: str, parameters: Mapping[str, str], expires_at: datetime
) -> TextMessage:
    """Write a message in the caller's transaction; it leaves after the commit, or never."""
    row = TextMessage(next_at=timezone.now(), expires_at=expires_at)
    row.sealed = seal_text(Text(row.id, phone, template, parameters))
    row.save(force_insert=True)
    return row


def deliver_due() -> int:
    """Hand over what is due, through the adapter of this node; how many were taken."""
    deliver = import_string(settings.SMS_ADAPTER)
    taken = 0
    while row := _claim():
        try:
            deliver(open_text(row))
        except NotTaken as error:
            log.warning("%s was not taken, attempt %d: %s", row, row.attempts, error)
            continue
        row.sent_at = timezone.now()
        row.save(update_fields=["sent_at"])
        taken += 1
    return taken


def forget_expired() -> int:
    """Delete messages that expired; how many."""
    gone, _ = TextMessage.objects.filter(expires_at__lt=timezone.now()).delete()
    return gone


@transaction.atomic
def _claim() -> TextMessage | None:
    """The message that is due longest, taken from all others until its next attempt."""
    now = timezone.now()
    due = selectors.live().filter(sent_at__isnull=True, next_at__lte=now)
    row = due.select_for_update(skip_locked=True).order_by("next_at").first()
    if row is not None:
        row.attempts += 1
        row.next_at = now + pause_after(row.attempts)
        row.save(update_fields=["attempts", "next_at"])
    return row
