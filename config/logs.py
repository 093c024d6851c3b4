"""Logging: the last net against an identity number or a phone number in a log line."""

import logging

from registry.identity_documents import NUMBERS_OF_PEOPLE


class MaskNumbers(logging.Filter):
    """Put stars in place of identity and mobile numbers in the finished line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the message; traces are masked too because they may quote values."""
        record.msg, record.args = NUMBERS_OF_PEOPLE.sub("***", record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = NUMBERS_OF_PEOPLE.sub(
                "***", logging.Formatter().formatException(record.exc_info)
            )
        return True
