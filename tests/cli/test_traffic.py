"""`jianqiao demo traffic`: who comes, who books, and how it ends."""

import json
import re
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import urllib3
from click.testing import CliRunner

from config.cli import demo_traffic
from config.cli.failures import NoAnswer
from config.cli.home import read_json
from config.cli.hospital_client import Answer
from config.cli.main import cli
from config.cli.resident_client import RENEW_AFTER, ResidentClient
from config.model_province.chance import chance_of
from config.model_province.write_samples import cast, two_hospitals

URL = "http://hub.test"
TOTALS = re.compile(
    r"(\d+) visits pushed, (\d+) numbers booked, (\d+) given back, (\d+) refused"
)  # fmt: skip


class Hub:
    """The hub as these tests play it: what it was asked, and one number for everybody."""

    def __init__(self):
        self.asked: list[tuple[str, str, Any]] = []
        self.bound, self.booked, self.refuses = False, [], set()

    def request(self, method, url, *, body, headers):
        path = url.removeprefix(f"{URL}/api/v1").partition("?")[0]
        said: Any = orjson.loads(body) if body else None
        self.asked.append((method, path, said))
        if path in self.refuses:
            return answered(401 if path == "/me" else 409)
        match path:
            case "/sign-in/phone":
                return answered(200 if said["code"] == "123456" else 401, {"access_token": "t"})
            case "/me":
                return answered(200, {"person_id": "p" if self.bound else None})
            case "/me/binding":
                self.bound = True
            case "/schedules":
                return answered(200, {"items": [a_number("S1", left=1), a_number("S2", left=0)]})
            case "/appointments":
                self.booked.append(a_number("A1", status="booked"))
            case "/me/appointments":
                return answered(200, {"items": self.booked})
            case "/appointments/A1/cancel":
                self.booked.clear()
        return answered(200, {})

    def paths(self):
        return [path for _, path, _ in self.asked]


def a_number(id_, **more):
    hospital, department = {"name": "医院"}, {"name": "内科"}
    return {"id": id_, "hospital": hospital, "department": department, "day": "2026-11-22"} | more


def answered(status, body=None):
    content = SimpleNamespace(status=status, data=orjson.dumps(body or {}))
    content.headers = {"Content-Type": "application/json"}
    return content


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def client(hub):
    return ResidentClient(URL, cast()[0][0], hub, "t")


@pytest.fixture
def scene(hub, tmp_path, monkeypatch):
    """Both hospitals, and one resident who has yet to sign in and comes to book."""
    monkeypatch.setattr(demo_traffic, "GIVEN_BACK", 0)
    resident, hospitals = cast()[0][0], list(two_hospitals())
    system = SimpleNamespace(post=lambda *args, **told: Answer(200, {}))
    return demo_traffic.Scene(
        chance_of("traffic"),
        hospitals,
        {one.code: system for one in hospitals},
        {one.node: [resident] for one in hospitals},
        [ResidentClient(URL, resident, hub)],
        lambda: {resident.phone: "123456"},
        tmp_path / "traffic.json",
    )


def test_a_resident_signs_in_and_is_bound_once(hub, client):
    client.token = ""

    assert client.ask_for_code()
    assert not client.sign_in("000000")
    assert client.sign_in("123456")
    assert client.bind()
    assert client.bind()

    assert hub.paths() == [
        *("/sign-in/codes", "/sign-in/phone", "/sign-in/phone", "/me", "/me/binding"),
    ]
    number = cast()[0][0].identity_number
    assert hub.asked[-1][2] == {"name": cast()[0][0].name, "number": number}


def test_a_session_is_renewed_while_it_is_used_and_gone_when_it_ended(hub, client):
    client.renewed_at = -2 * RENEW_AFTER
    client.call("GET", "/schedules")
    assert hub.paths() == ["/session/renewal", "/schedules"]

    hub.refuses = {"/me"}
    assert not client.bind()
    assert client.token == ""


def test_a_hub_that_is_gone_is_told(client, hub, monkeypatch):
    def gone(*args, **told):
        raise urllib3.exceptions.HTTPError("gone")

    monkeypatch.setattr(hub, "request", gone)

    with pytest.raises(NoAnswer, match=URL):
        client.book("S1")


def test_whoever_books_signs_in_first_and_the_session_is_kept(scene, hub):
    assert demo_traffic._booking(scene) == "booked"

    assert hub.paths()[:2] == ["/sign-in/codes", "/sign-in/phone"]
    assert [said for _, path, said in hub.asked if path == "/appointments"] == [{"schedule": "S1"}]
    assert read_json(scene.sessions) == {cast()[0][0].phone: "t"}


def test_without_a_code_there_are_visits_only(scene, hub):
    scene.read_codes = dict

    assert demo_traffic._booking(scene) == "pushed"
    assert demo_traffic._booking(scene) == "pushed"
    assert hub.paths() == ["/sign-in/codes"]  # the next may be asked for in a minute


def test_who_may_book_no_more_gives_a_number_back(scene, hub):
    demo_traffic._booking(scene)
    hub.refuses = {"/appointments"}

    assert demo_traffic._booking(scene) == "cancelled"
    assert hub.booked == []
    assert demo_traffic._booking(scene) == "refused"
    hub.booked.append(a_number("A1", status="booked"))
    hub.refuses.add("/appointments/A1/cancel")
    assert demo_traffic._booking(scene) == "refused"


def test_nothing_left_is_nothing_booked(scene, hub):
    hub.refuses = {"/schedules"}

    assert demo_traffic._booking(scene) == "refused"


def run(monkeypatch, scene, tmp_path, *words):
    monkeypatch.setattr(demo_traffic, "_set", lambda home, chance: scene)
    command = ["--lang", "en", "--home", str(tmp_path), "demo", "traffic", *words]
    return CliRunner().invoke(cli, command)


def test_it_ends_after_so_many_and_says_what_came(monkeypatch, scene, tmp_path):
    monkeypatch.setattr("config.cli.demo_traffic.time.sleep", lambda seconds: None)

    ended = run(monkeypatch, scene, tmp_path, "--count", "40")

    assert ended.exit_code == 0, ended.output
    pushed, booked, cancelled, refused = map(int, TOTALS.search(ended.output).groups())
    assert pushed + booked + cancelled + refused == 40
    assert min(pushed, booked) > 0
    assert len(ended.output.splitlines()) == 1 + pushed + booked + cancelled


def test_it_is_stopped_at_any_moment(monkeypatch, scene, tmp_path):
    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("config.cli.demo_traffic.time.sleep", stop)

    ended = run(monkeypatch, scene, tmp_path)

    assert ended.exit_code == 0
    assert TOTALS.search(ended.output).groups() == ("0", "0", "0", "0")


def test_without_a_province_it_says_what_to_do_first(tmp_path):
    (tmp_path / "endpoints.json").write_text(json.dumps({"nodes": [], "clients": [], "users": []}))

    refused = CliRunner().invoke(
        cli, ["--lang", "en", "--home", str(tmp_path), "demo", "traffic", "--count", "1"]
    )

    assert refused.exit_code != 0
    assert "make demo" in refused.output
