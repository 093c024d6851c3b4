"""Who may do what: one table, one pure decision. What is not in the table is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kernel.actor import Role


class Fact(StrEnum):
    """Something true about actor and object, established by the caller before asking."""

    OWN_RECORD = "own_record"
    TREATMENT_RELATIONSHIP = "treatment_relationship"
    CONSENT = "consent"
    SOURCE_HOSPITAL = "source_hospital"
    OWN_ORGANISATION = "own_organisation"
    AUTHENTICATED = "authenticated"
    IDENTITY_STATED = "identity_stated"
    EMERGENCY_STATED = "emergency_stated"
    EMERGENCY_ACCESS = "emergency_access"


class Reason(StrEnum):
    """Why a decision fell as it did, where it was not a fact that sufficed."""

    NO_RULE = "no-rule"
    NO_FACT = "no-fact"


OWN = frozenset({Fact.OWN_RECORD})
TREATING = frozenset({Fact.TREATMENT_RELATIONSHIP, Fact.CONSENT})
EMERGENCY = TREATING | {Fact.EMERGENCY_ACCESS}
SOURCE = frozenset({Fact.SOURCE_HOSPITAL})
AT_HOME = frozenset({Fact.OWN_ORGANISATION})
ANYBODY_KNOWN = frozenset({Fact.AUTHENTICATED})
IDENTIFIED = frozenset({Fact.IDENTITY_STATED})
EXPLAINED = frozenset({Fact.EMERGENCY_STATED})

LAST_RESORT = frozenset({Fact.EMERGENCY_ACCESS})

RULES: Mapping[tuple[Role, str], frozenset[Fact]] = {
    (Role.RESIDENT, "record.read"): OWN,
    (Role.RESIDENT, "record.search"): OWN,
    (Role.RESIDENT, "timeline.read"): OWN,
    (Role.RESIDENT, "document.read"): OWN,
    (Role.RESIDENT, "access_log.read"): OWN,
    (Role.RESIDENT, "person.read"): OWN,
    (Role.RESIDENT, "consent.read"): OWN,
    (Role.RESIDENT, "consent.write"): OWN,
    (Role.RESIDENT, "binding.write"): IDENTIFIED,
    (Role.RESIDENT, "account.read"): ANYBODY_KNOWN,
    (Role.RESIDENT, "directory.read"): ANYBODY_KNOWN,
    (Role.RESIDENT, "schedule.read"): ANYBODY_KNOWN,
    (Role.RESIDENT, "appointment.read"): OWN,
    (Role.RESIDENT, "appointment.book"): OWN,
    (Role.RESIDENT, "appointment.cancel"): OWN,
    (Role.CLINICIAN, "account.read"): ANYBODY_KNOWN,
    (Role.CLINICIAN, "record.read"): EMERGENCY,
    (Role.CLINICIAN, "record.search"): TREATING,
    (Role.CLINICIAN, "timeline.read"): EMERGENCY,
    (Role.CLINICIAN, "document.read"): EMERGENCY,
    (Role.CLINICIAN, "person.read"): EMERGENCY,
    (Role.CLINICIAN, "patient.search"): AT_HOME,
    (Role.CLINICIAN, "patient.read"): EMERGENCY,
    (Role.CLINICIAN, "emergency_access.open"): EXPLAINED,
    (Role.CLINICIAN, "directory.read"): ANYBODY_KNOWN,
    (Role.CLINICIAN, "schedule.read"): ANYBODY_KNOWN,
    (Role.HOSPITAL_SYSTEM, "record.read"): SOURCE | TREATING,
    (Role.HOSPITAL_SYSTEM, "record.search"): SOURCE | TREATING,
    (Role.HOSPITAL_SYSTEM, "record.write"): AT_HOME,
    (Role.HOSPITAL_SYSTEM, "message.list"): AT_HOME,
    (Role.HOSPITAL_SYSTEM, "message.read"): AT_HOME,
    (Role.HOSPITAL_SYSTEM, "message.write"): AT_HOME,
    (Role.HOSPITAL_SYSTEM, "intake.read"): AT_HOME,
    (Role.HOSPITAL_SYSTEM, "document.read"): SOURCE,
    (Role.HOSPITAL_SYSTEM, "person.read"): SOURCE,
    (Role.HOSPITAL_SYSTEM, "directory.read"): ANYBODY_KNOWN,
    (Role.HOSPITAL_SYSTEM, "schedule.read"): ANYBODY_KNOWN,
    (Role.HOSPITAL_SYSTEM, "schedule.write"): AT_HOME,
    (Role.HOSPITAL_SYSTEM, "appointment.list"): AT_HOME,
    (Role.COMMISSION_ANALYST, "account.read"): ANYBODY_KNOWN,
    (Role.COMMISSION_ANALYST, "directory.read"): ANYBODY_KNOWN,
    (Role.COMMISSION_ANALYST, "intake.read"): ANYBODY_KNOWN,
    (Role.COMMISSION_ANALYST, "booking_setting.read"): ANYBODY_KNOWN,
    (Role.COMMISSION_ANALYST, "figures.read"): ANYBODY_KNOWN,
    (Role.COMMISSION_ANALYST, "operations.read"): ANYBODY_KNOWN,
    (Role.OPERATOR, "account.read"): ANYBODY_KNOWN,
    (Role.OPERATOR, "directory.read"): ANYBODY_KNOWN,
    (Role.OPERATOR, "message.list"): ANYBODY_KNOWN,
    (Role.OPERATOR, "intake.read"): ANYBODY_KNOWN,
    (Role.OPERATOR, "booking_setting.read"): ANYBODY_KNOWN,
    (Role.OPERATOR, "booking_setting.write"): ANYBODY_KNOWN,
    (Role.OPERATOR, "operations.read"): ANYBODY_KNOWN,
    (Role.OPERATOR, "operations.write"): ANYBODY_KNOWN,
    (Role.NODE, "keys.share"): AT_HOME,
    (Role.NODE, "second_factor.write"): AT_HOME,
} | {(role, "session.open"): ANYBODY_KNOWN for role in Role if role is not Role.NODE}
ACTIONS = frozenset(action for _, action in RULES)


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed or not, and the fact or the lack that decided."""

    allowed: bool
    reason: str


def decide(role: Role, action: str, facts: frozenset[str]) -> Decision:
    """Whether an actor of this role may do this, given what is true."""
    sufficient = RULES.get((role, action))
    if sufficient is None:
        return Decision(allowed=False, reason=Reason.NO_RULE)
    found = [fact for fact in sufficient if fact in facts]
    if not found:
        return Decision(allowed=False, reason=Reason.NO_FACT)
    # Nobody's look counts as an emergency while there is another reason for it.
    return Decision(allowed=True, reason=min(found, key=lambda one: (one in LAST_RESORT, one)))
