"""`jianqiao totp`: codes of the demo's staff, and a new start for who lost an authenticator."""

import json

import pytest
from click.testing import CliRunner

from config.cli import totp
from config.cli.home import Home
from config.cli.main import cli
from registry.accounts.rules import code_at, secret_in_words

HUB, CITY = "620000", "620800"
SECRET = b"12345678901234567890"
USERS = [
    {"login": "clinician", "role": "clinician", "url": "u", "totp_secret": secret_in_words(SECRET)},
    {"login": "analyst", "role": "commission_analyst", "url": "u"},
]


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.write_endpoints(nodes=[{"code": HUB}, {"code": CITY}], users=USERS)
    return home


def run(home, *words):
    return CliRunner().invoke(cli, ["--lang", "en", "--home", str(home.path), "totp", *words])


def test_the_code_of_now_is_printed(home, monkeypatch):
    monkeypatch.setattr("config.cli.totp.time.time", lambda: 1_795_248_011.0)

    result = run(home, "clinician")

    assert (result.exit_code, result.stdout) == (0, f"{code_at(SECRET, 1_795_248_011 // 30)}\n")
    assert result.stderr == "changes in 19 s\n"


@pytest.mark.parametrize("login", ["analyst", "nobody"])
def test_who_has_no_secret_is_told(login, home):
    result = run(home, login)

    assert result.exit_code != 0
    assert f"endpoints.json has no secret of {login}" in result.stderr


def test_a_reset_goes_to_every_node_and_the_old_secret_is_forgotten(home, monkeypatch):
    asked = []

    def manage(home, code, *words, told):
        asked.append((code, *words, json.loads(told)))
        return json.dumps({"reset": ["clinician"] if code == CITY else []})

    monkeypatch.setattr(totp, "manage", manage)

    result = run(home, "clinician", "--reset")

    assert (result.exit_code, result.stdout) == (0, f"clinician was reset at {CITY}\n")
    wanted = {"reset": ["clinician"]}
    assert asked == [(HUB, "second_factor", wanted), (CITY, "second_factor", wanted)]
    assert [("totp_secret" in row) for row in home.endpoints()["users"]] == [False, False]


def test_a_reset_of_who_had_none_fails_and_changes_nothing(home, monkeypatch):
    monkeypatch.setattr(totp, "manage", lambda *words, told: json.dumps({"reset": []}))

    result = run(home, "clinician", "--reset")

    assert result.exit_code != 0
    assert "clinician has no authenticator" in result.stderr
    assert home.endpoints()["users"] == USERS
