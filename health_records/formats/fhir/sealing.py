"""Cutting out of a resource what identifies people, and what is bulky, by JSON pointer; putting it back.

Cut are: identifier values of people, telecom values anywhere, and every other text that contains one
of them or looks like an identity or mobile number. A text is cut whole, so nothing is lost. The data
of an attachment leaves the number of its part behind.
"""

import base64
import binascii
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any, Self

import orjson

from health_records.incoming import Attachment
from registry.identity_documents import NUMBERS_OF_PEOPLE, citizen_number_of

PEOPLE = frozenset({"Patient", "RelatedPerson", "Person"})
SHORTEST_NEEDLE = 6
MOST_NEEDLES = 32
WORDS = re.compile(r"[0-9A-Za-z@_]+(?:[.+-][0-9A-Za-z@_]+)*")
OUR_REFERENCE = re.compile(r"[A-Za-z]+/[0-9a-f-]{36}")
FULL_WIDTH = b"\xef\xbc"
BACKSLASH = ord("\\")
ESCAPED = re.compile(rb"\\(?:u[0-9a-f]{4}|.)")
ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
NUMBER = re.compile(rb"000[ -]?0000[ -]?0000")
"""How a number of `NUMBERS_OF_PEOPLE` looks, at the least, once every digit is a zero."""

AROUND = 24
"""Bytes on both sides of a `NUMBER` within which the whole number stands, and what must not touch it."""

DATA = b'"data":"'
HOLDERS = (
    b'"telecom":', DATA, *(b'"resourceType":"%b"' % one.encode() for one in sorted(PEOPLE)),
)  # fmt: skip
"""What JSON of ours with something to cut contains, be the person contained or the resource itself."""


@dataclass(frozen=True, slots=True)
class Lines:
    """JSON texts as one, a line each: what few of them contain is found by one look at all."""

    texts: Sequence[bytes]
    whole: bytes
    starts: Sequence[int]

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Self:
        """The texts in their order; none has a line end, which JSON writes as an escape."""
        return cls(texts, b"\n".join(texts), [0, *accumulate(len(one) + 1 for one in texts)])

    def having(self, part: bytes) -> Iterator[int]:
        """Places of the texts that contain a part."""
        at = self.whole.find(part)
        while at >= 0:
            place = self.place_of(at)
            yield place
            at = self.whole.find(part, self.starts[place + 1])

    def place_of(self, at: int) -> int:
        """Place of the text to which a byte of the whole belongs."""
        return bisect_right(self.starts, at) - 1


@dataclass(frozen=True, slots=True)
class Needles:
    """What must not stand in clear anywhere in a message: the numbers and addresses of its people.

    `words` are looked for in JSON, `texts`, the same, in each text. Where there are too many for that, a
    text that holds the longest word of one, a word of `crowd`, is taken to hold it: too much is cut then,
    in a time that grows with the message only.
    """

    words: Sequence[bytes]
    texts: Sequence[str]
    crowd: frozenset[str] = frozenset()

    @classmethod
    def of(cls, resources: Iterable[dict[str, Any]], texts: Sequence[bytes]) -> Self:
        """Those in these resources; `texts` is the whole message.

        Of very many only those are looked for whose longest word stands somewhere else too.
        """
        found = {
            one for one in _secrets(resources)
            if len(one) >= SHORTEST_NEEDLE and ("@" in one or any(map(str.isdigit, one)))
        }  # fmt: skip
        if len(found) > MOST_NEEDLES:
            seen = Counter(word for text in texts for word in _words_in(text))
            found = {one for one in found if seen[_longest_word(one)] != 1}
        crowd: frozenset[str] = frozenset()
        if len(found) > MOST_NEEDLES:
            crowd = frozenset(filter(None, map(_longest_word, found)))
            found = {one for one in found if not _longest_word(one)}
        if len(found) > MOST_NEEDLES:  # none has a plain digit
            digits = {character for one in found for character in one if character.isdigit()}
            found = digits
        return cls([orjson.dumps(one)[1:-1] for one in found], list(found), crowd)

    def may_be_in(self, lines: Lines) -> set[int]:
        """Places of JSON texts; of those not among them `are_in` would be False for every text in them."""
        places = set(chain.from_iterable(map(lines.having, self.words)))
        places.update(place for place, part in _numbers_in(lines) if _tells_a_number(part))
        if self.crowd:
            crowded = enumerate(map(_words_in, lines.texts))
            places.update(place for place, words in crowded if not self.crowd.isdisjoint(words))
        return places

    def are_in(self, text: str) -> bool:
        """Whether a text tells a number of somebody."""
        if len(text) < SHORTEST_NEEDLE:
            return False
        return (
            any(one in text for one in self.texts)
            or NUMBERS_OF_PEOPLE.search(text) is not None
            or (bool(self.crowd) and not self.crowd.isdisjoint(WORDS.findall(text)))
        )


def holding_secrets(lines: Lines) -> set[int]:
    """Places of resources, as JSON, with elements that always hold what must be cut."""
    return set(chain.from_iterable(map(lines.having, HOLDERS)))


def cut(
    resource: dict[str, Any], needles: Needles | None
) -> tuple[dict[str, Any], list[Attachment]]:
    """Remove what must not stand in clear; the values by pointer, and the attachments.

    Without needles, of a resource in which they are not, only what always holds such values.
    """
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


def parts_left(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a stored resource whose `data` was cut; there stands the number of its part."""
    if isinstance(node, dict):
        if type(node.get("data")) is int:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            if isinstance(value, dict | list):
                yield from parts_left(value)


def _numbers_in(lines: Lines) -> Iterator[tuple[int, bytes]]:
    """Where JSON may tell a number of somebody: the text's place, and the number with what is around it."""
    if FULL_WIDTH[:1] in lines.whole:  # one byte is looked for much faster than two
        for place in lines.having(FULL_WIDTH):
            yield place, lines.texts[place]
    for found in NUMBER.finditer(lines.whole.translate(ZEROS)):
        place = lines.place_of(found.start())
        text, first = lines.texts[place], lines.starts[place]
        start = max(found.start() - first - AROUND, 0)
        while start and text[start - 1] == BACKSLASH:  # what it escapes depends on all before it
            start -= 1
        yield place, text[start : found.end() - first + AROUND]


def _tells_a_number(text: bytes) -> bool:
    return NUMBERS_OF_PEOPLE.search(ESCAPED.sub(b" ", text).decode(errors="replace")) is not None


def _words_in(text: bytes) -> list[str]:
    """The words of the texts in JSON; an escaped character ends a word."""
    return WORDS.findall(ESCAPED.sub(b" ", text).decode())


def _longest_word(text: str) -> str:
    return max(WORDS.findall(text), key=len, default="")


def _secrets(resources: Iterable[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for resource in resources:
        _gather(resource, False, found)
    return found


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

    def __init__(self, needles: Needles | None) -> None:
        self.tells = needles.are_in if needles else _tells_nothing
        self.sealed: dict[str, Any] = {}
        self.attachments: list[Attachment] = []

    def walk(self, node: Any, pointer: str, within: str, *, is_person: bool) -> None:
        if isinstance(node, list):
            for place, value in enumerate(node):
                if isinstance(value, dict | list):
                    self.walk(value, f"{pointer}/{place}", within, is_person=is_person)
                elif isinstance(value, str) and self.tells(value):
                    self.sealed[f"{pointer}/{place}"], node[place] = value, None
            return
        is_person = is_person or str(node.get("resourceType")) in PEOPLE
        for key in list(node):
            value, at = node[key], f"{pointer}/{_escaped(key)}"
            if isinstance(value, dict | list):
                self.walk(value, at, key, is_person=is_person)
            elif key == "data" and isinstance(value, str) and "origin" not in node:
                node[key] = self._take_attachment(node, at)
            elif isinstance(value, str) and self._must_go(key, value, within, is_person):
                self.sealed[at] = value
                del node[key]

    def _must_go(self, key: str, text: str, within: str, is_person: bool) -> bool:
        if key == "value" and within == "telecom":
            return True
        if key == "value" and within == "identifier":
            return is_person or citizen_number_of(text) is not None or self.tells(text)
        if key == "reference" and OUR_REFERENCE.fullmatch(text):
            return False
        return self.tells(text)

    def _take_attachment(self, node: dict[str, Any], pointer: str) -> int:
        """Take the data of an Attachment, Binary or Signature; the number of the part."""
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
            Attachment(pointer, kind if isinstance(kind, str) else "", content, is_base64)
        )
        return len(self.attachments) - 1


def _tells_nothing(_: str) -> bool:
    return False


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
