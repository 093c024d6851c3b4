"""Rules of signing in, over plain values."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kernel.actor import Purpose, Role

TOKEN_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(minutes=15)
"""How long a session lasts without being used (等保三级); a page that is used renews it."""
SESSION_LONGEST = timedelta(hours=8)
ASSERTION_LIFE = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=60)

FAILURES_BEFORE_LOCK = 5
LOCKED_FOR = timedelta(minutes=30)
SHORTEST_PASSWORD = 8
"""Lock after 5 failures for 30 minutes, at least 8 mixed characters (等保三级, handbook 12.1)."""

SCOPE = "records"
"""The only scope there is: push and read the hospital's own records."""

PURPOSE_OF: Mapping[Role, Purpose] = {
    Role.RESIDENT: Purpose.PATIENT_REQUEST,
    Role.CLINICIAN: Purpose.TREATMENT,
    Role.HOSPITAL_SYSTEM: Purpose.TREATMENT,
    Role.COMMISSION_ANALYST: Purpose.PUBLIC_HEALTH,
    Role.OPERATOR: Purpose.SYSTEM_ADMINISTRATION,
}
"""The purpose for which somebody of a role acts unless they say otherwise."""

SMALLEST_RSA_MODULUS = 256  # bytes


def algorithms_of(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """JWS algorithms that a registered public key may sign with; none when it is unfit.

    They follow from the key alone, never from the header of what was signed (RFC 8725 §3.1).
    """
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "Ed25519":
            return ("EdDSA",)
        case "EC", "P-256":
            return ("ES256",)
        case "EC", "P-384":
            return ("ES384",)
        case "RSA", _ if len(str(jwk.get("n", ""))) * 3 // 4 >= SMALLEST_RSA_MODULUS:
            return ("RS256", "PS256")
        case _:
            return ()


def password_is_strong(password: str) -> bool:
    """Whether a password is long enough and mixed."""
    return (
        len(password) >= SHORTEST_PASSWORD
        and any(character.isdigit() for character in password)
        and any(character.isalpha() for character in password)
    )
