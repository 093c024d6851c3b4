"""What `_include` follows: one level, forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

import orjson

from health_records.finding.criteria import Found
from health_records.formats.fhir.bundles import as_uuid
from health_records.formats.fhir.resource_types import KINDS, RESOURCE_TYPES
from health_records.incoming import Kind

COMPILED = Path(__file__).with_name("references.json")


@dataclass(frozen=True, slots=True)
class Include:
    """Where the references stand, and the only type that is wanted, if one was named."""

    paths: tuple[str, ...]
    target: str


@cache
def references_of(resource_type: str) -> Mapping[str, Sequence[str]]:
    """JSON paths of a type's references by search parameter."""
    found: Mapping[str, Mapping[str, Sequence[str]]] = _compiled()
    return found.get(resource_type, {})


def include_of(resource_type: str, text: str) -> Include | None:
    """`Type:parameter[:Target]`; None when it is not one that can be followed."""
    type_, _, rest = text.partition(":")
    name, _, target = rest.partition(":")
    paths = references_of(resource_type).get(name)
    if type_ != resource_type or paths is None or (target and target not in RESOURCE_TYPES):
        return None
    return Include(tuple(paths), target)


def wanted_by(
    found: Sequence[Found], includes: Sequence[Include]
) -> list[tuple[Kind, str, UUID, Found]]:
    """What the found resources refer to, each once."""
    targets = {one.target for one in includes}
    wanted: dict[tuple[str, UUID], tuple[Kind, str, UUID, Found]] = {}
    for one in found:
        for reference in one.references:
            type_, _, rest = reference.partition("/")
            id_ = rest.partition("/")[0]
            key = as_uuid(id_)
            fits = type_ in RESOURCE_TYPES and ("" in targets or type_ in targets)
            if key is not None and fits:
                wanted.setdefault((type_, key), (KINDS.get(type_, Kind.ENTRY), type_, key, one))
    return list(wanted.values())


@cache
def _compiled() -> Mapping[str, Mapping[str, Sequence[str]]]:
    compiled: Mapping[str, Mapping[str, Sequence[str]]] = orjson.loads(COMPILED.read_bytes())
    return compiled
