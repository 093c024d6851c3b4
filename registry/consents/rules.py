"""Decisions about consents over plain values."""

from datetime import datetime, timedelta

from registry.consents.states import Status


def fits(starts_at: datetime, ends_at: datetime, *, longest: timedelta) -> bool:
    """Whether a consent may have this period: what nobody thinks of again must end by itself."""
    return starts_at < ends_at <= starts_at + longest


def holds(status: str, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Whether a consent lets its organisation see the record now."""
    return status == Status.ACTIVE and starts_at <= now < ends_at
