"""Logging: the last net against an identity number or a phone number in a log line."""

import logging
import re

NUMBERS = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|\d{15}|1[3-9]\d{9})(?!\d)")


class MaskNumbers(logging.Filter):
    """Put stars in place of identity and mobile numbers in the finished line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the message; traces are masked too because they may quote values."""
        record.msg, record.args = NUMBERS.sub("***", record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = NUMBERS.sub(
                "***", logging.Formatter().formatException(record.exc_info)
            )
        return True
