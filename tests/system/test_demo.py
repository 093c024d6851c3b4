"""What a first user sees: the demo, its samples in both cities, push and seed on top."""

import json
import re
import shlex

import pytest
import urllib3

from benchmarks.throwaway_province import until
from config.cli.home import PROJECT
from config.model_province.sources import SAMPLES
from config.model_province.write_samples import cast, two_hospitals

HUB, LANZHOU, PINGLIANG = "620000", "620100", "620800"
REGISTRATIONS = "SELECT count(*) FROM patients_patientregistration"
VERSIONS = "SELECT count(*) FROM health_records_resourceversion"


def table(province, query):
    return {code: province.rows(code, query) for code in (HUB, LANZHOU, PINGLIANG)}


def user(province, role, code):
    url = province.url(code)
    found = [row for row in province.endpoints["users"] if (row["role"], row["url"]) == (role, url)]
    return found[0]


def call(method, url, *, token=None, **body):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = urllib3.request(method, url, headers=headers, json=body or None)
    return answer.status, answer.json()


def sign_in(province, role, code=HUB):
    one = user(province, role, code)
    status, session = call(
        "POST", f"{one['url']}/api/v1/sign-in", login=one["login"], password=one["secret"]
    )
    assert status == 200
    return session["access_token"]


def test_the_tour_shows_what_came_back(province):
    shown = province.jianqiao("--lang", "en", "demo", "--no-wait", "--residents", "0").stdout

    stations = re.split(
        r"^\d+\. ", shown.partition("Tour: try it yourself")[2], flags=re.MULTILINE
    )[1:]
    statuses = [re.findall(r"^← HTTP (\d+)", station, flags=re.MULTILINE) for station in stations]
    assert statuses == [
        *([], ["200"], ["200"], ["200"]),
        *(["200"], ["200"], ["200", "200"], ["200"], ["401"]),
    ]
    for hospital in two_hospitals():
        assert hospital.name in stations[5]
    assert "患者编号" in stations[6]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_commands_of_the_first_page_work(province, page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    commands = [
        shlex.split(words, comments=True)
        for words in re.findall(r"^\.venv/bin/jianqiao (.+)$", text, re.MULTILINE)
    ]
    assert [words[0] for words in commands] == ["demo", "status", "push", "nodes", "audit", "down"]
    started, *between, stopped = commands  # the demo of these tests runs already
    assert (started, stopped) == (["demo", "--no-wait"], ["down"])

    for words in between:
        assert province.jianqiao(*words).stdout


def test_a_second_demo_changes_nothing(province):
    before = table(province, VERSIONS)

    province.jianqiao("demo", "--no-wait", "--residents", "0")

    assert table(province, VERSIONS) == before


def test_each_of_the_cast_is_one_person_over_two_cities(province):
    query = """
        SELECT r.name, l.registration_node, l.person_id FROM persons_identitylink l
        JOIN patients_patientregistration r
          ON r.id = l.registration_id AND r.node = l.registration_node
        WHERE l.status = 'linked'
    """
    for resident, _ in cast():
        given = {resident.name.replace("·", dot) for dot in "·•．"}

        def links(names: set[str] = given) -> list[tuple[str, str, str]] | None:
            rows = [row for row in province.rows(HUB, query) if row[0] in names]
            return rows if {row[1] for row in rows} == {LANZHOU, PINGLIANG} else None

        assert len({person for _, _, person in until(links)}) == 1


def test_the_endpoints_let_everybody_in(province):
    assert {row["role"] for row in province.endpoints["users"]} == {
        *("resident", "clinician", "commission_analyst", "operator")
    }
    for row in province.endpoints["users"]:
        status, _ = call(
            "POST", f"{row['url']}/api/v1/sign-in", login=row["login"], password=row["secret"]
        )
        assert status == 200, row["login"]
    for row in province.endpoints["clients"]:
        token = province.jianqiao("demo", "token", row["hospital"]).stdout.strip()
        assert len(token) > 20


@pytest.mark.covers("S002-06")
def test_a_doctor_sees_the_timeline_of_a_patient_treated_there_and_an_analyst_does_not(province):
    resident, _ = cast()[0]
    rows = province.rows(
        HUB,
        "SELECT l.person_id FROM persons_identitylink l JOIN patients_patientregistration r"
        " ON r.id = l.registration_id AND r.node = l.registration_node WHERE r.name = %s",
        resident.name,
    )
    timeline = f"{province.url(HUB)}/api/v1/persons/{rows[0][0]}/timeline"

    seen, page = call("GET", timeline, token=sign_in(province, "clinician"))
    refused, _ = call("GET", timeline, token=sign_in(province, "commission_analyst"))

    assert seen == 200
    assert {item["node"] for item in page["items"]} == {LANZHOU, PINGLIANG}
    assert refused in {403, 404}


def test_push_says_what_became_of_each_file(province):
    hospital = two_hospitals()[1].code
    done = province.jianqiao(
        "push", str(SAMPLES / "fhir/gansu" / hospital), "--hospital", hospital, "--json"
    )

    *files, totals = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["status"] for line in files] == ["accepted"] * 6
    assert totals["resources"] == totals["stored"] == sum(line["resources"] for line in files)
    assert totals["by_type"]["Patient"] == {"resources": 6, "stored": 6, "refused": 0}


def test_another_hospitals_door_is_closed(province):
    home, away = two_hospitals()
    token = province.jianqiao("demo", "token", home.code).stdout.strip()

    status, _ = call("GET", f"{province.url(LANZHOU)}/fhir/R4/Patient/1", token=token)

    assert status == 401
    assert away.node == LANZHOU


def test_seeding_twice_adds_nothing(province):
    before = table(province, REGISTRATIONS)
    words = ("seed", "--residents", "40", "--days", "20", "--seed", "9")

    province.jianqiao(*words)
    first = table(province, REGISTRATIONS)
    again = province.jianqiao("--lang", "en", *words).stdout

    grown = {code: first[code][0][0] - before[code][0][0] for code in (LANZHOU, PINGLIANG)}
    assert sum(grown.values()) >= 40
    assert again.count(": 0 messages with 0 resources added") == 2
    assert {code: table(province, REGISTRATIONS)[code] for code in grown} == {
        code: first[code] for code in grown
    }
    until(
        lambda: province.rows(HUB, REGISTRATIONS)[0][0] == before[HUB][0][0] + sum(grown.values())
    )
