"""Set up or reset the one-time codes of accounts at this node, as the standard input says."""

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.accounts import second_factor
from registry.accounts.models import Account
from registry.accounts.rules import secret_of_words

ACCOUNT_KNOWN_WITHIN = 20.0
"""Seconds an account may need from the hub to its city."""


class Command(BaseCommand):
    """Standard input: `{"reset": [login], "give": {login: secret}}`; either may be absent.

    Who is reset sets up an authenticator at the next sign-in. Answers with the logins that had one:
    `{"reset": [login]}`.
    """

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all, then answer."""
        wanted = json.load(sys.stdin)
        for login, secret in wanted.get("give", {}).items():
            second_factor.give(_account(login), secret_of_words(secret))
        accounts = Account.objects.filter(login__in=wanted.get("reset", []))
        gone = [account.login for account in accounts if second_factor.reset(account)]
        self.stdout.write(json.dumps({"reset": gone}))


def _account(login: str) -> Account:
    """The account of a login, once the hub's row is here."""
    until = time.monotonic() + ACCOUNT_KNOWN_WITHIN
    while (found := Account.objects.filter(login=login).first()) is None:
        if time.monotonic() > until:
            raise CommandError(f"no account has the login {login}")
        time.sleep(0.2)
    return found
