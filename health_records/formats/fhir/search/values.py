"""Values of search parameters as FHIR writes them: tokens, dates with prefixes, references."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from health_records.formats.fhir.bundles import ID, as_uuid
from health_records.formats.fhir.columns import following, tellable
from health_records.formats.fhir.issues import MessageRefused, refuse

PREFIXES = ("eq", "ne", "lt", "le", "gt", "ge", "sa", "eb")
MOMENT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
SEPARATED = re.compile(r"((?:\\.|[^,\\])*)(,|$)", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
BAR = re.compile(r"(?<!\\)(?:\\\\)*\|")
LONGEST = 1_000
MOST_ALTERNATIVES = 100
LARGEST = 2**31 - 1
"""Of FHIR's integers."""


@dataclass(frozen=True, slots=True)
class Token:
    """A code or identifier; `system` is None where any will do, `value` where any of the system."""

    system: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Moment:
    """A date as a range [start, end), and how a value is compared with it."""

    prefix: str
    start: datetime
    end: datetime


def alternatives(name: str, text: str) -> list[str]:
    """The values between unescaped commas, still escaped; refused when one is empty."""
    if len(text) > LONGEST * 4 or "\0" in text:
        raise wrong(name, text)
    parts = [part for part, _ in SEPARATED.findall(text)]
    # A text that ends at a comma has an empty last value, else findall adds an empty match.
    parts = parts[:-1] if len(parts) > 1 and not text.endswith(",") else parts
    if not all(parts) or len(parts) > MOST_ALTERNATIVES:
        raise wrong(name, text)
    return parts


def token_of(name: str, text: str) -> Token:
    """`code`, `system|code`, `|code` or `system|`."""
    bars = [match.end() for match in BAR.finditer(text)]
    if not bars:
        return Token(None, _plain(text))
    if len(bars) > 1:
        raise wrong(name, text)
    system, value = _plain(text[: bars[0] - 1]), _plain(text[bars[0] :])
    if not system and not value:
        raise wrong(name, text)
    return Token(system, value or None)


def text_of(text: str) -> str:
    """A plain text, unescaped."""
    return _plain(text)


def moment_of(name: str, text: str) -> Moment:
    """A date with its prefix; without an offset it is meant in the platform's time zone."""
    prefix = text[:2] if text[:2] in PREFIXES else "eq"
    bare = text.removeprefix(prefix) if text[:2] in PREFIXES else text
    # In a query a plus sign means a blank, and clients forget to encode it.
    match = MOMENT.fullmatch(bare.replace(" ", "+"))
    if match is None:
        raise wrong(name, text)
    try:
        return Moment(prefix, *_range(match))
    except ValueError as error:
        raise wrong(name, text) from error


def plain_moment_of(name: str, text: str) -> Moment:
    """A date that takes no prefix, as histories and operations ask for it."""
    if text[:2] in PREFIXES:
        raise wrong(name, text)
    return moment_of(name, text)


def count_of(name: str, text: str) -> int:
    """How many a page is to hold, and no more than the setting allows."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))
    if not is_number or int(text) > LARGEST:
        raise wrong(name, text)
    return min(int(text), settings.SEARCH_PAGE_MAX)


def reference_of(name: str, text: str, type_: str) -> UUID | None:
    """The id of a resource of this type on this node; None where no such thing can be."""
    bare = unquote(_plain(text)).removeprefix(f"{settings.NODE_URL}/fhir/R4/")
    found, _, id_ = bare.rpartition("/")
    if (found and found != type_) or not ID.fullmatch(id_):
        raise wrong(name, text)
    return as_uuid(id_.lower())


def wrong(name: str, text: str) -> MessageRefused:
    """The refusal of a value."""
    return refuse("search-value", name, text)


def _plain(text: str) -> str:
    return ESCAPED.sub(r"\1", text)


def _range(match: re.Match[str]) -> tuple[datetime, datetime]:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    zone: ZoneInfo | None = ZoneInfo(settings.TIME_ZONE)
    made = datetime(
        int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
        int(second or 0), int((fraction or "0")[:6].ljust(6, "0")), tzinfo=zone,
    )  # fmt: skip
    if offset is not None:
        told = "+00:00" if offset == "Z" else offset
        made = tellable(
            datetime.fromisoformat(made.replace(tzinfo=None).isoformat() + told)
        ).astimezone(UTC)
    start = tellable(made)
    if hour is None:
        return start, following(made, "day" if day else "month" if month else "year")
    if second is None:
        return start, start + timedelta(minutes=1)
    if fraction is None:
        return start, start + timedelta(seconds=1)
    return start, start + timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
