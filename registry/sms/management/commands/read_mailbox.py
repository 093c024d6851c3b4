"""What is in the development mailbox."""

from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from registry.sms import mailbox


class Command(BaseCommand):
    """Answers `{"phone", "template", "parameters", "written_at", "expires_at"}` a line, the latest first."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every live message."""
        if not mailbox.is_used():
            raise CommandError("this node's text messages do not go to the mailbox (SMS_ADAPTER)")
        for text, written_at, expires_at in mailbox.letters():
            letter = {
                "phone": text.phone,
                "template": text.template,
                "parameters": text.parameters,
                "written_at": written_at,
                "expires_at": expires_at,
            }
            self.stdout.write(orjson.dumps(letter).decode())
