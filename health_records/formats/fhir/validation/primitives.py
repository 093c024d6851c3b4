"""Checks of values without parts, one for each primitive type of the definitions."""

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from health_records.formats.fhir.parsing import Decimal
from health_records.formats.fhir.remembering import of_short_texts
from health_records.formats.fhir.validation.findings import Check, Fault, Findings
from health_records.formats.fhir.validation.narrative import narrative

LONGEST_TEXT = 1 << 20
LARGEST_INTEGER = 2**31 - 1

YEAR = r"(?!0000)\d{4}"
LEAP = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
MONTH = r"(?:0[1-9]|1[0-2])"
DAY = (
    rf"(?:{YEAR}-(?:{MONTH}-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    rf"|(?:0[13578]|1[02])-31)|(?!0000){LEAP}-02-29)"
)
CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
OFFSET = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"


def _pattern(text: str) -> "re.Pattern[str]":
    return re.compile(text, re.ASCII)


TEXT = _pattern(r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+")
URI = _pattern(r"[^\x00-\x20]+")
CODE = _pattern(r"[^\x00-\x20]+(?:[ \t\r\n][^\x00-\x20]+)*")
BLANKS = b" \t\r\n"
ID = _pattern(r"[A-Za-z0-9\-.]{1,64}")
OID = _pattern(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+")
UUID = _pattern(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
DATE = _pattern(rf"{DAY}|{YEAR}(?:-{MONTH})?")
DATE_TIME = _pattern(rf"{DAY}(?:T{CLOCK}{OFFSET})?|{YEAR}(?:-{MONTH})?")
INSTANT = _pattern(rf"{DAY}T{CLOCK}{OFFSET}")
TIME = _pattern(CLOCK)


def text(value: Any, _: Findings) -> list[Fault] | None:
    """A string or markdown."""
    if type(value) is not str:
        return _no("string", value)
    if not value:
        return [("", "text-empty", "")]
    if not value.isprintable() and not TEXT.fullmatch(value):
        return [("", "text-characters", "")]
    if len(value) > LONGEST_TEXT:
        return [("", "text-length", str(LONGEST_TEXT))]
    return None


def data(value: Any, found: Findings) -> list[Fault] | None:
    """The data of an Attachment, of any length; the Attachment itself is told when they are no base64."""
    wrong = text(value, found)
    return None if wrong and wrong[0][1] == "text-length" else wrong


def uri(value: Any, _: Findings) -> list[Fault] | None:
    """A uri, url or canonical; OIDs and UUIDs in it have their own form."""
    if type(value) is not str:
        return _no("string", value)
    if not value:
        return [("", "text-empty", "")]
    if (" " in value or not value.isprintable()) and not URI.fullmatch(value):
        return _ill_formed("uri-form", value)
    if value.startswith("urn:"):
        if value.startswith("urn:uuid:") and not UUID.fullmatch(value):
            return [("", "uuid-form", value)]
        if value.startswith("urn:oid:") and not OID.fullmatch(value):
            return [("", "oid-form", value)]
    return None


def boolean(value: Any, _: Findings) -> list[Fault] | None:
    """True or false, as JSON writes them."""
    return None if value is True or value is False else _no("boolean", value)


def decimal(value: Any, _: Findings) -> list[Fault] | None:
    """Any JSON number."""
    kind = type(value)
    return None if kind is Decimal or kind is int or kind is float else _no("number", value)


def code(value: Any, _: Findings) -> list[Fault] | None:
    """A code of no listed value set."""
    if type(value) is not str:
        return _no("string", value)
    if not value:
        return [("", "text-empty", "")]
    if (" " in value or not value.isprintable()) and not CODE.fullmatch(value):
        return _ill_formed("code-form", value)
    return None


def element_id(value: Any, found: Findings) -> list[Fault] | None:
    """The id of an element, which is any string without blanks."""
    wrong = text(value, found)
    return wrong if wrong or URI.fullmatch(value) else [("", "element-id", value)]


def base64(value: Any, _: Findings) -> list[Fault] | None:
    """Base64, in lines or not."""
    if type(value) is not str:
        return _no("string", value)
    if not value:
        return [("", "text-empty", "")]
    return None if is_base64(value) else [("", "base64", "")]


def is_base64(value: str) -> bool:
    """Whether a text is base64; blanks and line ends do not count."""
    if not value.isascii():
        return False
    raw = value.encode()
    for attempt in (raw, raw.translate(None, BLANKS)):
        try:
            binascii.a2b_base64(attempt, strict_mode=True)
        except binascii.Error:
            continue
        return True
    return False


def _matching(fits: Callable[[str], object], rule: str) -> Check:
    def check(value: Any, _: Findings) -> list[Fault] | None:
        if type(value) is str:
            return None if fits(value) else [("", rule if value else "text-empty", value)]
        return _no("string", value)

    return check


def _integer(least: int) -> Check:
    shown = f"{least}–{LARGEST_INTEGER}"

    def check(value: Any, _: Findings) -> list[Fault] | None:
        if type(value) is int:
            return None if least <= value <= LARGEST_INTEGER else [("", "integer-range", shown)]
        if type(value) is Decimal and value and value.text.lstrip("-").isdigit():
            return [("", "integer-range", shown)]
        return _no("integer", value)

    return check


def one_of(codes: frozenset[str]) -> Check:
    """A code of a value set that is listed in the definitions."""

    def check(value: Any, found: Findings) -> list[Fault] | None:
        if type(value) is str and value in codes:
            return None
        return code(value, found) or [("", "code-unknown", value)]

    return check


def _ill_formed(rule: str, value: str) -> list[Fault]:
    return [("", rule if TEXT.fullmatch(value) else "text-characters", value)]


def _no(wanted: str, value: Any) -> list[Fault]:
    if value is None:
        return [("", "null", "")]
    if type(value) is list:
        return [("", "no-array", "")]
    return [("", f"not-{wanted}", "")]


PRIMITIVES: Mapping[str, Check] = {
    "base64Binary": base64,
    "boolean": boolean,
    "canonical": uri,
    "code": code,
    "date": _matching(DATE.fullmatch, "date"),
    "dateTime": _matching(of_short_texts(DATE_TIME.fullmatch), "date"),
    "decimal": decimal,
    "id": _matching(ID.fullmatch, "id-form"),
    "instant": _matching(of_short_texts(INSTANT.fullmatch), "instant"),
    "integer": _integer(-LARGEST_INTEGER - 1),
    "markdown": text,
    "oid": _matching(OID.fullmatch, "oid-form"),
    "positiveInt": _integer(1),
    "string": text,
    "time": _matching(TIME.fullmatch, "time"),
    "unsignedInt": _integer(0),
    "uri": uri,
    "url": uri,
    "uuid": _matching(UUID.fullmatch, "uuid-form"),
    "xhtml": narrative,
}
