"""Homes: who writes a table and who receives it (architecture §3).

A model names its home by its base class. The home is a plain mixin, not a field of Meta, because
`makemigrations` writes bases into migrations: so historical models know their home too.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func
from uuid_utils.compat import uuid7

from kernel.postgres.homes import (
    City,
    Home,
    Local,
    Node,
    Personal,
    Province,
    home_of,
    is_insert_only,
    is_partitioned,
    is_received_here,
    is_written_here,
)

__all__ = [
    "CityModel",
    "Home",
    "LocalModel",
    "NodeModel",
    "PersonalModel",
    "ProvinceModel",
    "home_of",
    "is_insert_only",
    "is_partitioned",
    "is_received_here",
    "is_written_here",
    "uuid7",
]


class NodeCode(Func):
    """The database's own word for who it is, `jianqiao_node()`."""

    function = "jianqiao_node"
    arity = 0
    output_field: ClassVar[models.Field[Any, Any]] = models.TextField()


class UUID7(Func):
    """PostgreSQL 18's `uuidv7()`, for rows written by SQL."""

    function = "uuidv7"
    arity = 0
    output_field: ClassVar[models.Field[Any, Any]] = models.UUIDField()


class Identified(models.Model):
    """A row keyed by a UUIDv7 that its writer made."""

    id = models.UUIDField(primary_key=True, default=uuid7, db_default=UUID7(), editable=False)

    class Meta:
        abstract = True


class ProvinceModel(Province, Identified):
    """Base of a table of home PROVINCE."""

    class Meta:
        abstract = True


class PersonalModel(Personal, Identified):
    """Base of a table of home PERSONAL; `audience` lists the city codes that receive the row."""

    audience = ArrayField(models.TextField(), default=list, db_default=[], blank=True)

    class Meta:
        abstract = True


class CityModel(City, Identified):
    """Base of a table of home CITY; `node` is the code of the city that wrote the row."""

    node = models.TextField(db_default=NodeCode(), editable=False)

    class Meta:
        abstract = True


class NodeModel(Node, Identified):
    """Base of a table of home NODE; `node` is the code of the node that wrote the row."""

    node = models.TextField(db_default=NodeCode(), editable=False)
    audience = ArrayField(models.TextField(), default=list, db_default=[], blank=True)

    class Meta:
        abstract = True


class LocalModel(Local, Identified):
    """Base of a table of home LOCAL."""

    class Meta:
        abstract = True
