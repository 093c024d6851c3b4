"""`Patient/{id}/$everything`: the whole record, page by page.

First the patient and what happened, newest first; when that is through, what it refers to.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from health_records.finding.criteria import Found, Place
from health_records.finding.rows import may_search
from health_records.finding.statements import SEARCH
from health_records.finding.whole_record import Part, record_of, referred_by
from health_records.formats.fhir.bundles import as_uuid
from health_records.formats.fhir.issues import Issue, MessageRefused, warnings
from health_records.formats.fhir.resource_types import RESOURCE_TYPES
from health_records.formats.fhir.search.cursors import CURSOR, cursor_of, place_in
from health_records.formats.fhir.search.query import DEFAULT_PAGE, IGNORED, Pairs
from health_records.formats.fhir.search.searchset import address, searchset
from health_records.formats.fhir.search.values import (
    alternatives,
    count_of,
    plain_moment_of,
    wrong,
)
from kernel.access.errors import NotVisible
from kernel.access.rules import Fact
from kernel.access.services import Concern, authorise, authorise_search
from kernel.actor import Actor

PATIENT = "Patient"
HAPPENED, REFERRED = "happened", "referred"
"""Which half of the record a cursor stands in."""

START = Place(None, UUID(int=0))
Page = tuple[list[Found], list[Found], tuple[str, Place] | None]


def everything(id_: str, pairs: Pairs, *, strict: bool, language: str, by: Actor) -> bytes:
    """A page of the record; NotVisible when the actor sees no such patient."""
    registration_id = as_uuid(id_)
    if not may_search(by):
        authorise(by, SEARCH, resource_type=PATIENT, registration_id=registration_id)
    if registration_id is None:
        nobody = Concern(None, frozenset({Fact.AUTHENTICATED}), 0)
        authorise_search(by, SEARCH, [nobody], resource_type=PATIENT)
        raise NotVisible
    path = f"{PATIENT}/{registration_id}/$everything"
    half, place, pairs = _place(path, pairs)
    part, applied, issues = _asked(registration_id, pairs)
    if strict and issues:
        raise MessageRefused(issues)
    page, fact = _page(part, half, place, by)
    if fact is None:
        authorise(
            by, SEARCH, facts={Fact.AUTHENTICATED}, resource_type=PATIENT,
            registration_id=registration_id,
        )  # fmt: skip
        raise NotVisible
    happened, referred, follows = page
    facts = frozenset({Fact.AUTHENTICATED, fact})
    authorise_search(
        by, SEARCH, [Concern(registration_id, facts, len(happened) + len(referred))],
        resource_type=PATIENT, resource_id=registration_id,
    )  # fmt: skip
    links = [("self", address(path, applied))]
    if follows is not None:
        cursor = cursor_of(path, pairs, follows[1], follows[0])
        links.append(("next", address(path, [(CURSOR, cursor)])))
    outcome = warnings(issues, language) if issues else None
    return searchset(happened, referred, links=links, outcome=outcome)


def _place(path: str, pairs: Pairs) -> tuple[str, Place | None, Pairs]:
    cursors = [text for name, text in pairs if name == CURSOR]
    if not cursors:
        return HAPPENED, None, pairs
    pairs, place, (half,) = place_in(cursors[0], path)
    return half, place, pairs


def _page(part: Part, half: str, place: Place | None, by: Actor) -> tuple[Page, str | None]:
    """What happened and what is referred to, where the next page begins, and the fact."""
    happened: list[Found] = []
    size, fact = part.limit, None
    if half == HAPPENED:
        happened, fact = record_of(replace(part, limit=size + 1, after=place), by)
        if len(happened) > size:
            last = happened[size - 1]
            return (happened[:size], [], (HAPPENED, Place(last.place, last.id))), fact
        place = START
    left = size - len(happened)
    referred, seen = referred_by(replace(part, limit=left + 1, after=place), by)
    if len(referred) <= left:
        return (happened, referred, None), fact or seen
    follows = Place(None, referred[left - 1].id) if left else place or START
    return (happened, referred[:left], (REFERRED, follows)), fact or seen


def _asked(registration_id: UUID, pairs: Pairs) -> tuple[Part, list[tuple[str, str]], list[Issue]]:
    part, applied, issues = Part(registration_id, DEFAULT_PAGE), [], []
    for name, text in pairs:
        if name in IGNORED:
            continue
        if name not in PARAMETERS:
            issues.append(Issue("search-parameter", name, name))
            continue
        part = PARAMETERS[name](part, name, text)
        applied.append((name, text))
    return part, applied, issues


def _count(part: Part, name: str, text: str) -> Part:
    limit = count_of(name, text)
    if not limit:
        raise wrong(name, text)
    return replace(part, limit=limit)


def _type(part: Part, name: str, text: str) -> Part:
    types = alternatives(name, text)
    if not RESOURCE_TYPES.issuperset(types):
        raise wrong(name, text)
    return replace(part, types=[*(part.types or ()), *types])


def _since(part: Part, name: str, text: str) -> Part:
    return replace(part, since=plain_moment_of(name, text).start)


def _start(part: Part, name: str, text: str) -> Part:
    return replace(part, start=plain_moment_of(name, text).start)


def _end(part: Part, name: str, text: str) -> Part:
    return replace(part, end=plain_moment_of(name, text).end)


PARAMETERS: Mapping[str, Callable[[Part, str, str], Part]] = {
    "_count": _count, "_type": _type, "_since": _since, "start": _start, "end": _end,
}  # fmt: skip
"""What the operation takes."""
