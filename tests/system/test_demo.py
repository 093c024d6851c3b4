"""What a first user sees: the demo, its samples in both cities, push and seed on top."""

import json
import re
import shlex
import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from benchmarks.throwaway_province import until
from config.cli.home import PROJECT
from config.model_province.schedules import DOCTORS
from config.model_province.sources import SAMPLES
from config.model_province.write_samples import cast, two_hospitals
from tests.system.people import Reader, sign_in, sign_in_by_phone
from tests.system.test_pitfalls import caught_up

HUB, LANZHOU, PINGLIANG = "620000", "620100", "620800"
REGISTRATIONS = "SELECT count(*) FROM patients_patientregistration"
VERSIONS = "SELECT count(*) FROM health_records_resourceversion"


def table(province, query):
    return {code: province.rows(code, query) for code in (HUB, LANZHOU, PINGLIANG)}


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


def test_numbers_are_open_in_both_cities(province):
    resident = sign_in(province, "resident")

    for hospital in two_hospitals():
        listed = resident.json(f"/api/v1/schedules?hospital={hospital.code}&limit=200")["items"]
        coming = [one for one in listed if one["day"] > timezone.localdate().isoformat()]
        assert len(coming) >= 7 * DOCTORS
        assert {one["practitioner"]["name"] for one in coming} == {
            doctor.name for doctor in hospital.practitioners[:DOCTORS]
        }


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_commands_of_the_first_page_work(province, page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    commands = [
        shlex.split(words, comments=True)
        for words in re.findall(r"^\.venv/bin/jianqiao (.+)$", text, re.MULTILINE)
    ]
    assert [words[0] for words in commands] == [
        *("demo", "status", "demo", "push", "nodes", "audit", "down")
    ]
    started, *between, stopped = commands  # the demo of these tests runs already
    assert (started, stopped) == (["demo", "--no-wait"], ["down"])

    province.until_ready()  # a stream on its way back would be told as ill
    for words in between:
        assert province.jianqiao(*words).stdout


def test_a_second_demo_changes_nothing(province):
    caught_up(province, LANZHOU, PINGLIANG)
    before = table(province, VERSIONS)

    province.jianqiao("demo", "--no-wait", "--residents", "0")

    caught_up(province, LANZHOU, PINGLIANG)
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
    codes = {row["url"]: row["code"] for row in province.endpoints["nodes"]}
    account = "SELECT 1 FROM accounts_account WHERE login = %s"
    for row in province.endpoints["users"]:
        until(lambda row=row: province.rows(codes[row["url"]], account, row["login"]))
        assert sign_in(province, row["login"], codes[row["url"]]).token
    for row in province.endpoints["clients"]:
        token = province.jianqiao("demo", "token", row["hospital"]).stdout.strip()
        assert len(token) > 20


@pytest.mark.covers("S002-06", "S002-46", "S002-47", "S003-75")
def test_a_doctor_sees_the_timeline_of_a_patient_treated_there_and_an_analyst_does_not(province):
    resident, _ = cast()[0]
    links = (
        "SELECT l.person_id FROM persons_identitylink l JOIN patients_patientregistration r"
        " ON r.id = l.registration_id AND r.node = l.registration_node WHERE r.name = %s"
    )
    caught_up(province, LANZHOU, PINGLIANG)
    rows = until(lambda: province.rows(HUB, links, resident.name))
    timeline = f"/api/v1/persons/{rows[0][0]}/timeline"

    doctor = sign_in(province, "clinician")
    page = doctor.json(timeline)
    results = doctor.json(f"{timeline}?kind=Observation&limit=200")["items"]
    of_the_other = next(one for one in results if one["node"] == LANZHOU)
    refused = sign_in(province, "analyst").get(timeline).status

    assert {item["node"] for item in page["items"]} == {LANZHOU, PINGLIANG}
    opened = doctor.json(f"/fhir/R4/Observation/{of_the_other['id']}")
    assert opened["id"] == of_the_other["id"]
    assert refused in {403, 404}


def test_the_demos_resident_signs_in_by_phone(province):
    phone, login = cast()[0][0].phone, sign_in(province, "resident")

    by_phone = sign_in_by_phone(province, phone)

    assert by_phone.json("/api/v1/me") == login.json("/api/v1/me")
    assert by_phone.json("/api/v1/me")["phone"] == f"{phone[:3]}******{phone[-2:]}"
    assert by_phone.json("/api/v1/me/person") == login.json("/api/v1/me/person")
    assert phone in by_phone.get("/dev/mailbox").data.decode()
    assert phone in province.jianqiao("demo", "--no-wait", "--residents", "0").stdout
    assert "/dev/mailbox" in province.jianqiao("status").stdout


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

    assert Reader(province.url(LANZHOU), token).get("/fhir/R4/Patient/1").status == 401
    assert away.node == LANZHOU


def test_seeding_twice_adds_nothing(province):
    caught_up(province, LANZHOU, PINGLIANG)
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
    caught_up(province, LANZHOU, PINGLIANG)
    assert province.rows(HUB, REGISTRATIONS)[0][0] == before[HUB][0][0] + sum(grown.values())


def test_traffic_flows_through_the_public_doors_until_it_is_stopped(province):
    def told():
        return [
            province.rows(HUB, f"SELECT count(*) FROM {table}")[0][0]
            for table in ("health_records_encounter", "appointment_pool_appointment")
        ]

    before = told()
    words = [sys.executable, "-m", "config.cli.main", "--lang", "en"]
    words += ["--home", str(province.home.path), "demo", "traffic", "--rate", "3000"]
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        until(lambda: all(now > then for now, then in zip(told(), before, strict=True)))
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)

    assert running.returncode == 0, said
    pushed, booked = map(
        int, re.search(r"^(\d+) visits pushed, (\d+) numbers booked", said, re.MULTILINE).groups()
    )
    caught_up(province, LANZHOU, PINGLIANG)
    assert min(pushed, booked) > 0
    assert told()[1] - before[1] in {booked, booked + 1}  # one may be under way when it is stopped
