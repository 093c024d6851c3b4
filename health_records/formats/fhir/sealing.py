"""Cutting out of a resource what identifies people, and what is bulky, by JSON pointer; putting it back.

Cut are: identifier values of people, telecom values anywhere, and every other text that contains one
of them or looks like an identity or mobile number. A text is cut whole, so nothing is lost.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from health_records.incoming import Attachment
from registry.identity_documents import citizen_number_of

PEOPLE = frozenset({"Patient", "RelatedPerson", "Person"})
SHORTEST_NEEDLE = 6
NUMBERS = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[0-9Xx]|1[3-9]\d{9})(?![0-9A-Za-z])")
ATTACHMENT_KEYS = frozenset({"contentType", "hash", "size", "title", "creation"})


def secrets_of(resources: Iterable[dict[str, Any]]) -> set[str]:
    """The values that identify people anywhere in these resources."""
    found: set[str] = set()
    for resource in resources:
        _gather(resource, False, found)
    return found


def needles_of(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for texts that contain one of the values; None when all are too short to look for."""
    long = sorted({one for one in secrets if len(one) >= SHORTEST_NEEDLE}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, long))) if long else None


def cut(
    resource: dict[str, Any], needles: re.Pattern[str] | None
) -> tuple[dict[str, Any], list[Attachment]]:
    """Remove what must not stand in clear; the values by pointer, and the attachments."""
    cutter = _Cutter(needles)
    cutter.walk(resource, "", "", is_person=False)
    return cutter.sealed, cutter.attachments


def put_back(resource: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Undo `cut`."""
    for pointer, value in values.items():
        *above, last = (
            part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")
        )
        node: Any = resource
        for part in above:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value


def _gather(node: Any, is_person: bool, found: set[str]) -> None:
    if isinstance(node, list):
        for value in node:
            _gather(value, is_person, found)
        return
    if not isinstance(node, dict):
        return
    is_person = is_person or str(node.get("resourceType")) in PEOPLE
    for key, value in node.items():
        if key == "telecom" or (is_person and key == "identifier"):
            for one in value if isinstance(value, list) else [value]:
                text = one.get("value") if isinstance(one, dict) else None
                if isinstance(text, str) and text:
                    found.add(text)
        if isinstance(value, dict | list):
            _gather(value, is_person, found)


class _Cutter:
    """One walk over a resource."""

    def __init__(self, needles: re.Pattern[str] | None) -> None:
        self.needles = needles
        self.sealed: dict[str, Any] = {}
        self.attachments: list[Attachment] = []

    def walk(self, node: Any, pointer: str, within: str, *, is_person: bool) -> None:
        if isinstance(node, list):
            for place, value in enumerate(node):
                if isinstance(value, dict | list):
                    self.walk(value, f"{pointer}/{place}", within, is_person=is_person)
                elif isinstance(value, str) and self._tells(value):
                    self.sealed[f"{pointer}/{place}"], node[place] = value, None
            return
        is_person = is_person or str(node.get("resourceType")) in PEOPLE
        if isinstance(node.get("data"), str) and self._take_attachment(node, pointer):
            del node["data"]
        for key in list(node):
            value, at = node[key], f"{pointer}/{_escaped(key)}"
            if isinstance(value, dict | list):
                self.walk(value, at, key, is_person=is_person)
            elif isinstance(value, str):
                is_number = key == "value" and (
                    within == "telecom"
                    or (within == "identifier" and (is_person or citizen_number_of(value)))
                )
                if is_number or self._tells(value):
                    self.sealed[at] = value
                    del node[key]

    def _tells(self, text: str) -> bool:
        if len(text) < SHORTEST_NEEDLE:
            return False
        return bool(NUMBERS.search(text) or (self.needles and self.needles.search(text)))

    def _take_attachment(self, node: dict[str, Any], pointer: str) -> bool:
        """Take the data of an Attachment or Binary; sampled data is no attachment."""
        if "origin" in node or not ATTACHMENT_KEYS & node.keys():
            return False
        text = node["data"]
        content, is_base64 = text.encode("utf-8", "surrogatepass"), False
        try:
            decoded = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
        else:
            if base64.b64encode(decoded) == content:  # else it would not come back as it came
                content, is_base64 = decoded, True
        kind = node.get("contentType")
        self.attachments.append(
            Attachment(f"{pointer}/data", kind if isinstance(kind, str) else "", content, is_base64)
        )
        return True


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
