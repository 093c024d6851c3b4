"""Who is this registration? The one module that the real matcher replaces; no ORM, no clock.

Rules of handbook 2.2: the same valid document and the same name are the same person; the same
document under another name is a conflict for staff; two different citizen numbers never meet. Without
a document, name, birth date, sex and phone must all agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

MODEL_VERSION = "exact-1"


class Verdict(StrEnum):
    """What to do with a registration."""

    LINK = "link"
    CONFLICT = "conflict"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a registration says, in comparable form."""

    name_key: str
    sex: str
    birth_date: date | None
    document: tuple[str, str] | None
    phones: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who may be meant; documents and phones as far as they were found equal.

    `other_document`: holds a document of the claim's type with another number.
    """

    person_id: UUID
    name_key: str
    sex: str
    birth_date: date | None
    same_document: bool = False
    other_document: bool = False
    same_phone: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, whom it concerns, and why; the explanation holds no identifying content."""

    verdict: Verdict
    person_id: UUID | None
    score: float
    explanation: dict[str, Any] = field(default_factory=dict)


def decide(claim: Claim, candidates: Sequence[Candidate]) -> Decision:
    """Link to one of the candidates, call for staff, or make a new person."""
    holders = [one for one in candidates if one.same_document]
    for one in holders:
        if _same_name(claim, one):
            return Decision(Verdict.LINK, one.person_id, 1.0, _why("document", one, claim))
    if holders:
        return Decision(
            Verdict.CONFLICT, holders[0].person_id, 0.5, _why("document", holders[0], claim)
        )
    twins = [
        one
        for one in candidates
        if one.same_phone and not one.other_document and _same_name(claim, one)
        and claim.birth_date is not None and one.birth_date == claim.birth_date
        and claim.sex and one.sex == claim.sex
    ]  # fmt: skip
    if len(twins) == 1:
        return Decision(Verdict.LINK, twins[0].person_id, 0.9, _why("details", twins[0], claim))
    if twins:
        return Decision(
            Verdict.CONFLICT,
            twins[0].person_id,
            0.5,
            {**_why("details", twins[0], claim), "rivals": len(twins)},
        )
    return Decision(Verdict.NEW, None, 0.0, {"rule": "none", "candidates": len(candidates)})


def _same_name(claim: Claim, one: Candidate) -> bool:
    return bool(claim.name_key) and claim.name_key == one.name_key


def _why(rule: str, one: Candidate, claim: Claim) -> dict[str, Any]:
    return {
        "rule": rule,
        "name": _same_name(claim, one),
        "birth_date": claim.birth_date is not None and claim.birth_date == one.birth_date,
        "sex": bool(claim.sex) and claim.sex == one.sex,
        "document": one.same_document,
        "phone": one.same_phone,
        "candidate": str(one.person_id),
    }
