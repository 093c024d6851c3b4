"""Who acts: the one value that every service, decision and audit row receives."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from uuid import UUID, uuid5

NODES = UUID("6f1d6e0a-2f0b-5d3e-9a50-6a69616e7169")  # namespace of the ids of acting nodes


class Role(StrEnum):
    """In what capacity somebody acts."""

    RESIDENT = "resident"
    CLINICIAN = "clinician"
    HOSPITAL_SYSTEM = "hospital_system"
    COMMISSION_ANALYST = "commission_analyst"
    OPERATOR = "operator"
    NODE = "node"


class Purpose(StrEnum):
    """Why, in the codes of HL7 v3 PurposeOfUse."""

    TREATMENT = "TREAT"
    PATIENT_REQUEST = "PATRQT"
    PUBLIC_HEALTH = "PUBHLTH"
    OPERATIONS = "HOPERAT"
    BREAK_GLASS = "ETREAT"
    SYSTEM_ADMINISTRATION = "HSYSADMIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody, or a system, who is known and acts for a purpose.

    `node` is where the actor signed in; `on_behalf_of` the person represented, when that is
    somebody else.
    """

    id: UUID
    role: Role
    node: str
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    purpose: str = Purpose.TREATMENT
    on_behalf_of: UUID | None = None

    def as_claims(self) -> dict[str, str]:
        """The actor as a signed command carries it; what is absent is left out."""
        claims = {
            "id": self.id,
            "role": self.role,
            "node": self.node,
            "organisation_id": self.organisation_id,
            "person_id": self.person_id,
            "purpose": self.purpose,
            "on_behalf_of": self.on_behalf_of,
        }
        return {name: str(value) for name, value in claims.items() if value is not None}

    @classmethod
    def from_claims(cls, claims: dict[str, Any]) -> Self:
        """The actor that `as_claims` wrote; ValueError when it is not one."""
        try:
            return cls(
                id=UUID(claims["id"]),
                role=Role(claims["role"]),
                node=str(claims["node"]),
                organisation_id=_uuid(claims, "organisation_id"),
                person_id=_uuid(claims, "person_id"),
                purpose=Purpose(claims["purpose"]),
                on_behalf_of=_uuid(claims, "on_behalf_of"),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("these claims name no actor") from error

    @classmethod
    def of_node(cls, code: str) -> Self:
        """A node acting for itself, with the same id wherever it is named."""
        return cls(
            id=uuid5(NODES, code), role=Role.NODE, node=code, purpose=Purpose.SYSTEM_ADMINISTRATION
        )


def _uuid(claims: dict[str, Any], name: str) -> UUID | None:
    return UUID(claims[name]) if name in claims else None
