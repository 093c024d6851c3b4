"""Rules of signing in by phone and of binding, over plain values."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from registry.patients.rules import normalise_phone

CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=5)
CODE_PAUSE = timedelta(minutes=1)
TRIES_PER_CODE = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

MOBILE = re.compile(r"1[3-9][0-9]{9}")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many within a span."""

    most: int
    within: timedelta


def mobile_number_of(text: str) -> str | None:
    """The mobile number of the mainland that somebody typed, or None."""
    number = normalise_phone(unicodedata.normalize("NFKC", text))
    return number if MOBILE.fullmatch(number) else None


def is_within(limits: Iterable[Limit], before: Iterable[datetime], now: datetime) -> bool:
    """Whether another one at this time keeps the limits, given the times of those before."""
    times = list(before)
    return all(sum(at > now - limit.within for at in times) < limit.most for limit in limits)


def origin_of(address: str) -> str:
    """Whom an IP address stands for: itself, or the /64 network that one IPv6 customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(ip_network(f"{found}/64", strict=False))
    return address


def may_bind(stated_name: str, holders_name: str | None, accounts: int, most: int) -> bool:
    """Whether an account may be bound to the holder of a document.

    Names are compared as matching compares them; None: nobody holds it. `accounts` are bound already.
    """
    return bool(stated_name) and stated_name == holders_name and accounts < most
