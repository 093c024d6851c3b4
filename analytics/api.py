"""Figures for the commission's analysts, at the hub. Numbers only, no persons."""

from datetime import date, datetime

from django.conf import settings
from django.utils.translation import get_language
from ninja import Query, Router, Schema

from analytics.definitions import DEFINITIONS
from analytics.errors import AskTheHub
from analytics.models import Activity
from analytics.rules import Against, State
from analytics.selectors import figures_now, figures_then, scope_of
from kernel.access.rules import ANYBODY_KNOWN
from kernel.access.services import authorise
from kernel.homes import is_received_here
from kernel.http import Code, SignedInRequest
from kernel.problems import said

router = Router(tags=["figures"])

READ = "figures.read"
STREAM = "/api/v1/figures/stream"


class Flows(Schema):
    """What happened in some time; `definitions` says what each figure counts."""

    visits: int
    booked: int
    cancelled: int
    registrations: int
    accepted: int
    refused: int
    resources: int
    persons: int


class Figures(Flows):
    """What happened today, and how today's numbers and those of the next seven days stand."""

    taken: int
    free: int
    free_coming: int


class Place(Schema):
    """A city of the province, or a hospital of the city."""

    code: str
    name: str
    figures: Figures


class PlaceThen(Schema):
    """The same place on another day."""

    code: str
    name: str
    figures: Flows


class Point(Flows):
    """Ten minutes, by the minute of the day at which they begin. What is not listed had nothing."""

    minute: int


class NodeOut(Schema):
    """How a city does at the hub: it has counted `until` then; `behind_seconds` ago, told every five."""

    code: str
    name: str
    state: State
    until: datetime | None
    behind_seconds: float | None


class FiguresNow(Schema):
    """Today so far, for the province, a city or a hospital."""

    at: datetime
    day: date
    city: str | None
    hospital: str | None
    name: str
    total: Figures
    places: list[Place]
    trend: list[Point]
    nodes: list[NodeOut]


class FiguresThen(Schema):
    """A day before: up to the time of day it is now, and by ten minutes the whole day."""

    against: Against
    day: date
    until: datetime
    total: Flows
    places: list[PlaceThen]
    trend: list[Point]


class FiguresOut(FiguresNow):
    """Today beside days before; `stream` is where changes of the same are pushed (text/event-stream)."""

    before: list[FiguresThen]
    stream: str


class DefinitionOut(Schema):
    """What a figure counts, in the language asked for."""

    name: str
    title: str
    text: str
    unit: str


class Where(Schema):
    """Of what: the whole province, one city, or one hospital by its registration number."""

    city: Code | None = None
    hospital: Code | None = None


@router.get("/figures", response=FiguresOut)
def figures(request: SignedInRequest, where: Query[Where]) -> dict[str, object]:
    """Figures of today beside yesterday and last week; asked again, or heard of by the stream."""
    authorise(request.auth, READ, facts=ANYBODY_KNOWN)
    if not is_received_here(Activity):
        raise AskTheHub
    scope = scope_of(city=where.city, hospital=where.hospital)
    before = [figures_then(scope, against) for against in Against]
    return {**figures_now(scope), "before": before, "stream": f"{settings.STREAM_URL}{STREAM}"}


@router.get("/figures/definitions", response=list[DefinitionOut])
def definitions(request: SignedInRequest) -> list[dict[str, str]]:
    """What each figure counts."""
    authorise(request.auth, READ, facts=ANYBODY_KNOWN)
    language = get_language() or "zh"
    return [
        {"name": name, "title": said(one.title, language), "text": said(one.text, language),
         "unit": said(one.unit, language)}
        for name, one in DEFINITIONS.items()
    ]  # fmt: skip
