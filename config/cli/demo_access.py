"""Credentials of the demo: keys of two hospital systems, and people who may sign in."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from config.cli.home import Home, write_private
from config.cli.node_process import manage
from config.model_province.sources import Hospital
from config.model_province.write_samples import cast, two_hospitals
from registry.accounts.rules import SECRET_BYTES, secret_in_words

RESIDENT, CLINICIAN = "resident", "clinician"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody who signs in with a password; `where` are codes of nodes, `hospital` an employer."""

    role: str
    login: str
    name: str
    where: tuple[str, ...]
    hospital: str | None = None
    identity_number: str | None = None
    phone: str | None = None


def demo_hospitals(home: Home) -> list[Hospital]:
    """The hospitals of the samples whose cities are started."""
    running = {row["code"] for row in home.endpoints()["nodes"]}
    return [hospital for hospital in two_hospitals() if hospital.node in running]


def hub_of(home: Home) -> dict[str, Any]:
    """The hub's row of endpoints.json."""
    row: dict[str, Any] = next(r for r in home.endpoints()["nodes"] if r["role"] == "province")
    return row


def make_clients(home: Home) -> None:
    """Keys in `clients/`, registered at the hub, listed in endpoints.json; others' clients stay."""
    home.clients.mkdir(mode=0o700, exist_ok=True)
    rows = {row["hospital"]: row for row in home.endpoints()["clients"]}
    registered = []
    for hospital in demo_hospitals(home):
        path = home.clients / f"{hospital.code}.pem"
        if not path.exists():
            write_private(path, _new_key())
        client_id = f"his-{hospital.code}"
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)  # noqa: S101  written above
        jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        registered.append({"client_id": client_id, "hospital": hospital.code, "public_keys": [jwk]})
        rows[hospital.code] = {
            "hospital": hospital.code,
            "city": hospital.node,
            "client_id": client_id,
            "private_key_path": str(path),
        }
    _register(home, {"clients": registered})
    home.write_endpoints(clients=list(rows.values()))


def make_users(home: Home) -> str:
    """Accounts of the demo, listed in endpoints.json; the id of the resident's person."""
    endpoints = home.endpoints()
    urls = {row["code"]: row["url"] for row in endpoints["nodes"]}
    kept = {row["login"]: row["secret"] for row in endpoints["users"]}
    users = _demo_users(home)
    secret_of = {user.login: kept.get(user.login) or _new_secret() for user in users}
    answer = _register(
        home,
        {
            "users": [
                {
                    "login": user.login,
                    "secret": secret_of[user.login],
                    "role": user.role,
                    "name": user.name,
                    "hospital": user.hospital,
                    "identity_number": user.identity_number,
                    "phone": user.phone,
                }
                for user in users
            ]
        },
    )
    factors = _give_second_factors(home, users)
    rows = [
        {
            "role": user.role,
            "login": user.login,
            "secret": secret_of[user.login],
            "url": urls[code],
            **factors.get(user.login, {}),
        }
        for user in users
        for code in user.where
    ]
    ours = {user.login for user in users}
    others = [row for row in endpoints["users"] if row["login"] not in ours]
    home.write_endpoints(users=[*others, *rows])
    return str(answer["persons"][RESIDENT])


def resident_phone() -> str:
    """The phone with which the demo's resident may sign in, too."""
    return cast()[0][0].phone


def _demo_users(home: Home) -> list[DemoUser]:
    """The first of the cast, a doctor who treats her, and two of the province's staff."""
    hub, hospital = hub_of(home)["code"], demo_hospitals(home)[0]
    resident = cast()[0][0]
    doctor = hospital.practitioners[0]
    return [
        DemoUser(
            RESIDENT,
            RESIDENT,
            resident.name,
            (hub,),
            identity_number=resident.identity_number,
            phone=resident.phone,
        ),
        DemoUser(CLINICIAN, CLINICIAN, doctor.name, (hub, hospital.node), hospital.code),
        DemoUser("commission_analyst", "analyst", "统计员", (hub,)),
        DemoUser("operator", "operator", "运维员", (hub,)),
    ]


def _give_second_factors(home: Home, users: list[DemoUser]) -> dict[str, dict[str, str]]:
    """`{"totp_secret": …}` by login: staff have their authenticator set up where they sign in."""
    kept = {
        row["login"]: row["totp_secret"]
        for row in home.endpoints()["users"]
        if "totp_secret" in row
    }
    staff = [user for user in users if user.role != RESIDENT]
    factors = {
        user.login: kept.get(user.login) or secret_in_words(secrets.token_bytes(SECRET_BYTES))
        for user in staff
    }
    for code in sorted({code for user in staff for code in user.where}):
        given = {user.login: factors[user.login] for user in staff if code in user.where}
        manage(home, code, "second_factor", told=json.dumps({"give": given}))
    return {login: {"totp_secret": secret} for login, secret in factors.items()}


def _register(home: Home, wanted: dict[str, Any]) -> dict[str, Any]:
    """Have the hub register clients and accounts; secrets go by standard input."""
    said = manage(home, hub_of(home)["code"], "register_access", told=json.dumps(wanted))
    answer: dict[str, Any] = json.loads(said)
    return answer


def _new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _new_secret() -> str:
    """Easy to type, hard to guess, with letters and digits as the rules for passwords want."""
    return f"demo-{secrets.token_hex(5)}7"
