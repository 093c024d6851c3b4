"""Residents who book and cancel while processes are killed, and what must be true afterwards."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import urllib3

from benchmarks.throwaway_province import HUB, Province, until
from tests.system.numbers import book, cancel, published
from tests.system.people import (
    Reader,
    accounts_of,
    enrol_all,
    hospital_of,
    new_residents,
    person_of,
)

BUYERS, SCHEDULES, CAPACITY = 3, 5, 2
LEAST_SOLD = 12
TRIES = 4
SOLD_TABLES = ["appointment_pool_schedule", "appointment_pool_slot", "appointment_pool_appointment"]
LIMITS = (
    "INSERT INTO appointment_pool_bookingsetting (name, value)"
    " VALUES ('most-open', 1000), ('most-per-department-and-day', 1000)"
)
APPOINTMENTS = (
    "SELECT request_key, id::text, status FROM appointment_pool_appointment WHERE node = %s"
)
OVERSOLD = (
    "SELECT s.schedule_id, count(*), count(*) FILTER (WHERE s.status = 'busy'), (SELECT count(*)"
    " FROM appointment_pool_appointment a WHERE a.schedule_id = s.schedule_id AND a.status = 'booked')"
    " FROM appointment_pool_slot s WHERE s.node = %s AND s.schedule_id::text = ANY(%s) GROUP BY 1"
)
TOLD = (
    "SELECT subject_id::text, name FROM events_event"
    " WHERE node = %s AND name IN ('appointment.booked', 'appointment.cancelled')"
)
REFUSALS = {"sold-out", "already-booked"}


@dataclass
class Purchases:
    """What one resident asked for, by key, and what the hub acknowledged."""

    reader: Reader
    person: str
    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, str] = field(default_factory=dict)  # key -> appointment
    giving_back: set[str] = field(default_factory=set)
    given_back: set[str] = field(default_factory=set)
    surprises: list[Any] = field(default_factory=list)


def open_counter(province: Province, city: str) -> tuple[list[str], list[Purchases]]:
    """Publish few numbers and sign in residents; the schedules, and who will buy."""
    hospital = hospital_of(province, city)
    province.rows(HUB, LIMITS)
    schedules = [
        published(province, hospital, f"KILL-{number}", CAPACITY, doctor=number)
        for number in range(SCHEDULES)
    ]
    people, seed = new_residents(city, BUYERS)
    persons = [person_of(province, one) for one in enrol_all(province, people, city, seed)]
    readers = accounts_of(province, people)
    return schedules, [Purchases(*one) for one in zip(readers, persons, strict=True)]


def buy(purchases: Purchases, schedules: list[str], chance: Random, stop: threading.Event) -> None:
    """Book and give back until told to stop; what gets no answer is asked again under its key."""
    number = 0
    while not stop.wait(chance.uniform(0.1, 0.4)):
        number += 1
        key, schedule = f"kill-{number:05d}", chance.choice(schedules)
        purchases.sent.add(f"{purchases.person}/{key}")
        status, body = _insisted(lambda s=schedule, k=key: book(purchases.reader, s, k), stop)
        if status == 201:
            purchases.acknowledged[f"{purchases.person}/{key}"] = body["id"]
            _give_back(purchases, body["id"], stop)
        elif status == 409 and body["type"].endswith("already-booked"):
            for appointment in _booked(purchases, schedule, stop):
                _give_back(purchases, appointment, stop)
        elif status != 0 and body["type"].rpartition(":")[2] not in REFUSALS:
            purchases.surprises.append(body)


def _give_back(purchases: Purchases, appointment: str, stop: threading.Event) -> None:
    """Give a number back; while the streams are cut the hub may not know it yet (404)."""
    purchases.giving_back.add(appointment)
    status, body = _insisted(lambda: cancel(purchases.reader, appointment), stop)
    if status == 200:
        purchases.given_back.add(appointment)
    elif status not in {0, 404}:
        purchases.surprises.append(body)


def _booked(purchases: Purchases, schedule: str, stop: threading.Event) -> list[str]:
    """What the hub lists of a schedule: a booking without an answer may have come about."""
    status, body = _insisted(
        lambda: (200, purchases.reader.json("/api/v1/me/appointments?limit=200")), stop
    )
    rows = body["items"] if status == 200 else []
    return [
        row["id"] for row in rows if (row["schedule"], row["status"]) == (schedule, "booked")
    ]  # fmt: skip


def _insisted(call: Any, stop: threading.Event) -> tuple[int, Any]:
    """The first final answer within some tries; (0, None) when there was none."""
    for _ in range(TRIES):
        try:
            status, body = call()
        except (urllib3.exceptions.HTTPError, ValueError, AssertionError):  # gone, or half of it
            status, body = 503, None
        if status < 500:
            return status, body
        stop.wait(1)
    return 0, None


def enough_is_sold(everybody: list[Purchases]) -> bool:
    """Whether so much was booked that losses would show."""
    return sum(len(one.acknowledged) for one in everybody) >= LEAST_SOLD


def every_sale_counts_once(
    province: Province, city: str, schedules: list[str], everybody: list[Purchases]
) -> None:
    """Numbers sold fit in; every acknowledged booking is there once, at city and hub alike."""
    for one in everybody:
        assert one.surprises == []
    assert enough_is_sold(everybody)
    asked = set().union(*(one.sent for one in everybody))
    acknowledged = {key: id_ for one in everybody for key, id_ in one.acknowledged.items()}
    tried = set().union(*(one.giving_back for one in everybody))
    back = set().union(*(one.given_back for one in everybody))
    assert len(set(acknowledged.values())) == len(acknowledged)
    for code in (city, HUB):
        counts = province.rows(code, OVERSOLD, city, schedules)
        assert len(counts) == SCHEDULES
        for _, numbers, busy, booked in counts:
            assert numbers == CAPACITY
            assert busy == booked <= CAPACITY
        rows = province.rows(code, APPOINTMENTS, city)
        there = {key: (id_, status) for key, id_, status in rows}
        assert len(there) == len(rows)
        assert there.keys() <= asked
        assert {key: there[key][0] for key in acknowledged} == acknowledged
        status_of = dict(there.values())
        assert {status_of[id_] for id_ in back} <= {"cancelled"}
        assert {status for id_, status in status_of.items() if id_ not in tried} <= {"booked"}
        told = Counter(province.rows(code, TOLD, city))
        wanted = Counter((id_, "appointment.booked") for id_ in status_of)
        wanted += Counter(
            (id_, "appointment.cancelled")
            for id_, status in status_of.items() if status == "cancelled"
        )  # fmt: skip
        assert told == wanted


def nothing_is_reserved_any_more(
    province: Province, schedules: list[str], everybody: list[Purchases]
) -> None:
    """What was on its way is let go when its resident books again."""
    numbers = count(1)

    def all_let_go() -> bool:
        for one in everybody:
            status, body = book(one.reader, schedules[0], f"afterwards-{next(numbers)}")
            assert status == 201 or body["type"].rpartition(":")[2] in REFUSALS, body
        return province.rows(HUB, "SELECT key FROM appointment_pool_reservation") == []

    until(all_let_go)
