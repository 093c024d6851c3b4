"""States of a person in the master patient index, and of the links to registrations."""

from django.db import models


class Status(models.TextChoices):
    """State of a person (handbook 2.3)."""

    TEMPORARY = "temporary"
    PROVISIONAL = "provisional"
    ACTIVE = "active"
    MERGED = "merged"
    DECEASED = "deceased"
    VOID = "void"


class LinkStatus(models.TextChoices):
    """Whether a link holds, waits for staff to look at it, or is over."""

    LINKED = "linked"
    REVIEW = "review"
    ENDED = "ended"


TRANSITIONS = {
    Status.TEMPORARY: frozenset({Status.PROVISIONAL, Status.ACTIVE, Status.MERGED, Status.VOID}),
    Status.PROVISIONAL: frozenset({Status.ACTIVE, Status.MERGED, Status.DECEASED, Status.VOID}),
    Status.ACTIVE: frozenset({Status.MERGED, Status.DECEASED, Status.VOID}),
    Status.MERGED: frozenset({Status.ACTIVE}),
    Status.DECEASED: frozenset({Status.ACTIVE}),
    Status.VOID: frozenset(),
}
LINK_TRANSITIONS = {
    LinkStatus.LINKED: frozenset({LinkStatus.ENDED}),
    LinkStatus.REVIEW: frozenset({LinkStatus.LINKED, LinkStatus.ENDED}),
    LinkStatus.ENDED: frozenset(),
}
LIVE = (LinkStatus.LINKED, LinkStatus.REVIEW)
"""States in which a registration counts as the person's."""
