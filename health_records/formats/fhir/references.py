"""References of a message: found, resolved among what the hospital pushed, rewritten to our ids."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from health_records.formats.fhir.bundles import Entry, as_uuid, identifiers_in
from health_records.formats.fhir.issues import MOST_ISSUES, Issue
from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.resources import paths_to
from health_records.formats.fhir.validation.special_types import may_lead_to, target_shown

RELATIVE = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
CONDITIONAL = re.compile(r"([A-Za-z]+)\?identifier=([^|&=]*\|[^&]+)")
INSIDE = ("urn:uuid:", "urn:oid:")

Holder = dict[str, Any]
Target = tuple[str, UUID]
Token = tuple[str, str]


@dataclass
class Wanted:
    """What must be looked up among what the hospital pushed before: (type, name)."""

    keys: set[Token] = field(default_factory=set)
    identifiers: set[Token] = field(default_factory=set)


@dataclass(frozen=True)
class Stored:
    """What was found."""

    by_key: Mapping[Token, UUID]
    by_identifier: Mapping[Token, list[UUID]]


class Resolver:
    """Resolves the references of one message."""

    def __init__(self, entries: Iterable[Entry], ids: Mapping[int, UUID], *, base: str) -> None:
        self.base = base
        self.inside: dict[str, Target] = {}
        self.by_identifier: dict[Token, list[UUID]] = {}
        for entry in entries:
            target = entry.resource_type, ids[entry.place]
            if entry.full_url:
                self.inside[entry.full_url] = target
            if entry.source_id:
                self.inside.setdefault(f"{entry.resource_type}/{entry.source_id}", target)
            for identifier in identifiers_in(entry.resource):
                token = f"{identifier.get('system') or ''}|{identifier.get('value')}"
                self.by_identifier.setdefault((entry.resource_type, token), []).append(target[1])

    def wanted(self, holders: Iterable[Holder]) -> Wanted:
        """What has to be looked up for these references."""
        wanted = Wanted()
        for holder in holders:
            text = self._local(holder["reference"])
            if text in self.inside:
                continue
            if match := CONDITIONAL.fullmatch(text):
                wanted.identifiers.add((match[1], unquote(match[2])))
            elif match := RELATIVE.fullmatch(text):
                wanted.keys.add((match[1], match[2]))
        return wanted

    def resolve(self, holder: Holder, contained: set[str], stored: Stored) -> str | None:
        """Rewrite the reference; the rule it breaks, or None."""
        text = self._local(holder["reference"])
        if text.startswith("#"):
            return None if text == "#" or text[1:] in contained else "reference-resolves"
        if target := self.inside.get(text):
            holder["reference"] = f"{target[0]}/{target[1]}"
            return None
        if text.startswith(INSIDE):
            return "reference-resolves"
        if match := CONDITIONAL.fullmatch(text):
            return self._resolve_condition(holder, (match[1], unquote(match[2])), stored)
        if match := RELATIVE.fullmatch(text):
            found = stored.by_key.get((match[1], match[2]))
            if match[1] not in RESOURCE_TYPES or found is None:
                return "reference-resolves"
            holder["reference"] = f"{match[1]}/{found}"
            return None
        is_elsewhere = "://" in text or text.startswith("urn:")
        return None if is_elsewhere else "reference-form"

    def _resolve_condition(self, holder: Holder, token: Token, stored: Stored) -> str | None:
        found = {*stored.by_identifier.get(token, ()), *self.by_identifier.get(token, ())}
        if len(found) != 1:
            return "reference-unique" if found else "reference-resolves"
        holder["reference"] = f"{token[0]}/{found.pop()}"
        return None

    def _local(self, text: str) -> str:
        return text.removeprefix(self.base)


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


def target_of(value: Any, type_: str) -> UUID | None:
    """The id in a rewritten reference to a type; the first one of a list."""
    if isinstance(value, list):
        return next((found for one in value if (found := target_of(one, type_))), None)
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str) or not text.startswith(f"{type_}/"):
        return None
    return as_uuid(text[len(type_) + 1 :])
