"""Rules of signing in, over plain values."""

from base64 import b32decode, b32encode
from collections.abc import Mapping
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

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

CODE_DIGITS = 6
STEP_SECONDS = 30
STEPS_AWAY = (0, -1, 1)
"""One-time codes as every authenticator makes them (RFC 6238); a clock may be one step off either way."""
SECRET_BYTES = 20

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


def secret_in_words(secret: bytes) -> str:
    """The secret of one-time codes as it is typed into an authenticator: base32, unpadded."""
    return b32encode(secret).decode().rstrip("=")


def secret_of_words(words: str) -> bytes:
    """The secret that was written down as `secret_in_words`; ValueError when it is none."""
    plain = "".join(words.split()).upper()
    return b32decode(plain + "=" * (-len(plain) % 8))


def code_at(secret: bytes, step: int) -> str:
    """The one-time code of a step of time; steps are counted from 1970."""
    return _codes_of(secret).generate(step * STEP_SECONDS).decode()


def step_at(timestamp: float) -> int:
    """The step of time that a Unix time falls in."""
    return int(timestamp) // STEP_SECONDS


def step_of(secret: bytes, code: str, timestamp: float) -> int | None:
    """The step whose code this is, if it is one of now; the present step before its neighbours."""
    steps = [step_at(timestamp) + away for away in STEPS_AWAY]
    fitting = [step for step in steps if compare_digest(code_at(secret, step), code)]
    return next(iter(fitting), None)


def address_of_secret(secret: bytes, *, login: str, issuer: str) -> str:
    """The secret as an `otpauth:` address, which authenticators read from a QR code."""
    return _codes_of(secret).get_provisioning_uri(login, issuer)


def _codes_of(secret: bytes) -> TOTP:
    return TOTP(secret, CODE_DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  what authenticators know
