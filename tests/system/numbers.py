"""Schedules and numbers of system tests: what a hospital publishes, what a resident books."""

from datetime import date, timedelta
from typing import Any

import orjson
from django.utils import timezone

from benchmarks.throwaway_province import HUB, Province, until
from config.cli.hospital_client import client_of
from config.model_province.schedules import schedule_of
from config.model_province.sources import Hospital
from tests.system.people import HTTP, Reader

SOLD = (
    "SELECT a.id::text, a.status, s.status, s.appointment_id::text"
    " FROM appointment_pool_appointment a"
    " JOIN appointment_pool_slot s ON s.node = a.node AND s.id = a.slot_id"
    " WHERE a.schedule_id = %s ORDER BY a.id"
)


def tomorrow() -> date:
    """The next day in China."""
    return timezone.localdate() + timedelta(1)


def published(
    province: Province, hospital: Hospital, key: str, numbers: int, doctor: int = 0
) -> str:
    """Publish numbers of a doctor for tomorrow afternoon; the schedule's id, once the hub knows it."""
    plan = schedule_of(hospital, hospital.practitioners[doctor], tomorrow(), "pm", numbers)
    path = f"/organisations/{hospital.code}/schedules/{key}"
    answer = client_of(province.home, hospital.code).call("PUT", path, orjson.dumps(plan))
    assert answer.ok, answer
    schedule = str(answer.body["id"])
    there = "SELECT count(*) = %s FROM appointment_pool_slot WHERE schedule_id = %s"
    until(lambda: province.rows(HUB, there, numbers, schedule) == [(True,)])
    return schedule


def book(reader: Reader, schedule: str, key: str) -> Any:
    """Book a number at the hub; status and decoded body."""
    return _posted(reader, "/api/v1/appointments", {"schedule": schedule}, key)


def cancel(reader: Reader, appointment: str) -> Any:
    """Give a number back at the hub; status and decoded body."""
    return _posted(reader, f"/api/v1/appointments/{appointment}/cancel", None, "")


def _posted(reader: Reader, path: str, body: Any, key: str) -> Any:
    headers = {"Authorization": f"Bearer {reader.token}", "Idempotency-Key": key}
    answer = HTTP.request("POST", reader.url + path, json=body, headers=headers)
    return answer.status, orjson.loads(answer.data)
