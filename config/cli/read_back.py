"""Whether what was stored reads back as it was sent: `jianqiao push --check`.

Every stored resource is read over HTTP at the place that the answer named, in the version that it named. Of
no account are the order of an object's properties and what is the node's to say (id, version, time); decimals
count as they are written; a reference must lead to what it named, and so must an attachment's address that was
rewritten.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from operator import eq
from typing import Any
from urllib.parse import unquote

from config.cli.circles import REFERENCE
from config.cli.failures import NoAnswer, SignInRefused
from config.cli.hospital_client import CONNECTIONS, HospitalClient

TOGETHER = frozenset({"transaction", "batch"})
BASE = "/fhir/R4/"
MISSING = object()
LONGEST_SHAPE = 60
OURS_TO_SAY = ("versionId", "lastUpdated")

ADDRESS = re.compile(r"https?://.*/" + REFERENCE.pattern)
TYPE = re.compile(r"([A-Za-z]+)(?:/|\?identifier=)")
CONDITIONAL = re.compile(r"([A-Za-z]+\?identifier=)(.+)")
VERSION = re.compile(r"/_history/[A-Za-z0-9\-.]{1,64}$")
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Written(str):
    """A number as it is written: 1.0 and 1.00 are different measurements, and neither is a text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Where something reads otherwise than it was sent; values show their shape only."""

    path: str
    sent: str | None
    came_back: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """How many resources were compared, how many of them differ, and where."""

    checked: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A resource of a message, where it stands and under which names others refer to it there."""

    path: str
    resource: dict[str, Any]
    names: frozenset[str]


class ReadBack:
    """Reads again what a hospital's messages left; remembers from their answers whom references mean."""

    def __init__(self, client: HospitalClient) -> None:
        self._client = client
        self._known: dict[str, set[str]] = defaultdict(set)

    def check(self, body: bytes, locations: Sequence[str]) -> Checked:
        """Compare each resource of a message with what stands at its place; `""` where none was stored.

        What a conditional create found instead of storing is read, and need not be what was sent.
        """
        told = _told(body, locations)
        inside = self._learn(told)
        found: list[list[Difference]] = []
        with ThreadPoolExecutor(CONNECTIONS) as readers:
            reading = readers.map(lambda one: list(self._compare(one[0], one[1], inside)), told)
            try:
                found.extend(reading)
            except (NoAnswer, SignInRefused) as error:
                sent, _ = told[len(found)]
                found.append([Difference(sent.path, _shape(sent.resource), str(error))])
        differences = [difference for one in found for difference in one]
        return Checked(len(found), sum(map(bool, found)), differences)

    def learn(self, body: bytes, locations: Sequence[str]) -> None:
        """Remember where the resources of a message are, without reading them."""
        self._learn(_told(body, locations))

    def _learn(self, told: Iterable[tuple[_Sent, str]]) -> dict[str, set[str]]:
        """What the message itself calls its resources; of it, names that last are remembered."""
        inside: dict[str, set[str]] = {}
        for sent, location in told:
            target = _unversioned(location)
            type_ = target.partition("/")[0]
            lasting = {f"{type_}?identifier={token}" for token in _tokens(sent.resource)}
            lasting |= {name for name in sent.names if name.startswith(f"{type_}/")}
            for name in lasting | {target}:
                self._known[name].add(target)
            for name in sent.names:
                inside.setdefault(name, set()).add(target)
        return inside

    def _compare(
        self, sent: _Sent, location: str, inside: Mapping[str, set[str]]
    ) -> Iterator[Difference]:
        answer = self._client.get(BASE + location)
        if not answer.ok:
            yield Difference(sent.path, _shape(sent.resource), f"HTTP {answer.status}")
            return
        if _unversioned(location) == location:
            return
        is_kept_whole = sent.resource.get("resourceType") == "Bundle"
        is_same = eq if is_kept_whole else partial(self._leads_there, inside=inside)
        before, after = _without_ours(sent.resource), _without_ours(_read(answer.data))
        for path, one, other in _differences(before, after, sent.path, is_same):
            yield Difference(path, _shape(one), _shape(other))

    def _leads_there(self, sent: Any, came_back: Any, inside: Mapping[str, set[str]]) -> bool:
        """Whether a reference, rewritten to our id, leads to what was named.

        What earlier runs pushed is known by its type only. A version counts where the id is ours.
        """
        if not isinstance(sent, str) or not isinstance(came_back, str):
            return False
        text = sent.removeprefix(self._client.url + BASE)
        name, target = _unversioned(text), _unversioned(came_back)
        if match := CONDITIONAL.fullmatch(name):
            name = match[1] + unquote(match[2])
        if targets := inside.get(name) or self._known.get(name):
            is_meant = target in targets
        elif type_ := TYPE.match(name):
            is_meant = re.fullmatch(f"{type_[1]}/{UUID}", target) is not None
        else:
            return sent == came_back
        version = text.removeprefix(target) if name == target else ""
        return is_meant and came_back == target + version


def _told(body: bytes, locations: Sequence[str]) -> list[tuple[_Sent, str]]:
    """The resources that have a place."""
    if not any(locations):
        return []
    pairs = zip(_sent(body), locations, strict=False)
    return [(sent, location) for sent, location in pairs if location and sent.resource]


def _sent(body: bytes) -> list[_Sent]:
    """The resources of a message in their order."""
    content = _read(body)
    if content.get("resourceType") != "Bundle" or content.get("type") not in TOGETHER:
        return [_Sent(str(content.get("resourceType")), content, _names(content, "", ""))]
    found = []
    for place, entry in enumerate(content.get("entry", ())):
        entry = entry if isinstance(entry, dict) else {}
        resource = entry.get("resource") or {}
        request = entry.get("request") or {}
        names = _names(resource, str(entry.get("fullUrl", "")), str(request.get("url", "")))
        found.append(_Sent(f"Bundle.entry[{place}].resource", resource, names))
    return found


def _names(resource: dict[str, Any], full_url: str, url: str) -> frozenset[str]:
    """What others in the message may call a resource."""
    address = ADDRESS.fullmatch(full_url)
    own = f"{resource.get('resourceType')}/{resource['id']}" if resource.get("id") else ""
    asked = url if REFERENCE.fullmatch(url) else ""
    return frozenset({full_url, address[1] if address else "", own, asked} - {""})


def _tokens(resource: dict[str, Any]) -> Iterator[str]:
    """`system|value` of each identifier."""
    listed = resource.get("identifier", [])
    for one in listed if isinstance(listed, list) else [listed]:
        if isinstance(one, dict):
            yield f"{one.get('system', '')}|{one.get('value')}"


def _differences(
    sent: Any, came_back: Any, path: str, is_same: Callable[[Any, Any], bool]
) -> Iterator[tuple[str, Any, Any]]:
    """Path and both values wherever two pieces of JSON differ; `is_same` judges references."""
    if isinstance(sent, dict) and isinstance(came_back, dict):
        for key in sorted(sent.keys() | came_back.keys()):
            one, other = sent.get(key, MISSING), came_back.get(key, MISSING)
            leads = key == "reference" or (key == "url" and one != other)
            if leads and isinstance(one, str):
                if not is_same(one, other):
                    yield f"{path}.{key}", one, other
            else:
                yield from _differences(one, other, f"{path}.{key}", is_same)
    elif isinstance(sent, list) and isinstance(came_back, list):
        for place, (one, other) in enumerate(zip_longest(sent, came_back, fillvalue=MISSING)):
            yield from _differences(one, other, f"{path}[{place}]", is_same)
    elif type(sent) is not type(came_back) or sent != came_back:
        yield path, sent, came_back


def _without_ours(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what is the node's to say."""
    rest = {key: value for key, value in resource.items() if key not in {"id", "meta"}}
    meta = resource.get("meta", {})
    kept = {key: value for key, value in meta.items() if key not in OURS_TO_SAY}
    return rest | ({"meta": kept} if kept else {})


def _read(data: bytes) -> dict[str, Any]:
    """A JSON object with numbers as they are written; empty when it is none."""
    try:
        value = json.loads(data, parse_float=Written, parse_int=Written)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _unversioned(reference: str) -> str:
    """A reference without a version."""
    return VERSION.sub("", reference)


def _shape(value: Any) -> str | None:
    """What a value looks like, without telling it: letters as a, digits as 0, other characters as 文."""
    if value is MISSING:
        return None
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(value)) + "}"
    if isinstance(value, list):
        return f"[{len(value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    shown = value[:LONGEST_SHAPE]
    shape = re.sub(r"[^\W\d_a-zA-Z]", "文", re.sub(r"[a-zA-Z]", "a", re.sub(r"\d", "0", shown)))
    return shape + f"… ({len(value)})" * (len(value) > LONGEST_SHAPE)
