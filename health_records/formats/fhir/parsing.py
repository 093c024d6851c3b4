"""Bytes to JSON and back, strictly and without loss.

Decimals are kept as they were written: FHIR gives 1.0 and 1.00 different meanings. What is parsed quickly is
written once more and compared with what came, which shows that nothing was lost (a key that stood
twice, a minus before a zero). Where something was, or may have been, the standard parser says what:
it costs three times as much, and can tell.
"""

import json
import math
import re
import zlib
from typing import Any

import msgspec
import orjson

from health_records.formats.fhir.issues import MessageRefused, refuse

DEEPEST = 64
LONGEST_NUMBER = 100
WHOLE = range(-(2**63), 2**64)
"""The integers that orjson writes; others are kept like decimals."""

LONGEST_WHOLE = 20
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
GZIP = 16 + zlib.MAX_WBITS


class Decimal(float):
    """A decimal, or an integer beyond 64 bits, that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> "Decimal":
        """Parse the text."""
        made = super().__new__(cls, text)
        made.text = text
        return made


QUICK = msgspec.json.Decoder(float_hook=Decimal)
BLANKS = b" \t\r\n"


class _Duplicate(ValueError):
    """A property occurs twice."""


def parse(raw: bytes) -> Any:
    """The JSON value; MessageRefused when it is none, or one that would lose something."""
    value = None if b"\\u" in raw else _parse_quickly(raw)
    return _parse_carefully(raw) if value is None else value


def _parse_quickly(raw: bytes) -> Any:
    """The JSON value if it is told by its bytes, but for blanks; None where a closer look is needed."""
    try:
        value = QUICK.decode(raw)
        written = orjson.dumps(value, default=_as_written)
    except (msgspec.DecodeError, RecursionError, TypeError, UnicodeDecodeError):
        return None
    return value if written.translate(None, BLANKS) == raw.translate(None, BLANKS) else None


def _parse_carefully(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=Decimal, parse_int=_integer,
            parse_constant=_no_constant,
        )  # fmt: skip
    except _Duplicate as error:
        raise refuse("json-duplicate-key", value=str(error)) from error
    except RecursionError as error:
        raise refuse("json-depth", value=str(DEEPEST)) from error
    except UnicodeDecodeError as error:
        raise refuse("json", value="UTF-8") from error
    except ValueError as error:
        raise refuse("json", value=getattr(error, "msg", str(error))) from error
    if "\0" in text or (b"\\u" in raw and NUL.search(raw)):
        raise refuse("json-character")
    if (b"\\ud" in raw or b"\\uD" in raw) and (path := _lone_surrogate(value)) is not None:
        raise refuse("json-character", path)
    return value


def dump(value: Any) -> bytes:
    """The value as compact JSON with sorted keys, decimals as they were written."""
    try:
        return orjson.dumps(value, default=_as_written, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # orjson's JSONEncodeError is one
        raise _undumpable(error) from error


def gunzip(raw: bytes, limit: int) -> bytes:
    """The content of a gzip body, not unpacked beyond the limit."""
    unpacking = zlib.decompressobj(GZIP)
    try:
        content = unpacking.decompress(raw, limit + 1)
    except zlib.error as error:
        raise refuse("gzip") from error
    if len(content) > limit:
        raise refuse("too-large", value=str(limit))
    if not unpacking.eof:
        raise refuse("gzip")
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        raise _Duplicate(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return made


def _integer(text: str) -> int | Decimal:
    kept = text == "-0" or len(text) > LONGEST_WHOLE or int(text) not in WHOLE
    return Decimal(text) if kept else int(text)


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and _is_storable(value):
        return orjson.Fragment(value.text)
    raise TypeError(type(value).__name__)


def _is_storable(value: Decimal) -> bool:
    """Whether PostgreSQL's numeric holds it: no overflow, no underflow, no endless digits."""
    mantissa = value.text.lower().partition("e")[0]
    vanished = not value and any(digit in "123456789" for digit in mantissa)
    return not math.isinf(value) and not vanished and len(value.text) <= LONGEST_NUMBER


def _undumpable(error: TypeError) -> MessageRefused:
    said = str(error)
    if "surrogate" in said or "UTF-8" in said:
        return refuse("json-character")
    if "ecursion" in said:
        return refuse("json-depth", value=str(DEEPEST))
    return refuse("json-number")


def _lone_surrogate(value: Any) -> str | None:
    """Where half a character stands; no database takes it."""
    left = [("", value)]
    while left:
        path, node = left.pop()
        if isinstance(node, dict):
            root = node.get("resourceType") if not path else None
            path = path or (root if isinstance(root, str) and root.isalnum() else "")
            left += [(f"{path}.{key}", one) for key, one in node.items()]
            node = "".join(node)
        elif isinstance(node, list):
            left += [(f"{path}[{place}]", one) for place, one in enumerate(node)]
        if isinstance(node, str) and LONE_SURROGATE.search(node):
            return LONE_SURROGATE.sub("\ufffd", path)
    return None
