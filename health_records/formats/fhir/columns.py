"""What of a resource is put into typed columns, to be searched and shown."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from health_records.formats.fhir.bundles import Entry, identifiers_in
from health_records.formats.fhir.issues import refuse
from health_records.formats.fhir.references import target_of
from health_records.formats.fhir.remembering import of_short_texts
from health_records.formats.fhir.resource_types import (
    CODES,
    DATES,
    DEFAULT_CODES,
    ENCOUNTERS,
    RETRACTIONS,
    STATUSES,
    SUBJECTS,
)
from health_records.incoming import Kind
from health_records.rules import ENTERED_IN_ERROR, fits_key

DATE_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?)?)?", re.ASCII
)
LONGEST_TEXT = 300
BEGINNING = datetime.min.replace(tzinfo=UTC)
OPEN_END = datetime(9999, 12, 31, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def columns_of(entry: Entry, at: datetime) -> dict[str, Any]:
    """Values by column for the table of the entry's kind, ids of patient and encounter included.

    A resource that says no time counts as of `at`. Raises MessageRefused for a date that is none.
    """
    resource = entry.resource
    if entry.kind is Kind.PARTY:
        return {"name": _party_name(resource)}
    start, end = _when(entry)
    about = _about(entry)
    coding_system, code, display = _coding_of(about)
    first = {f"{coding_system}|{code}", f"={code}"}
    more = [token for token in _tokens_of(about) if token not in first]
    columns: dict[str, Any] = {
        "registration_id": _first_target(resource, SUBJECTS, "Patient"),
        "occurred_at": start or end or at,
        "ended_at": end,
        "status_code": _status(entry),
        "code_system": coding_system,
        "code": code,
        "display": display,
        "more_codes": more or None,
        "categories": _tokens_of(resource.get("category")) or None,
    }
    if entry.kind is Kind.ENCOUNTER:
        class_ = resource.get("class")
        class_code = class_.get("code") if isinstance(class_, dict) else ""
        if end == OPEN_END:
            columns["ended_at"] = None
        return columns | {"class_code": _text(class_code)}
    encounter = _first_target(resource, ENCOUNTERS, "Encounter")
    context = resource.get("context")
    if encounter is None and isinstance(context, dict):
        encounter = target_of(context.get("encounter"), "Encounter")
    columns["encounter_id"] = encounter
    if entry.kind is Kind.DOCUMENT:
        return columns | _document_columns(resource)
    number, unit, words = _value(resource)
    return columns | {
        "value_number": number, "value_unit": unit, "value_text": words,
    }  # fmt: skip


def business_identifiers(resource: dict[str, Any]) -> list[str]:
    """Of the identifiers that may stand in clear (cut ones have no value): `system|value`, `=value`.

    What is too long for a key is left out: it is kept in the resource, and found by nobody.
    """
    if "identifier" not in resource:
        return []
    found: set[str] = set()
    for one in identifiers_in(resource):
        system, value = one.get("system") or "", one.get("value")
        if isinstance(value, str) and fits_key(value):
            found.add(f"={value}")
            if fits_key(system):
                found.add(f"{system}|{value}")
    return sorted(found)


@of_short_texts
def span_of(text: str) -> tuple[datetime, datetime | None]:
    """First and last moment of what a FHIR dateTime means; no last one where it names an instant.

    Without an offset it is meant in the platform's time zone. ValueError when it is no dateTime.
    """
    match = DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, clock = match.groups()
    if clock is None:
        zone = ZoneInfo(settings.TIME_ZONE)
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=zone)
        end = following(start, "day" if day else "month" if month else "year")
        return tellable(start), end - INSTANT
    if clock[6:9] == ":60":
        text = f"{year}-{month}-{day}{clock[:6]}:59{clock[9:]}"
    return tellable(datetime.fromisoformat(text)).astimezone(UTC), None


def tellable(moment: datetime) -> datetime:
    """The moment, or the nearest that has a name in UTC and in our own time: the calendar ends."""
    return min(max(moment, BEGINNING), OPEN_END)


def following(start: datetime, unit: str) -> datetime:
    """The beginning of the next day, month or year; after the last year there is no next."""
    if start.year == OPEN_END.year:
        return OPEN_END + INSTANT
    if unit == "day":
        return start + timedelta(days=1)
    months = start.year * 12 + start.month + (0 if unit == "month" else 11)
    return start.replace(year=months // 12, month=months % 12 + 1)


def is_entered_in_error(resource_type: str, resource: Mapping[str, Any]) -> bool:
    """Whether a resource says of itself that it was entered in error."""
    value = resource.get(RETRACTIONS.get(resource_type, ""))
    codings = value.get("coding") if isinstance(value, dict) else None
    if isinstance(codings, list):
        return any(isinstance(one, dict) and one.get("code") == ENTERED_IN_ERROR for one in codings)
    return value == ENTERED_IN_ERROR


def _when(entry: Entry) -> tuple[datetime | None, datetime | None]:
    for name in DATES:
        value = entry.resource.get(name)
        if isinstance(value, str):
            return _span(value, entry, name)
        if isinstance(value, dict) and ("start" in value or "end" in value):
            start = _span(value["start"], entry, f"{name}.start")[0] if "start" in value else None
            if "end" not in value:
                return start, OPEN_END
            first, last = _span(value["end"], entry, f"{name}.end")
            return start or first, last or first
    return None, None


def _span(value: Any, entry: Entry, name: str) -> tuple[datetime, datetime | None]:
    try:
        return span_of(value)
    except (ValueError, TypeError) as error:
        raise refuse("date", f"{entry.path}.{name}".lstrip("."), str(value)) from error


def _about(entry: Entry) -> Any:
    for name in (*CODES.get(entry.resource_type, ()), *DEFAULT_CODES):
        if (value := entry.resource.get(name)) is not None:
            return value
    return None


def _status(entry: Entry) -> str:
    if is_entered_in_error(entry.resource_type, entry.resource):
        return ENTERED_IN_ERROR
    value = entry.resource.get(STATUSES.get(entry.resource_type, "status"))
    return _text(value) if isinstance(value, str) else _coding_of(value)[1]


def _coding_of(value: Any) -> tuple[str, str, str]:
    """System, code and words of a CodeableConcept, Coding, Reference or list of them."""
    if isinstance(value, list):
        return _coding_of(value[0]) if value else ("", "", "")
    if isinstance(value, str):
        return "", _text(value), ""
    if not isinstance(value, dict):
        return "", "", ""
    coding = next(iter(_codings(value)), value)
    words = value.get("text") or coding.get("display") or value.get("display")
    return _text(coding.get("system")), _text(coding.get("code")), _text(words)


def _tokens_of(value: Any) -> list[str]:
    """`system|code` and `=code` of every coding of a CodeableConcept, Coding, code or list of them."""
    tokens: dict[str, None] = {}
    for system, code in _pairs_of(value):
        if code:
            tokens[f"{system}|{code}"] = tokens[f"={code}"] = None
    return list(tokens)


def _pairs_of(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        codings = _codings(value) or [value]
        return [(_text(one.get("system")), _text(one.get("code"))) for one in codings]
    if isinstance(value, list):
        return [pair for one in value for pair in _pairs_of(one)]
    return [("", _text(value))]


def _codings(value: dict[str, Any]) -> list[dict[str, Any]]:
    listed = value.get("coding")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _value(resource: dict[str, Any]) -> tuple[float | None, str, str]:
    """Number, unit and words of an observation's value."""
    for name, value in resource.items():
        if not name.startswith("value"):
            continue
        if isinstance(value, dict) and "value" in value:
            return _quantity(value)
        if isinstance(value, bool):
            return None, "", str(value).lower()
        if isinstance(value, int | float):
            return float(value), "", ""
        if isinstance(value, str):
            return None, "", _text(value)
        return None, "", _coding_of(value)[2]
    return None, "", _components(resource.get("component"))


def _components(components: Any) -> str:
    """Blood pressure and the like in one line."""
    parts = []
    for one in components if isinstance(components, list) else []:
        if not isinstance(one, dict):
            continue
        number, unit, words = _value({k: v for k, v in one.items() if k != "component"})
        shown = words if number is None else f"{number:g} {unit}".strip()
        parts.append(f"{_coding_of(one.get('code'))[2]} {shown}".strip())
    return _text("; ".join(filter(None, parts)))


def _quantity(value: dict[str, Any]) -> tuple[float | None, str, str]:
    number = value["value"]
    unit = _text(value.get("unit") or value.get("code"))
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None, unit, ""
    return float(number), unit, _text(value.get("comparator"))


def _first_target(resource: dict[str, Any], names: tuple[str, ...], type_: str) -> Any:
    for name in names:
        if name in resource and (found := target_of(resource[name], type_)):
            return found
    return None


def _document_columns(resource: dict[str, Any]) -> dict[str, Any]:
    listed = resource.get("content")
    attachments = [
        one["attachment"]
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and isinstance(one.get("attachment"), dict)
    ]
    first = attachments[0] if attachments else {}
    return {
        "title": _text(first.get("title") or resource.get("description")),
        "content_type": _text(first.get("contentType")),
        "parts": 0,
    }


def _party_name(resource: dict[str, Any]) -> str:
    name = resource.get("name")
    if isinstance(name, str):
        return _text(name)
    if isinstance(name, list) and name and isinstance(name[0], dict):
        return person_name(name[0])
    return ""


def person_name(name: dict[str, Any]) -> str:
    """A HumanName in one text; Chinese names have no blank between family and given name."""
    if isinstance(name.get("text"), str):
        return _text(name["text"])
    listed = name.get("given")
    given = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, str)]
    family = _text(name.get("family"))
    if family.isascii() and all(one.isascii() for one in given):
        return _text(" ".join([*given, family]))
    return _text(family + "".join(given))


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""
