"""Answering a search: what the actor may see of what was asked, audited, as a Bundle."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from health_records.finding.criteria import Found, Lead, Place, TooBroad
from health_records.finding.rows import count_of, included_in, may_search, page_of
from health_records.finding.statements import SEARCH
from health_records.formats.fhir.issues import MessageRefused, refuse, warnings
from health_records.formats.fhir.search.cursors import CURSOR, cursor_of, place_in
from health_records.formats.fhir.search.includes import wanted_by
from health_records.formats.fhir.search.query import Pairs, Query, query_of
from health_records.formats.fhir.search.searchset import address, searchset
from health_records.visibility import facts_that_suffice
from kernel.access.rules import Fact
from kernel.access.services import Concern, authorise, authorise_search
from kernel.actor import Actor


def search(resource_type: str, pairs: Pairs, *, strict: bool, language: str, by: Actor) -> bytes:
    """The page of a search. What is not supported is refused if `strict`, else said in the Bundle."""
    if not may_search(by):
        authorise(by, SEARCH, resource_type=resource_type)
    query, pairs = _asked(resource_type, pairs, by)
    if strict and query.issues:
        raise MessageRefused(query.issues)
    try:
        return _answer(query, pairs, language, by)
    except TooBroad as error:
        raise refuse("search-broad", value=resource_type) from error


def _asked(resource_type: str, pairs: Pairs, by: Actor) -> tuple[Query, Pairs]:
    cursors = [text for name, text in pairs if name == CURSOR]
    if not cursors:
        return query_of(resource_type, pairs, by), pairs
    pairs, place, _ = place_in(cursors[0], resource_type)
    query = query_of(resource_type, pairs, by)
    query.criteria.after = place
    return query, pairs


def _answer(query: Query, pairs: Pairs, language: str, by: Actor) -> bytes:
    criteria, size = query.criteria, query.size
    criteria.limit = size + 1
    criteria.references = tuple(dict.fromkeys(path for one in query.includes for path in one.paths))
    found, seen = page_of(criteria, by)
    more, found = len(found) > size, found[:size]
    total = None
    if query.total in {"accurate", "estimate"} or size == 0:
        total = count_of(criteria, by)
    elif not more and criteria.after is None and query.total != "none":
        total = len(found)
    included = included_in(found, wanted_by(found, query.includes)) if query.includes else []
    _audit(query, found, included, seen, by)
    path = criteria.resource_type
    links = [("self", address(path, query.applied))]
    if more and size:
        place = Place(found[-1].place, found[-1].id)
        cursor = cursor_of(criteria.resource_type, pairs, place)
        links.append(("next", address(path, [(CURSOR, cursor)])))
    outcome = warnings(query.issues, language) if query.issues else None
    return searchset(
        found, included, links=links, total=total, outcome=outcome,
        subsets=(query.subset, query.subset_of_included),
    )  # fmt: skip


def _audit(
    query: Query,
    found: Sequence[Found],
    included: Sequence[Found],
    seen: dict[UUID, str],
    by: Actor,
) -> None:
    """A row for each record that speaks, or was asked for; one for a search that concerns none."""
    counts = Counter(one.registration_id for one in (*found, *included))
    patients = query.criteria.patients or frozenset()
    asked = patients if query.criteria.lead is Lead.RECORD else frozenset()
    about: dict[UUID | None, frozenset[str]] = {}
    for one in found:
        about[one.registration_id] = frozenset({Fact.AUTHENTICATED, one.fact})
    for id_ in asked:
        about.setdefault(id_, frozenset({Fact.AUTHENTICATED, *filter(None, [seen.get(id_)])}))
    concerns = [Concern(id_, facts, counts[id_]) for id_, facts in about.items()]
    if not concerns:
        concerns = [Concern(None, frozenset({Fact.AUTHENTICATED, *_usual(by)}), 0)]
    authorise_search(by, SEARCH, concerns, resource_type=query.criteria.resource_type)


def _usual(by: Actor) -> Sequence[Fact]:
    """The facts by which a search of nobody in particular is made: it gave out nothing."""
    return facts_that_suffice(by, SEARCH)[:1]
