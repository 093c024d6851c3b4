"""Booking over real nodes: through the hub, at the city, and while the city does not answer."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.throwaway_province import HUB, until
from config.cli.hospital_client import client_of
from tests.system.numbers import SOLD, book, cancel, published, tomorrow
from tests.system.people import accounts_of, enrol_all, hospital_of, new_residents, person_of
from tests.system.test_between_nodes import children
from tests.system.test_homes import FIRST, SECOND

CAPACITY, BOOKERS = 10, 16
CHIEF_PHYSICIAN = "231"
"""主任医师 in GB/T 8561."""


@pytest.fixture(scope="module")
def bookers(province):
    """Residents whom the index knows, signed in at the hub; and the registration of the first."""
    people, seed = new_residents(FIRST, BOOKERS)
    registrations = enrol_all(province, people, FIRST, seed)
    for one in registrations:
        person_of(province, one)
    return accounts_of(province, people), registrations[0]


@pytest.mark.covers(
    *("S000-58", "S000-60", "S000-89", "S000-108", "S001-15", "S002-11", "S002-71", "S002-86"),
    *("S003-07", "S003-30", "S004-03"),
)
def test_a_number_is_found_booked_seen_everywhere_and_given_back(province, bookers):
    (mine, other, *_), registration = bookers
    hospital = hospital_of(province, FIRST)
    schedule = published(province, hospital, "ST-1", 1)
    doctor = hospital.practitioners[0]

    listed = mine.json(
        f"/api/v1/schedules?city={FIRST}&hospital={hospital.code}&department={doctor.department}"
        f"&day={tomorrow()}"
    )["items"]
    (found,) = [one for one in listed if one["id"] == schedule]
    assert (found["left"], found["practitioner"]["name"]) == (1, doctor.name)
    status, made = book(mine, schedule, "system-0001")
    there = province.rows(FIRST, SOLD, schedule)

    assert (status, made["status"], made["sequence"]) == (201, "booked", 1)
    assert made["starts_at"] == f"{tomorrow()}T14:30:00+08:00"
    assert made["ends_at"] == f"{tomorrow()}T15:30:00+08:00"
    assert there == [(made["id"], "booked", "busy", made["id"])]
    until(lambda: province.rows(HUB, SOLD, schedule) == there)
    assert mine.json("/api/v1/me/appointments")["items"][0] == made
    assert book(mine, schedule, "system-0001") == (201, made)
    assert book(mine, schedule, "system-0002")[1]["type"] == "urn:problem:already-booked"
    assert book(other, schedule, "system-0001")[1]["type"] == "urn:problem:sold-out"
    path = f"/organisations/{hospital.code}/schedules/ST-1/appointments"
    (sold,) = client_of(province.home, hospital.code).call("GET", path).body["items"]
    assert (sold["id"], sold["registration"]) == (made["id"], registration)

    given_back = {"status": "cancelled", "cancel_reason": "pat", "may_cancel": False}
    assert cancel(mine, made["id"]) == (200, made | given_back)
    until(lambda: mine.json(f"/api/v1/schedules/{schedule}")["left"] == 1)
    assert mine.json("/api/v1/me/appointments")["items"][0]["status"] == "cancelled"
    status, taken = book(other, schedule, "system-0003")
    assert (status, taken["sequence"]) == (201, 1)
    assert [row[1] for row in province.rows(FIRST, SOLD, schedule)] == ["cancelled", "booked"]
    assert cancel(other, taken["id"])[0] == 200


@pytest.mark.covers("S002-02", "S002-48")
def test_an_experts_number_is_booked_in_every_city(province, bookers):
    (*_, mine), _ = bookers

    for city in (FIRST, SECOND):
        hospital = hospital_of(province, city)
        place, expert = next(
            (place, one)
            for place, one in enumerate(hospital.practitioners)
            if one.title == CHIEF_PHYSICIAN
        )
        schedule = published(province, hospital, f"ST-4-{city}", 1, doctor=place)
        listed = mine.json(f"/api/v1/schedules/{schedule}")
        status, made = book(mine, schedule, f"system-0030-{city}")

        assert (listed["title"], listed["practitioner"]["name"]) == (CHIEF_PHYSICIAN, expert.name)
        assert (status, made["city"], made["hospital"]["code"]) == (201, city, hospital.code)
        assert province.rows(city, SOLD, schedule) == [(made["id"], "booked", "busy", made["id"])]
        assert cancel(mine, made["id"])[0] == 200


def test_a_city_that_does_not_answer_is_a_clear_503_and_nothing_is_booked_twice(province, bookers):
    (_, _, mine, *_), _ = bookers
    schedule = published(province, hospital_of(province, FIRST), "ST-2", 2, doctor=1)
    pid = province.pid(FIRST, "web")
    stopped = [pid, *children(pid)]
    for one in stopped:
        os.kill(one, signal.SIGSTOP)
    try:
        status, problem = book(mine, schedule, "system-0010")
        assert province.rows(HUB, SOLD, schedule) == []
    finally:
        for one in reversed(stopped):
            os.kill(one, signal.SIGCONT)

    assert (status, problem["type"]) == (503, "urn:problem:city-unreachable")
    assert problem["facts"] == {"city": FIRST}
    status, made = until(lambda: (again := book(mine, schedule, "system-0010"))[0] == 201 and again)
    assert province.rows(FIRST, SOLD, schedule) == [(made["id"], "booked", "busy", made["id"])]
    until(lambda: province.rows(HUB, SOLD, schedule) == province.rows(FIRST, SOLD, schedule))
    assert book(mine, schedule, "system-0011")[1]["type"] == "urn:problem:already-booked"
    open_ = "SELECT count(*) FROM commands_commandsent WHERE state = 'open' AND key LIKE %s"
    until(lambda: province.rows(HUB, open_, "%/system-0010") == [(0,)])
    assert cancel(mine, made["id"])[0] == 200


def test_sixteen_bookers_on_ten_numbers_through_the_hub(province, bookers):
    readers, _ = bookers
    schedule = published(province, hospital_of(province, FIRST), "ST-3", CAPACITY, doctor=2)

    with ThreadPoolExecutor(BOOKERS) as pool:
        answers = list(pool.map(lambda one: book(one, schedule, "system-0020"), readers))

    sold = [body["sequence"] for status, body in answers if status == 201]
    refused = [body["type"] for status, body in answers if status != 201]
    assert sorted(sold) == list(range(1, CAPACITY + 1))
    assert refused == ["urn:problem:sold-out"] * (BOOKERS - CAPACITY)
    rows = province.rows(FIRST, SOLD, schedule)
    assert [row[1:3] for row in rows] == [("booked", "busy")] * CAPACITY
    until(lambda: province.rows(HUB, SOLD, schedule) == rows)
    assert readers[0].json(f"/api/v1/schedules/{schedule}")["left"] == 0
