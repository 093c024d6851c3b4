"""The stations of the demo's tour."""

import shlex
from collections.abc import Sequence
from typing import Any

import click

from config.cli.demo_access import RESIDENT, hub_of
from config.cli.failures import NothingHere
from config.cli.home import Home
from config.cli.hospital_client import Answer, client_of
from config.cli.input_files import find_inputs
from config.cli.language import said
from config.cli.push import message_id
from config.cli.tour import Tour, taken
from config.model_province.sources import SAMPLES, Hospital

COMMAND = ".venv/bin/jianqiao"
TIMELINE_FIELDS = ("at", "organisation", "node", "kind_name", "display")
ACCESS_FIELDS = ("at", "who", "role", "action", "outcome", "node")


def give_tour(home: Home, hospitals: Sequence[Hospital], person: str) -> None:
    """What a first user should try; every call is made, and its answer printed."""
    at_home = hospitals[0]
    hub, city = hub_of(home)["url"], _url(home, at_home.node)
    tour = Tour({"HUB": hub, "CITY": city})
    click.echo()
    click.secho(said("演示：请照着试一遍", "Tour: try it yourself"), bold=True)
    tour.say(f"HUB={hub}; CITY={city}")
    _hospital_stations(tour, home, at_home, city)
    _resident_stations(tour, home, hub, person, hospitals)
    _stranger_station(tour, hub, person)


def _hospital_stations(tour: Tour, home: Home, hospital: Hospital, city: str) -> None:
    client = client_of(home, hospital.code)
    tour.step(
        f"{hospital.name}的信息系统登录（private_key_jwt，RFC 7523）",
        f"The system of {hospital.name} signs in (private_key_jwt, RFC 7523)",
    )
    command = f"{_jianqiao(home)} demo token {hospital.code}"
    token = tour.hospital_token(client, command, "HOSPITAL_TOKEN")
    tour.step("节点支持哪些 FHIR 交互", "Which FHIR interactions the node offers")
    tour.get(f"{city}/fhir/R4/metadata")
    tour.step(
        "再推送一次同一份病历：同一消息号，得到第一次的应答，不产生重复",
        "Push the same record again: same message id, the first answer, nothing doubled",
    )
    folder = SAMPLES / "fhir/gansu" / hospital.code
    file = next(f for f in find_inputs([folder]) if f.member is None and f.path.suffix == ".json")
    body = file.read()
    path = file.path.relative_to(SAMPLES.parent)
    tour.say(
        'curl -s "$CITY/fhir/R4" -H "Authorization: Bearer $HOSPITAL_TOKEN" '
        f"-H 'Content-Type: application/fhir+json' --data-binary @{shlex.quote(str(path))}"
    )
    answer = tour.show(client.post("/fhir/R4", body, message_id=message_id({}, body)))
    tour.step("读取这名患者", "Read this patient")
    tour.get(f"{city}/fhir/R4/{_patient_in(answer)}", bearer=("HOSPITAL_TOKEN", token))


def _resident_stations(
    tour: Tour, home: Home, hub: str, person: str, hospitals: Sequence[Hospital]
) -> None:
    user = _user(home, RESIDENT)
    tour.step("居民在省级节点登录", "A resident signs in at the hub")
    token = tour.sign_in(hub, user["login"], user["secret"], "TOKEN")
    bearer = ("TOKEN", token)
    tour.step(
        "自己的健康时间轴：两个市州的两家医院合在一起",
        "Her timeline: two hospitals in two cities, joined",
    )
    timeline = f"{hub}/api/v1/persons/{person}/timeline"
    tour.get(
        f"{timeline}?kind=Encounter",
        bearer=bearer,
        fields=TIMELINE_FIELDS,
        until=lambda answer: all(one.name in str(answer.body) for one in hospitals),
    )
    tour.step(
        "病历文书的正文存放在市州，按需取回",
        "A document's text stays in its city until somebody asks for it",
    )
    documents = tour.get(
        f"{timeline}?kind=DocumentReference",
        bearer=bearer,
        fields=("id", *TIMELINE_FIELDS),
        until=lambda answer: bool(taken(answer)["items"]),
    )
    first = taken(documents)["items"][0]["id"]
    tour.get(f"{hub}/api/v1/documents/{first}/content", bearer=bearer)
    tour.step("谁看过我的记录", "Who has read her record")
    tour.get(f"{hub}/api/v1/persons/{person}/access-log", bearer=bearer, fields=ACCESS_FIELDS)


def _stranger_station(tour: Tour, hub: str, person: str) -> None:
    tour.step("没有令牌的人什么也看不到", "A stranger sees nothing")
    tour.get(f"{hub}/api/v1/persons/{person}/timeline")


def _patient_in(answer: Answer) -> str:
    """`Patient/<id>` of the first patient of a transaction response."""
    locations = (entry["response"]["location"] for entry in taken(answer)["entry"])
    found = next(location for location in locations if "Patient/" in location)
    return "/".join(found[found.index("Patient/") :].split("/")[:2])


def _url(home: Home, code: str) -> str:
    return str(next(row["url"] for row in home.endpoints()["nodes"] if row["code"] == code))


def _user(home: Home, role: str) -> dict[str, Any]:
    found = [row for row in home.endpoints()["users"] if row["role"] == role]
    if not found:
        raise NothingHere("没有演示账号。", "There is no demo account.")
    user: dict[str, Any] = found[0]
    return user


def _jianqiao(home: Home) -> str:
    """The command with its home, when that is not the usual one."""
    usual = SAMPLES.parent / "var"
    return COMMAND if home.path == usual else f"{COMMAND} --home {shlex.quote(str(home.path))}"
