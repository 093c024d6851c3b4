"""The adapter for development: messages stay here, to be read until they expire."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from registry.sms import selectors
from registry.sms.sealing import Text, open_text

ADAPTER = "registry.sms.mailbox.deliver"
ADDRESS = "/dev/mailbox"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Letter(NamedTuple):
    """A message as the mailbox shows it."""

    text: Text
    written_at: datetime
    expires_at: datetime


def deliver(text: Text) -> None:
    """Leave the message where it is."""


def is_used() -> bool:
    """Whether this node's messages stay in the mailbox."""
    return bool(settings.SMS_ADAPTER == ADAPTER)


def is_open() -> bool:
    """Whether the mailbox may be read over HTTP: on the developer's own machine only."""
    return is_used() and urlsplit(settings.NODE_URL).hostname in LOOPBACK


def letters() -> list[Letter]:
    """Every live message, the latest first."""
    return [Letter(open_text(row), row.written_at, row.expires_at) for row in selectors.live()]
