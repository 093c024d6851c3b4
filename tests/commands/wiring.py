"""A wiring for the tests of commands, and the door they come through."""

from typing import Any
from uuid import UUID

from django.urls import path

from kernel.access.services import authorise, authorise_write
from kernel.actor import Actor
from kernel.commands.api import receive_command
from kernel.events.models import EventWatermark
from kernel.homes import uuid7
from kernel.problems import DomainError

HERE = "tests.commands.wiring"
COMMANDS = {
    "test.note": f"{HERE}.note",
    "test.refuse": f"{HERE}.refuse",
    "test.break": f"{HERE}.break_down",
    "test.unavailable": f"{HERE}.unavailable",
    "test.busy": f"{HERE}.busy",
    "test.unasked": f"{HERE}.unasked",
    "test.forbidden": f"{HERE}.forbidden",
}
QUERIES = {"test.read": f"{HERE}.read", "test.read-nothing": f"{HERE}.read_nothing"}
HUB_QUERIES = {"test.ask-hub": f"{HERE}.read"}
HANDLERS: dict[str, Any] = {"province": {}, "city": {}}
SEALED_COLUMNS: list[Any] = []
BLIND_INDEXES: list[Any] = []
hooks: dict[str, Any] = {}

urlpatterns = [path("node/v1/commands/<str:name>", receive_command)]


class SoldOut(DomainError):
    """A decision of the receiver."""

    status, code = 409, "sold-out"
    title = {"zh": "号源已满", "en": "Sold out"}


class Unavailable(DomainError):
    """No decision: the receiver cannot now."""

    status, code = 503, "unavailable"
    title = {"zh": "暂不可用", "en": "Not now"}


class Busy(DomainError):
    """No decision, said with a status that a sender tries again after."""

    status, code = 429, "busy"
    title = {"zh": "稍后再试", "en": "Later"}


def note(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Write a row; its name is unique, so a second time would fail."""
    authorise_write(by, "operations.write", facts={"authenticated"})
    mark = EventWatermark.objects.create(node=body["name"], before_id=uuid7())
    if (hook := hooks.get("note")) is not None:
        hook()
    return {"id": mark.id, "by": by.id, "purpose": by.purpose}


def refuse(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Write a row, then decide against it."""
    note(body=body, by=by)
    raise SoldOut({"zh": "上午", "en": "morning"}, facts={"left": 0})


def break_down(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Write a row, then break."""
    note(body=body, by=by)
    raise RuntimeError


def unavailable(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Write a row, then find that it cannot be done now."""
    note(body=body, by=by)
    raise Unavailable


def busy(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Write a row, then ask for patience."""
    note(body=body, by=by)
    raise Busy


def unasked(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Answer without asking whether it may."""
    EventWatermark.objects.create(node=body["name"], before_id=uuid7())
    return {}


def forbidden(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Ask for something the actor may not."""
    authorise_write(by, "record.write", person_id=UUID(int=5))
    return {}


def read(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Read something."""
    authorise(by, "operations.read", facts={"authenticated"})
    return {"content": "x" * body["length"]}


def read_nothing(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """Read what the actor may not see."""
    authorise(by, "record.read", person_id=UUID(int=5))
    return {}
