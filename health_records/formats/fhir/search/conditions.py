"""A parameter's value as a condition on our columns."""

from collections.abc import Callable, Mapping, Sequence

from health_records.finding.criteria import Condition
from health_records.formats.fhir.issues import refuse
from health_records.formats.fhir.patients import SEXES
from health_records.formats.fhir.search.parameters import Meaning
from health_records.formats.fhir.search.values import (
    Moment,
    Token,
    moment_of,
    text_of,
    token_of,
    wrong,
)
from health_records.incoming import Kind
from health_records.rules import fits_key

Make = Callable[[str, str, Kind], Condition]

NEVER = Condition("false")
ALWAYS = Condition("true")
# A resource that says no time counts as of when it came; it is not found by a date.
SAYS_WHEN = "t.occurred_at <> t.changed_at"
ENDS: Mapping[Kind, str] = {Kind.ENCOUNTER: "coalesce(t.ended_at, 'infinity')"}
END = "coalesce(t.ended_at, t.occurred_at)"

# FHIR R4, 3.1.1.4.5: a parameter means the range [start, end), a resource a range of its own. What
# overlaps the range meets `ge` and `le`, as HAPI and Microsoft read it: the letter would leave it out.
COMPARED: Mapping[str, tuple[str, str]] = {
    "eq": ("{first} >= {{}} AND {first} < {{}} AND {last} < {{}}", "see"),
    "ne": ("NOT ({first} >= {{}} AND {last} < {{}})", "se"),
    "lt": ("{first} < {{}}", "s"),
    "gt": ("{last} >= {{}}", "e"),
    "le": ("{first} < {{}}", "e"),
    "ge": ("{last} >= {{}}", "s"),
    "sa": ("{first} >= {{}}", "e"),
    "eb": ("{first} < {{}} AND {last} < {{}}", "ss"),
}

MISSING: Mapping[Meaning, str] = {
    Meaning.ENCOUNTER: "t.encounter_id IS NULL",
    Meaning.CODE: "t.code = '' AND t.more_codes IS NULL",
    Meaning.CATEGORY: "t.categories IS NULL",
    Meaning.STATUS: "t.status_code = ''",
    Meaning.DATE: "t.occurred_at = t.changed_at",
    Meaning.PATIENT: "t.registration_id IS NULL",
    Meaning.IDENTIFIER: "t.identifiers = '{{}}'",
    Meaning.GENDER: "t.sex = ''",
    Meaning.BIRTH_DATE: "t.birth_date IS NULL",
    Meaning.NAME: "t.name = ''",
}
"""What `:missing=true` means."""


def any_of(conditions: Sequence[Condition]) -> Condition:
    """That one of them holds."""
    if len(conditions) == 1:
        return conditions[0]
    return Condition(
        "(" + " OR ".join(f"({one.sql})" for one in conditions) + ")",
        tuple(value for one in conditions for value in one.values),
    )


def negated(condition: Condition) -> Condition:
    """That it does not hold."""
    return Condition(f"NOT ({condition.sql})", condition.values)


def missing(name: str, meaning: Meaning, text: str) -> Condition:
    """Whether a resource says nothing about it."""
    if meaning not in MISSING or text not in {"true", "false"}:
        raise wrong(name, text)
    said = Condition(f"({MISSING[meaning]})")
    return said if text == "true" else negated(said)


def code(token: Token) -> Condition:
    """Any coding of the code."""
    if token.value is None:
        further = _of_system("t.more_codes", token)
        return Condition(
            f"(t.code_system = {{}} OR {further.sql})", (token.system, *further.values)
        )
    first = leading_code(token)
    further = further_code(token)
    return Condition(
        f"({first.sql} OR coalesce({further.sql}, false))", first.values + further.values
    )


def leading_code(token: Token) -> Condition:
    """The first coding of the code, which the index of codes holds."""
    if token.system is None:
        return Condition("t.code = {} AND NOT t.code = ''", (token.value,))
    return Condition(
        "t.code = {} AND NOT t.code = '' AND t.code_system = {}", (token.value, token.system)
    )


def further_code(token: Token) -> Condition:
    """A coding after the first."""
    return Condition("t.more_codes && ARRAY[{}]", (_stored(token),))


def compared(moment: Moment, first: str, last: str) -> Condition:
    """A range of a resource beside that of the parameter."""
    template, places = COMPARED[moment.prefix]
    ends = {"s": moment.start, "e": moment.end}
    return Condition(
        template.format(first=first, last=last), tuple(ends[place] for place in places)
    )


def begun_before_or_after(moment: Moment, kind: Kind) -> tuple[Condition, Condition]:
    """What began since, and what began before and lasted until: each has an index to start from.

    Together they hold whatever meets `ge` or `gt`.
    """
    lasting = " OR t.ended_at IS NULL" if kind is Kind.ENCOUNTER else ""
    return (
        Condition("t.occurred_at >= {}", (moment.start,)),
        Condition(
            f"t.occurred_at < {{}} AND (t.ended_at >= {{}}{lasting})", (moment.start, moment.start)
        ),
    )


def both(one: Condition, other: Condition) -> Condition:
    """That both hold."""
    return Condition(f"({one.sql}) AND ({other.sql})", one.values + other.values)


def _category(name: str, text: str, kind: Kind) -> Condition:
    token = token_of(name, text)
    if token.value is None:
        return _of_system("t.categories", token)
    return Condition("coalesce(t.categories && ARRAY[{}], false)", (_stored(token),))


def _code(name: str, text: str, kind: Kind) -> Condition:
    return code(token_of(name, text))


def _status(name: str, text: str, kind: Kind) -> Condition:
    return Condition("t.status_code = {}", (_only_value(name, text),))


def _date(name: str, text: str, kind: Kind) -> Condition:
    found = compared(moment_of(name, text), "t.occurred_at", ENDS.get(kind, END))
    return Condition(f"{SAYS_WHEN} AND {found.sql}", found.values)


def _last_updated(name: str, text: str, kind: Kind) -> Condition:
    return compared(moment_of(name, text), "t.changed_at", "t.changed_at")


def _birth_date(name: str, text: str, kind: Kind) -> Condition:
    moment = moment_of(name, text)
    day = "t.birth_date"
    template, places = COMPARED[moment.prefix]
    ends = {"s": moment.start.date(), "e": moment.end.date()}
    return Condition(template.format(first=day, last=day), tuple(ends[place] for place in places))


def _gender(name: str, text: str, kind: Kind) -> Condition:
    value = _only_value(name, text)
    if value not in SEXES:
        raise wrong(name, text)
    return Condition("t.sex = {}", (SEXES[value],))


def _name(name: str, text: str, kind: Kind) -> Condition:
    return Condition(
        'starts_with(lower(t.name) COLLATE "C", lower({}) COLLATE "C")', (text_of(text),)
    )


def _identifier(name: str, text: str, kind: Kind) -> Condition:
    token = token_of(name, text)
    if token.value is None:
        return _of_system("t.identifiers", token)
    if not fits_key(token.system or "", token.value):
        raise wrong(name, text)
    return Condition(
        "t.identifiers && ARRAY[{}] AND NOT (t.identifiers = '{{}}')", (_stored(token),)
    )


def _of_system(column: str, token: Token) -> Condition:
    """That one of an array's tokens is of the system."""
    return Condition(
        f"EXISTS (SELECT FROM unnest({column}) m WHERE starts_with(m, {{}}))", (f"{token.system}|",)
    )


def _stored(token: Token) -> str:
    """A token as our arrays hold it."""
    return f"={token.value}" if token.system is None else f"{token.system}|{token.value}"


def _only_value(name: str, text: str) -> str:
    """The code of a token whose system is settled by the element."""
    token = token_of(name, text)
    if token.value is None:
        raise wrong(name, text)
    return token.value


CONDITIONS: Mapping[Meaning, Make] = {
    Meaning.LAST_UPDATED: _last_updated,
    Meaning.IDENTIFIER: _identifier,
    Meaning.CODE: _code,
    Meaning.CATEGORY: _category,
    Meaning.STATUS: _status,
    Meaning.DATE: _date,
    Meaning.NAME: _name,
    Meaning.GENDER: _gender,
    Meaning.BIRTH_DATE: _birth_date,
}
"""What each meaning is made of; patients, visits and ids lead a search instead."""


def exactly(name: str, meaning: Meaning, text: str) -> Condition:
    """A whole name, as it is written."""
    if meaning is not Meaning.NAME:
        raise refuse("search-modifier", name, "exact")
    return Condition("t.name = {}", (text_of(text),))
