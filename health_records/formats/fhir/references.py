"""References of a message: found, resolved among what the hospital pushed, rewritten to our ids."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import UUID

from health_records.formats.fhir.bundles import RESTFUL, Entry, identifiers_in
from health_records.formats.fhir.issues import MOST_ISSUES, MOST_ISSUES_KEPT, Issue
from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.validation.resources import paths_to
from health_records.formats.fhir.validation.special_types import may_lead_to, target_shown
from health_records.rules import fits_key

RELATIVE = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
VERSION = re.compile(r"/_history/([A-Za-z0-9\-.]{1,64})$")
CONDITIONAL = re.compile(r"([A-Za-z]+)\?identifier=([^|&=]*(?:\||%7[Cc])[^&]+)")
OUR_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSIDE = ("urn:uuid:", "urn:oid:")

Holder = dict[str, Any]
Reference = tuple[Holder, frozenset[str] | None]
Token = tuple[str, str]


@dataclass
class Wanted:
    """What must be looked up among what the hospital pushed before: (type, name)."""

    keys: set[Token] = field(default_factory=set)
    identifiers: set[Token] = field(default_factory=set)


@dataclass(frozen=True)
class Stored:
    """What was found."""

    by_key: Mapping[Token, Collection[tuple[UUID, int]]]
    by_identifier: Mapping[Token, Collection[UUID]]


class Lead(NamedTuple):
    """What a reference becomes, and the place of the entry it leads to; or the rule that it breaks."""

    text: str = ""
    rule: str = ""
    place: int | None = None


class Resolver:
    """Tells where the references of one message lead.

    With `falls_back` an entry may be left out, and what led to it leads to what is stored, if anything.
    """

    def __init__(
        self, entries: Iterable[Entry], ids: Mapping[int, UUID], *, base: str, falls_back: bool
    ) -> None:
        self.base, self.falls_back = base, falls_back
        self.leads: dict[str, Lead] = {}
        self.targets: dict[int, str] = {}
        self.inside: dict[str, int] = {}
        self.several: set[str] = set()
        self.by_identifier: dict[Token, list[int]] = {}
        for entry in entries:
            place = entry.place
            self.targets[place] = f"{entry.resource_type}/{ids[place]}"
            if entry.full_url:
                self.inside[entry.full_url] = place
            if match := RESTFUL.fullmatch(entry.full_url):
                self._call(f"{match[1]}/{match[2]}", place)
            if entry.source_id:
                self._call(f"{entry.resource_type}/{entry.source_id}", place)
            for identifier in identifiers_in(entry.resource):
                token = f"{identifier.get('system') or ''}|{identifier.get('value')}"
                self.by_identifier.setdefault((entry.resource_type, token), []).append(place)

    def _call(self, name: str, place: int) -> None:
        if self.inside.setdefault(name, place) != place:
            self.several.add(name)

    def as_meant(self, reference: str, entry: Entry) -> str:
        """The reference, as an address where entries of several servers bear its name.

        A relative reference belongs to the server that its own entry's fullUrl names (R4, Bundle: resolving references).
        """
        name, _ = self._local(reference)
        match = RESTFUL.fullmatch(entry.full_url)
        if match is None or name not in self.several:
            return reference
        address = entry.full_url[: match.start(1)] + name
        return address if address in self.inside else reference

    def leave_out(self, place: int) -> None:
        """Nothing leads to this entry any more."""
        self.targets.pop(place, None)
        self.leads.clear()

    def wanted(self, references: Iterable[str]) -> Wanted:
        """What has to be looked up for these references."""
        wanted = Wanted()
        for reference in references:
            text, _ = self._local(reference)
            if text in self.inside and not self.falls_back:
                continue
            if token := _token_in(text):
                wanted.identifiers.add(token)
            elif match := RELATIVE.fullmatch(text):
                wanted.keys.add((match[1], match[2]))
        return wanted

    def lead(self, reference: str, contained: set[str], stored: Stored) -> Lead:
        """Where a reference leads.

        A version is kept where the reference names our own id, for then it is our own version; the source's
        numbers of versions mean nothing here.
        """
        if reference.startswith("#"):
            is_there = reference == "#" or reference[1:] in contained
            return Lead(reference) if is_there else Lead(rule="reference-resolves")
        lead = self.leads.get(reference)
        if lead is None:
            lead = self.leads[reference] = self._lead_outside(reference, stored)
        return lead

    def _lead_outside(self, reference: str, stored: Stored) -> Lead:
        text, version = self._local(reference)
        if text in self.several:
            return Lead(rule="reference-unique")
        place = self.inside.get(text)
        if place is not None and (target := self.targets.get(place)):
            return Lead(target, place=place)
        if text.startswith(INSIDE):
            return Lead(rule="reference-resolves")
        if token := _token_in(text):
            return self._lead_of_condition(token, stored)
        if match := RELATIVE.fullmatch(text):
            return _lead_to_stored(match[1], match[2], version, stored)
        is_elsewhere = "://" in text or text.startswith("urn:")
        return Lead(reference) if is_elsewhere else Lead(rule="reference-form")

    def link(self, address: str) -> str:
        """The address of an attachment; that of a resource of the message where it means one."""
        place = None if address in self.several else self.inside.get(address)
        return address if place is None else self.targets.get(place, address)

    def _lead_of_condition(self, token: Token, stored: Stored) -> Lead:
        if not fits_key(*token[1].split("|", 1)):
            return Lead(rule="key-length")
        found: dict[str, int | None] = {
            f"{token[0]}/{id_}": None for id_ in stored.by_identifier.get(token, ())
        }
        for place in self.by_identifier.get(token, ()):
            if target := self.targets.get(place):
                found[target] = place
        if len(found) != 1:
            return Lead(rule="reference-unique" if found else "reference-resolves")
        ((text, where),) = found.items()
        return Lead(text, place=where)

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


def _lead_to_stored(type_: str, name: str, version: str, stored: Stored) -> Lead:
    found = stored.by_key.get((type_, name), ())
    if len(found) != 1:
        return Lead(rule="reference-unique" if found else "reference-resolves")
    ((id_, newest),) = found
    is_ours = bool(version) and name == str(id_)
    if is_ours and not (version.isdigit() and 0 < int(version) <= newest):
        return Lead(rule="reference-resolves")
    return Lead(f"{type_}/{id_}" + f"/_history/{version}" * is_ours)


def contained_ids(resource: dict[str, Any]) -> set[str]:
    """Ids of the resources inside a resource."""
    listed = resource.get("contained")
    if not isinstance(listed, list):
        return set()
    return {str(one.get("id")) for one in listed if isinstance(one, dict)}


def resolve_all(entries: Sequence[Entry], resolver: Resolver, stored: Stored) -> None:
    """Rewrite every reference, and where attachments are; an entry with one that leads where it must not gets issues.

    Where the resolver falls back such an entry is left out, and those that lead to it are looked at once
    more, so that one pass finds everybody who leans on something faulty.
    """
    leads: dict[int, tuple[Holder, str]] = {}
    leaning: dict[int, list[tuple[Entry, list[Reference]]]] = defaultdict(list)
    room = MOST_ISSUES_KEPT
    waiting = [(entry, entry.found.references) for entry in entries]
    while waiting:
        entry, references = waiting.pop()
        if entry.issues and resolver.falls_back:
            continue
        broken: list[tuple[Holder, str, str]] = []
        leans_on: dict[int, list[Reference]] = defaultdict(list)
        contained = contained_ids(entry.resource)
        for holder, targets in references:
            said = holder["reference"]
            meant = resolver.as_meant(said, entry) if resolver.several else said
            lead = resolver.lead(meant, contained, stored)
            type_ = lead.text.partition("/")[0]
            if lead.rule:
                broken.append((holder, lead.rule, said))
            elif type_ in RESOURCE_TYPES and not may_lead_to(type_, targets):
                broken.append((holder, "reference-target", target_shown(type_, targets)))
            leads[id(holder)] = holder, lead.text
            if lead.place is not None and resolver.falls_back:
                leans_on[lead.place].append((holder, targets))
            if len(broken) == MOST_ISSUES or len(broken) > room:
                break  # the entry is refused, and no more would be shown
        for place, those in leans_on.items():
            leaning[place].append((entry, those))
        room = max(room - len(broken), 0)
        if broken:
            entry.issues += _issues_of(broken, entry)
            if resolver.falls_back:
                resolver.leave_out(entry.place)
                waiting += leaning.pop(entry.place, [])
    for holder, text in leads.values():
        if text:
            holder["reference"] = text
    for entry in entries:
        for attachment in entry.found.links:
            attachment["url"] = resolver.link(attachment["url"])


def _issues_of(broken: list[tuple[Holder, str, str]], entry: Entry) -> list[Issue]:
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
