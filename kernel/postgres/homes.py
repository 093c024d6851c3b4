"""The homes as plain Python: who writes a table, who receives it (architecture §3).

Apart from the model bases in `kernel.homes`, because the database backend is loaded before models.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from django.db import models


class Home(StrEnum):
    """The five homes of a table."""

    PROVINCE = "PROVINCE"
    PERSONAL = "PERSONAL"
    CITY = "CITY"
    NODE = "NODE"
    LOCAL = "LOCAL"


class Province:
    """Written by the hub, copied to every city; nothing about a person."""

    home = Home.PROVINCE


class Personal:
    """Written by the hub, copied to the cities in the row's audience only."""

    home = Home.PERSONAL


class City:
    """Written by the city that owns the hospital, copied to the hub."""

    home = Home.CITY


class Node:
    """Each node writes its own rows, insert-only; copied city to hub, hub to audience."""

    home = Home.NODE


class Local:
    """Written by each node, copied nowhere."""

    home = Home.LOCAL


WRITERS: dict[Home, frozenset[str]] = {
    Home.PROVINCE: frozenset({"province"}),
    Home.PERSONAL: frozenset({"province"}),
    Home.CITY: frozenset({"city"}),
    Home.NODE: frozenset({"province", "city"}),
    Home.LOCAL: frozenset({"province", "city"}),
}
RECEIVERS: dict[Home, frozenset[str]] = {
    Home.PROVINCE: frozenset({"city"}),
    Home.PERSONAL: frozenset({"city"}),
    Home.CITY: frozenset({"province"}),
    Home.NODE: frozenset({"province", "city"}),
    Home.LOCAL: frozenset(),
}
BY_NODE = frozenset({Home.CITY, Home.NODE})


def home_of(model: type[models.Model]) -> Home | None:
    """Home of a model, historical ones included; None when it names none."""
    home = getattr(model, "home", None)
    return home if isinstance(home, Home) else None


def _home(model: type[models.Model]) -> Home:
    return home_of(model) or Home.LOCAL


def is_written_here(model: type[models.Model]) -> bool:
    """Whether this node writes rows of the table."""
    return settings.ROLE in WRITERS[_home(model)]


def is_received_here(model: type[models.Model]) -> bool:
    """Whether rows of the table reach this node by replication."""
    return settings.ROLE in RECEIVERS[_home(model)]


def is_partitioned(model: type[models.Model]) -> bool:
    """Whether the table is `PARTITION BY LIST (node)` on this node."""
    return settings.ROLE == "province" and _home(model) in BY_NODE


def is_insert_only(model: type[models.Model]) -> bool:
    """Whether rows, once written, never change."""
    return _home(model) is Home.NODE
