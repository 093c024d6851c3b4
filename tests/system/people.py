"""People and hospitals of system tests: who pushes, who reads, and through which door."""

from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import orjson
import urllib3

from benchmarks.throwaway_province import HUB, Province, until
from config.cli.demo_access import demo_hospitals
from config.cli.hospital_client import HospitalClient, client_of
from config.model_province.activity import visit_to
from config.model_province.bundles import as_bytes, bundle_of, enrolment_of
from config.model_province.chance import chance_of
from config.model_province.population import BORN_BY, Resident, residents_of
from config.model_province.registrations import Habit, habit_of
from config.model_province.sources import Hospital, hospitals_of
from config.model_province.write_samples import two_hospitals
from tests.pages.authenticator import one_time_code

HTTP = urllib3.PoolManager(maxsize=16, retries=False, timeout=30)
_seeds, _numbers = count(1), count(1)


def hospital_of(province: Province, city: str) -> Hospital:
    """The hospital of a city that has a client."""
    return next(one for one in demo_hospitals(province.home) if one.node == city)


def new_residents(city: str, number: int = 1) -> tuple[list[Resident], int]:
    """Adults whom nobody else met, and the seed they come from.

    Every hospital of the city, and every other that has a client, writes their identity numbers down as
    they are: how many tests came before decides about the seed, and must not decide who is recognised.
    """
    seed = 7_000 + next(_seeds)
    desks = (*two_hospitals(), *hospitals_of(city))
    adults = (
        r
        for r in residents_of(city, seed=seed)
        if r.age_on(BORN_BY) > 30
        and not r.borrows_phone
        and all(habit_of(r, one, seed=seed) is Habit.CORRECT for one in desks)
    )
    return list(islice(adults, number)), seed


def enrol(province: Province, resident: Resident, city: str, seed: int) -> str:
    """Put a resident on file at the city's hospital; the registration's id."""
    return enrol_all(province, [resident], city, seed)[0]


def enrol_all(province: Province, residents: list[Resident], city: str, seed: int) -> list[str]:
    """Put residents on file by one message; their registrations' ids."""
    hospital = hospital_of(province, city)
    bundle = enrolment_of(residents, hospital, number=next(_numbers), seed=seed)
    answer = pushed(client_of(province.home, hospital.code), bundle)
    return [one["response"]["location"].split("/")[1] for one in answer["entry"]]


def visit(province: Province, resident: Resident, city: str, seed: int) -> dict[str, Any]:
    """Push one visit of a resident to the city's hospital; the answer."""
    hospital = hospital_of(province, city)
    return pushed(client_of(province.home, hospital.code), visit_bundle(hospital, resident, seed))


def visit_bundle(hospital: Hospital, resident: Resident, seed: int) -> dict[str, Any]:
    """What the hospital pushes after one visit of a resident."""
    seen = visit_to(hospital, resident, BORN_BY, chance_of(seed, resident.key))
    assert seen is not None
    return bundle_of(seen, seed=seed)


def pushed(client: HospitalClient, bundle: dict[str, Any]) -> dict[str, Any]:
    """Push a bundle that must be taken."""
    answer = client.post("/fhir/R4", as_bytes(bundle), message_id=bundle["identifier"]["value"])
    assert answer.ok, answer
    return answer.body


def person_of(province: Province, registration: str, code: str = HUB) -> str:
    """The person a registration is linked to, once the link is there."""
    links = (
        "SELECT person_id FROM persons_identitylink WHERE registration_id = %s"
        " AND status = 'linked'"
    )
    return str(until(lambda: province.rows(code, links, registration))[0][0])


@dataclass(frozen=True)
class Reader:
    """Somebody signed in at a node."""

    url: str
    token: str

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """GET a path of the node."""
        return HTTP.request(
            "GET", self.url + path, headers={"Authorization": f"Bearer {self.token}"}
        )

    def post(self, path: str, body: dict[str, Any]) -> urllib3.BaseHTTPResponse:
        """POST to a path of the node."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return HTTP.request("POST", self.url + path, json=body, headers=headers)

    def json(self, path: str) -> Any:
        """The decoded body of a path that must answer."""
        answer = self.get(path)
        assert answer.status == 200, answer.data
        return orjson.loads(answer.data)


def sign_in(province: Province, login: str, code: str = HUB) -> Reader:
    """Sign in a user of endpoints.json; staff with a one-time code that serves nobody else."""
    url = province.url(code)
    user = next(u for u in province.endpoints["users"] if (u["login"], u["url"]) == (login, url))
    return signed_in(url, login, user["secret"], one_time_code(user))


def account_of(province: Province, resident: Resident) -> Reader:
    """Make an account at the hub for a resident whom the index knows, and sign in."""
    return accounts_of(province, [resident])[0]


def accounts_of(province: Province, residents: list[Resident]) -> list[Reader]:
    """Make accounts at the hub for residents whom the index knows, and sign in."""
    users = [
        {
            "login": f"resident-{resident.identity_number}",
            "secret": "residents-own-7",
            "role": "resident",
            "identity_number": resident.identity_number,
        }
        for resident in residents
    ]
    province.manage(HUB, "register_access", feed=orjson.dumps({"users": users}).decode())
    return [
        signed_in(province.url(HUB), user["login"] or "", user["secret"] or "") for user in users
    ]


def ask_for_code(province: Province, phone: str) -> str:
    """Have the hub send a code to a phone; the code, from the mailbox."""
    url = f"{province.url(HUB)}/api/v1/sign-in/codes"
    answer = HTTP.request("POST", url, json={"phone": phone})
    assert answer.status == 202, answer.data
    return code_sent_to(province, phone)


def code_sent_to(province: Province, phone: str) -> str:
    """The latest code of a phone, from the mailbox."""
    letters = map(orjson.loads, province.jianqiao("mailbox", "--json").stdout.splitlines())
    return next(
        str(one["parameters"]["code"])
        for one in letters
        if one["phone"] == phone and "code" in one["parameters"]
    )


def sign_in_by_phone(province: Province, phone: str) -> Reader:
    """Sign in as a resident with a fresh code."""
    url, code = province.url(HUB), ask_for_code(province, phone)
    answer = HTTP.request(
        "POST", f"{url}/api/v1/sign-in/phone", json={"phone": phone, "code": code}
    )
    assert answer.status == 200, answer.data
    return Reader(url, orjson.loads(answer.data)["access_token"])


def signed_in(url: str, login: str, secret: str, code: str | None = None) -> Reader:
    """Sign in at a node."""
    body = {"login": login, "password": secret, **({"code": code} if code else {})}
    answer = HTTP.request("POST", f"{url}/api/v1/sign-in", json=body)
    assert answer.status == 200, answer.data
    return Reader(url, orjson.loads(answer.data)["access_token"])
