"""References of a message: found, resolved among what the hospital pushed, rewritten to our ids."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from health_records.formats.fhir.bundles import RESTFUL, Entry, identifiers_in
from health_records.formats.fhir.issues import MOST_ISSUES, Issue
from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.resources import paths_to
from health_records.formats.fhir.validation.special_types import may_lead_to, target_shown

RELATIVE = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
VERSION = re.compile(r"/_history/([A-Za-z0-9\-.]{1,64})$")
CONDITIONAL = re.compile(r"([A-Za-z]+)\?identifier=([^|&=]*(?:\||%7[Cc])[^&]+)")
OUR_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSIDE = ("urn:uuid:", "urn:oid:")

Holder = dict[str, Any]
Token = tuple[str, str]


@dataclass
class Wanted:
    """What must be looked up among what the hospital pushed before: (type, name)."""

    keys: set[Token] = field(default_factory=set)
    identifiers: set[Token] = field(default_factory=set)


@dataclass(frozen=True)
class Stored:
    """What was found."""

    by_key: Mapping[Token, tuple[UUID, int]]
    by_identifier: Mapping[Token, Collection[UUID]]


class Resolver:
    """Resolves the references of one message."""

    def __init__(self, entries: Iterable[Entry], ids: Mapping[int, UUID], *, base: str) -> None:
        self.base = base
        self.inside: dict[str, str] = {}
        self.by_identifier: dict[Token, list[UUID]] = {}
        for entry in entries:
            id_ = ids[entry.place]
            target = f"{entry.resource_type}/{id_}"
            if entry.full_url:
                self.inside[entry.full_url] = target
            if match := RESTFUL.fullmatch(entry.full_url):
                self.inside.setdefault(f"{match[1]}/{match[2]}", target)
            if entry.source_id:
                self.inside.setdefault(f"{entry.resource_type}/{entry.source_id}", target)
            for identifier in identifiers_in(entry.resource):
                token = f"{identifier.get('system') or ''}|{identifier.get('value')}"
                self.by_identifier.setdefault((entry.resource_type, token), []).append(id_)

    def wanted(self, holders: Iterable[Holder]) -> Wanted:
        """What has to be looked up for these references."""
        wanted = Wanted()
        for holder in holders:
            text, _ = self._local(holder["reference"])
            if text in self.inside:
                continue
            if token := _token_in(text):
                wanted.identifiers.add(token)
            elif match := RELATIVE.fullmatch(text):
                wanted.keys.add((match[1], match[2]))
        return wanted

    def resolve(self, holder: Holder, contained: set[str], stored: Stored) -> str | None:
        """Rewrite the reference; the rule it breaks, or None.

        A version is kept where the reference names our own id, for then it is our own version; the source's
        numbers of versions mean nothing here.
        """
        text, version = self._local(holder["reference"])
        if text.startswith("#"):
            return None if text == "#" or text[1:] in contained else "reference-resolves"
        if target := self.inside.get(text):
            holder["reference"] = target
            return None
        if text.startswith(INSIDE):
            return "reference-resolves"
        if token := _token_in(text):
            return self._resolve_condition(holder, token, stored)
        if match := RELATIVE.fullmatch(text):
            found = stored.by_key.get((match[1], match[2]))
            if match[1] not in RESOURCE_TYPES or found is None:
                return "reference-resolves"
            id_, newest = found
            is_ours = bool(version) and match[2] == str(id_)
            if is_ours and not (version.isdigit() and 0 < int(version) <= newest):
                return "reference-resolves"
            holder["reference"] = f"{match[1]}/{id_}" + f"/_history/{version}" * is_ours
            return None
        is_elsewhere = "://" in text or text.startswith("urn:")
        return None if is_elsewhere else "reference-form"

    def _resolve_condition(self, holder: Holder, token: Token, stored: Stored) -> str | None:
        found = {*stored.by_identifier.get(token, ()), *self.by_identifier.get(token, ())}
        if len(found) != 1:
            return "reference-unique" if found else "reference-resolves"
        holder["reference"] = f"{token[0]}/{found.pop()}"
        return None

    def _local(self, text: str) -> tuple[str, str]:
        """The reference without this node's address and without a version, and the version."""
        text = text.removeprefix(self.base)
        if "/_history/" in text and (match := VERSION.search(text)):
            return text[: match.start()], match[1]
        return text, ""


def _token_in(text: str) -> Token | None:
    """Type and `system|value` of a conditional reference; None when it is none that we know."""
    match = CONDITIONAL.fullmatch(text)
    value = unquote(match[2]) if match else ""
    return (match[1], value) if match and "\0" not in value else None


def contained_ids(resource: dict[str, Any]) -> set[str]:
    """Ids of the resources inside a resource."""
    listed = resource.get("contained")
    if not isinstance(listed, list):
        return set()
    return {str(one.get("id")) for one in listed if isinstance(one, dict)}


def resolve_all(entry: Entry, resolver: Resolver, stored: Stored) -> list[Issue]:
    """Rewrite every reference of an entry; an issue for each that leads where it must not."""
    contained = contained_ids(entry.resource)
    broken: list[tuple[Holder, str, str]] = []
    for holder, targets in entry.found.references:
        rule = resolver.resolve(holder, contained, stored)
        if rule is not None:
            broken.append((holder, rule, holder["reference"]))
        else:
            type_ = holder["reference"].partition("/")[0]
            if type_ in RESOURCE_TYPES and not may_lead_to(type_, targets):
                broken.append((holder, "reference-target", target_shown(type_, targets)))
        if len(broken) == MOST_ISSUES:
            break  # the entry is refused, and no more would be shown
    if not broken:
        return []
    where = entry.path or entry.resource_type
    paths = paths_to([holder for holder, _, _ in broken], entry.resource, where)
    return [Issue(rule, paths.get(id(holder), where), value) for holder, rule, value in broken]


def target_of(value: Any, type_: str) -> str | None:
    """The id in a rewritten reference to a type; the first one of a list."""
    if isinstance(value, list):
        return next((found for one in value if (found := target_of(one, type_))), None)
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str) or not text.startswith(f"{type_}/"):
        return None
    id_ = text[len(type_) + 1 :].partition("/")[0]
    return id_ if OUR_ID.fullmatch(id_) else None
