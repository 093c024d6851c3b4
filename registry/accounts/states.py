"""States of accounts and of hospital systems."""

from django.db import models


class AccountStatus(models.TextChoices):
    """Whether somebody may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class RealNameLevel(models.TextChoices):
    """How surely an account is its person's (实名等级), the weakest first."""

    UNVERIFIED = "unverified"
    SELF_DECLARED = "self_declared"
    WINDOW_CHECKED = "window_checked"
    CARD_READER = "card_reader"
    PUBLIC_SECURITY_VERIFIED = "public_security_verified"


class ClientStatus(models.TextChoices):
    """Whether a hospital system may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


ACCOUNT_TRANSITIONS = {
    AccountStatus.ACTIVE: frozenset({AccountStatus.SUSPENDED, AccountStatus.CLOSED}),
    AccountStatus.SUSPENDED: frozenset({AccountStatus.ACTIVE, AccountStatus.CLOSED}),
    AccountStatus.CLOSED: frozenset(),
}
CLIENT_TRANSITIONS = {
    ClientStatus.ACTIVE: frozenset({ClientStatus.SUSPENDED, ClientStatus.REVOKED}),
    ClientStatus.SUSPENDED: frozenset({ClientStatus.ACTIVE, ClientStatus.REVOKED}),
    ClientStatus.REVOKED: frozenset(),
}
