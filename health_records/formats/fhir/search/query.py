"""A query string as criteria: what is searched, how it is answered, and what was not understood."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from health_records.finding.criteria import Condition, Criteria, Lead, Order
from health_records.finding.statements import SEARCH
from health_records.formats.fhir.issues import Issue, refuse
from health_records.formats.fhir.resource_types import KINDS
from health_records.formats.fhir.search import conditions
from health_records.formats.fhir.search.includes import Include, include_of
from health_records.formats.fhir.search.parameters import Meaning, parameters_of
from health_records.formats.fhir.search.patients import by_number, by_phone
from health_records.formats.fhir.search.values import (
    Moment,
    Token,
    alternatives,
    count_of,
    moment_of,
    reference_of,
    text_of,
    token_of,
    wrong,
)
from health_records.formats.fhir.subsets import SUMMARIES, Subset, with_elements
from health_records.incoming import Kind
from health_records.visibility import facts_that_suffice
from kernel.access.rules import Fact
from kernel.actor import Actor

Pairs = Sequence[tuple[str, str]]

DEFAULT_PAGE = 20
TOTALS = frozenset({"none", "estimate", "accurate"})
SORTS = {"date": Order.OCCURRED, "_lastUpdated": Order.CHANGED, "_id": Order.ID}
IGNORED = frozenset({"_format", "_pretty"})
CLINICAL = frozenset({Kind.ENCOUNTER, Kind.ENTRY, Kind.DOCUMENT})
OPEN_ABOVE = frozenset({"gt", "ge"})


@dataclass(slots=True)
class Query:
    """What was asked: `applied` is what was heeded, `issues` what was not."""

    criteria: Criteria
    applied: list[tuple[str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    total: str = ""
    size: int = DEFAULT_PAGE
    codes: list[Token] = field(default_factory=list)
    sorted_by: Order | None = None
    since: Moment | None = None
    narrowed: set[Meaning] = field(default_factory=set)
    subset: Subset | None = None
    subset_of_included: Subset | None = None


def query_of(resource_type: str, pairs: Pairs, actor: Actor) -> Query:
    """The query; MessageRefused names a parameter whose value is malformed, or too broad a search."""
    query = Query(Criteria(KINDS.get(resource_type, Kind.ENTRY), resource_type))
    known = parameters_of(resource_type)
    for name, text in pairs:
        bare, _, modifier = name.partition(":")
        if name in IGNORED:
            continue
        if bare in CONTROLS:
            understood = CONTROLS[bare](query, name, text)
        elif bare in known:
            understood = _narrow(query, actor, known[bare], name, modifier, text)
        else:
            query.issues.append(Issue("search-parameter", name, bare))
            continue
        if understood:
            query.applied.append((name, text))
    if query.includes and query.subset is SUMMARIES["text"]:  # R4, 3.1.1.5.8
        raise wrong("_summary", "text")
    _lead(query, actor)
    return query


def _narrow(
    query: Query, actor: Actor, meaning: Meaning, name: str, modifier: str, text: str
) -> bool:
    """Take up a parameter that narrows the search."""
    criteria = query.criteria
    if modifier == "missing":
        criteria.conditions.append(conditions.missing(name, meaning, text))
        query.narrowed.add(meaning)
        return True
    if modifier not in MODIFIERS.get(meaning, frozenset({""})):
        query.issues.append(Issue("search-modifier", name, modifier))
        return False
    parts = alternatives(name, text)
    match meaning:
        case Meaning.ID:
            ids = {reference_of(name, part, criteria.resource_type) for part in parts}
            criteria.ids = _both(criteria.ids, ids)
        case Meaning.PATIENT:
            ids = {reference_of(name, part, "Patient") for part in parts}
            criteria.patients = _both(criteria.patients, ids)
        case Meaning.ENCOUNTER:
            ids = {reference_of(name, part, "Encounter") for part in parts}
            criteria.encounters = _both(criteria.encounters, ids)
        case Meaning.CODE if modifier == "" and not query.codes:
            query.codes = [token_of(name, part) for part in parts]
        case _:
            if meaning is Meaning.DATE and len(parts) == 1:
                moment = moment_of(name, parts[0])
                query.since = moment if moment.prefix in OPEN_ABOVE else query.since
            made = conditions.any_of(
                [_condition(criteria.kind, actor, meaning, name, modifier, part) for part in parts]
            )
            _add(query, meaning, conditions.negated(made) if modifier == "not" else made, modifier)
    return True


def _condition(
    kind: Kind, actor: Actor, meaning: Meaning, name: str, modifier: str, text: str
) -> Condition:
    if kind is Kind.REGISTRATION and meaning is Meaning.IDENTIFIER:
        return by_number(token_of(name, text), actor)
    if meaning is Meaning.PHONE:
        return by_phone(text_of(text), actor)
    if modifier == "exact":
        return conditions.exactly(name, meaning, text)
    return conditions.CONDITIONS[meaning](name, text, kind)


def _add(query: Query, meaning: Meaning, condition: Condition, modifier: str) -> None:
    few = {Meaning.IDENTIFIER, Meaning.PHONE, Meaning.NAME, Meaning.BIRTH_DATE}
    if meaning in few and modifier != "not" and "starts_with(m" not in condition.sql:
        query.criteria.few.append(condition)
    else:
        query.criteria.conditions.append(condition)
        query.narrowed.add(meaning)


def _both(before: frozenset[UUID] | None, ids: Iterable[UUID | None]) -> frozenset[UUID]:
    found = frozenset(id_ for id_ in ids if id_ is not None)
    return found if before is None else before & found


def _count(query: Query, name: str, text: str) -> bool:
    query.size = count_of(name, text)
    return True


def _sort(query: Query, name: str, text: str) -> bool:
    bare = text.removeprefix("-")
    order = SORTS.get(bare)
    is_clinical = query.criteria.kind in CLINICAL
    if order is None or (order is Order.OCCURRED and not is_clinical) or query.sorted_by:
        query.issues.append(Issue("search-sort", name, text))
        return False
    query.sorted_by, query.criteria.descending = order, text.startswith("-")
    return True


def _total(query: Query, name: str, text: str) -> bool:
    if text not in TOTALS:
        raise wrong(name, text)
    query.total = text
    return True


def _summary(query: Query, name: str, text: str) -> bool:
    if text == "count":
        query.size = 0
    elif text in SUMMARIES and query.subset is None:
        query.subset = query.subset_of_included = SUMMARIES[text]
    elif text != "false":
        query.issues.append(Issue("search-parameter", name, f"{name}={text}"))
        return False
    return True


def _elements(query: Query, name: str, text: str) -> bool:
    if query.subset is not None:
        query.issues.append(Issue("search-parameter", name, name))
        return False
    query.subset = with_elements(query.criteria.resource_type, text)
    return True


def _include(query: Query, name: str, text: str) -> bool:
    found = include_of(query.criteria.resource_type, text) if name == "_include" else None
    if found is None:
        query.issues.append(Issue("search-include", name, text))
        return False
    query.includes.append(found)
    return True


Take = Callable[[Query, str, str], bool]
CONTROLS: dict[str, Take] = {
    "_count": _count, "_sort": _sort, "_total": _total, "_summary": _summary, "_elements": _elements,
    "_include": _include,
}  # fmt: skip

MODIFIERS = {
    Meaning.CODE: frozenset({"", "not"}),
    Meaning.CATEGORY: frozenset({"", "not"}),
    Meaning.STATUS: frozenset({"", "not"}),
    Meaning.GENDER: frozenset({"", "not"}),
    Meaning.NAME: frozenset({"", "exact"}),
    Meaning.PATIENT: frozenset({"", "Patient"}),
    Meaning.ENCOUNTER: frozenset({"", "Encounter"}),
}
"""Modifiers beside `:missing`; the empty one is none."""


def _lead(query: Query, actor: Actor) -> None:
    """Choose the index to start from, and the order that goes with it."""
    criteria = query.criteria
    facts = facts_that_suffice(actor, SEARCH)
    of_record = criteria.patients is not None or criteria.encounters is not None
    own_only = facts == (Fact.OWN_RECORD,) and criteria.kind is not Kind.PARTY
    narrow = Meaning.LAST_UPDATED in query.narrowed
    if of_record or own_only:
        criteria.lead = Lead.RECORD
    elif criteria.ids is not None:
        criteria.lead = Lead.IDS
    elif criteria.few:
        criteria.lead = Lead.FEW
    elif query.codes and criteria.kind is Kind.ENTRY and _fits(query, Order.OCCURRED):
        leads = all(token.value is not None for token in query.codes)
        criteria.lead = Lead.CODE if leads and not narrow else Lead.CHANGED
    elif criteria.kind is Kind.ENCOUNTER and _fits(query, Order.OCCURRED) and not narrow:
        by_date = not query.narrowed or Meaning.DATE in query.narrowed
        criteria.lead = Lead.DATE if by_date else Lead.CHANGED
    if criteria.lead is Lead.CODE:
        criteria.branches = [conditions.leading_code(token) for token in query.codes]
        criteria.branches += [conditions.further_code(token) for token in query.codes]
    if criteria.lead in {Lead.CODE, Lead.DATE} and query.since is not None:
        halves = conditions.begun_before_or_after(query.since, criteria.kind)
        criteria.branches = [
            conditions.both(branch, half)
            for branch in criteria.branches or [conditions.ALWAYS]
            for half in halves
        ]
    if query.codes and criteria.lead is not Lead.CODE:
        criteria.conditions.append(conditions.any_of(list(map(conditions.code, query.codes))))
        query.narrowed.add(Meaning.CODE)
    if criteria.lead is Lead.CHANGED and (query.narrowed - {Meaning.GENDER}) and not narrow:
        raise refuse("search-broad", value=criteria.resource_type)
    _order(query)


def _fits(query: Query, order: Order) -> bool:
    return query.sorted_by in {None, order}


def _order(query: Query) -> None:
    criteria = query.criteria
    if query.sorted_by is not None:
        criteria.order = query.sorted_by
        bounded = criteria.lead in {Lead.RECORD, Lead.IDS, Lead.FEW}
        natural = Order.CHANGED if criteria.lead is Lead.CHANGED else Order.OCCURRED
        if not bounded and criteria.order is not natural:
            raise refuse("search-broad", "_sort", criteria.resource_type)
    elif criteria.kind in CLINICAL and criteria.lead is not Lead.CHANGED:
        criteria.order, criteria.descending = Order.OCCURRED, True
