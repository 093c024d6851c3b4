"""Conditional interactions: which of the hospital's resources a condition means."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import UUID

from health_records import selectors
from health_records.formats.fhir.issues import refuse
from health_records.formats.fhir.resource_types import KINDS, RESOURCE_TYPES
from health_records.incoming import Kind
from health_records.rules import fits_key
from kernel.postgres import locks
from registry.patients.selectors import ids_by_identifier

TOKEN = re.compile(r"[^|]*\|[^|]+")
SEPARATOR = re.compile(r"(?<!\\),")
NUL = "\0"
NOT_CONDITIONS = frozenset({"_format", "_pretty"})

Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """Every part must hold; a part holds when one of its values does."""

    resource_type: str
    identifiers: frozenset[frozenset[str]]
    ids: frozenset[frozenset[str]]


def condition_of(resource_type: str, query: str, path: str) -> Condition:
    """The condition that a query states; MessageRefused when it is none that we know."""
    parts: dict[str, set[frozenset[str]]] = {"identifier": set(), "_id": set()}
    for pair in query.removeprefix("?").split("&"):
        name, _, text = pair.partition("=")
        if name in NOT_CONDITIONS:
            continue
        values = {one.replace("\\,", ",") for one in SEPARATOR.split(unquote(text))}
        is_known = name in parts and all(values) and NUL not in unquote(text)
        if not is_known or (name == "identifier" and not all(map(TOKEN.fullmatch, values))):
            raise refuse("condition", path, query)
        if not all(fits_key(*value.split("|", 1)) for value in values):
            raise refuse("key-length", path, query)
        parts[name].add(frozenset(values))
    if not any(parts.values()):
        raise refuse("condition", path, query)
    return Condition(resource_type, frozenset(parts["identifier"]), frozenset(parts["_id"]))


def matches(
    conditions: Collection[Condition], organisation_id: UUID
) -> dict[Condition, frozenset[UUID]]:
    """The hospital's resources that meet each condition.

    Whoever asks the same at the same time waits until the caller's transaction is over, so that two
    conditional creates never make two.
    """
    if not conditions:
        return {}
    locks.hold(f"{organisation_id}/{one}" for condition in conditions for one in _texts(condition))
    tokens = {
        (one.resource_type, token)
        for one in conditions for part in one.identifiers for token in part
    }  # fmt: skip
    names = {(one.resource_type, id_) for one in conditions for part in one.ids for id_ in part}
    identified = by_identifier(tokens, organisation_id)
    named = {
        name: [id_ for id_, _ in found]
        for name, found in selectors.named(organisation_id, by_kind(names)).items()
    }
    return {
        one: frozenset.intersection(
            *(_any_of(one, part, identified) for part in one.identifiers),
            *(_any_of(one, part, named) for part in one.ids),
        )
        for one in conditions
    }


def by_identifier(
    tokens: Iterable[Token], organisation_id: UUID
) -> Mapping[Token, Collection[UUID]]:
    """A hospital's resources by (type, `system|value`)."""
    kinds = by_kind(tokens)
    found = dict(selectors.ids_by_identifier(organisation_id, kinds))
    if patients := {token.partition("|")[::2] for _, token in kinds.get(Kind.REGISTRATION, ())}:
        for (system, value), ids in ids_by_identifier(organisation_id, patients).items():
            found["Patient", f"{system}|{value}"] = ids
    return found


def by_kind(names: Iterable[Token]) -> dict[Kind, set[Token]]:
    """(type, name) by the table in which the type is kept."""
    kinds: dict[Kind, set[Token]] = defaultdict(set)
    for type_, name in names:
        if type_ in RESOURCE_TYPES:
            kinds[KINDS.get(type_, Kind.ENTRY)].add((type_, name))
    return kinds


def _any_of(
    condition: Condition, part: frozenset[str], found: Mapping[Token, Collection[UUID]]
) -> frozenset[UUID]:
    ids = (found.get((condition.resource_type, value), ()) for value in part)
    return frozenset().union(*ids)


def _texts(condition: Condition) -> Iterable[str]:
    for part in (*condition.identifiers, *condition.ids):
        for value in part:
            yield f"{condition.resource_type}?{value}"
