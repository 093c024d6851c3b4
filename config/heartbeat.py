"""A sign of life of the processes that no port can be asked about: they touch a file.

Whoever watches a process sees by the file that it works, and by its age that it hangs.
"""

from pathlib import Path

from django.conf import settings

EVERY = 5.0
"""Seconds from beat to beat."""


def beat() -> None:
    """Touch the file that `HEARTBEAT_FILE` names, if it does."""
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()
