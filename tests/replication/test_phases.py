"""What migrates in which pass: subscribers receive a column before publishers send it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from config.cli.province import Province
from kernel.events.models import Event
from kernel.postgres.homes import City, Home, Local, Node, Personal
from kernel.postgres.homes import Province as ProvinceHome
from kernel.replication import phases, publications

RECEIVED = {
    "province": {Home.CITY, Home.NODE},
    "city": {Home.PROVINCE, Home.PERSONAL, Home.NODE},
}
BASES: dict[Home, Any] = {
    Home.PROVINCE: ProvinceHome, Home.PERSONAL: Personal, Home.CITY: City, Home.NODE: Node,
    Home.LOCAL: Local,
}  # fmt: skip


@pytest.mark.parametrize("home", Home)
@pytest.mark.parametrize("role", ["province", "city"])
def test_a_table_migrates_in_one_pass(settings, monkeypatch, role, home):
    settings.ROLE = role
    router = phases.PhaseRouter()
    passes = []
    for phase in ("receive", "write"):
        monkeypatch.setattr(phases, "current", phase)
        if router.allow_migrate("default", "clinic", model=BASES[home]):
            passes.append(phase)
        assert router.allow_migrate("default", "clinic", home=home) == (phase in passes)

    assert passes == (["receive"] if home in RECEIVED[role] else ["write"])
    monkeypatch.setattr(phases, "current", None)
    assert router.allow_migrate("default", "clinic", model=BASES[home]) is None


def test_every_node_receives_before_any_node_writes():
    done = []

    async def manage(node, *words):
        done.append((words[-1], node))

    async def each(work):
        for node in ("620000", "620100", "620800"):
            await work(node)

    province: Any = SimpleNamespace(_manage=manage, _each=each)
    province._run_pass = lambda phase, node: Province._run_pass(province, phase, node)
    asyncio.run(Province.migrate(province))

    assert done == [
        (phase, node) for phase in ("receive", "write") for node in ("620000", "620100", "620800")
    ]


@pytest.mark.django_db
def test_a_new_column_is_published_once_the_publications_are_applied_again():
    name = "node" if settings.ROLE == "city" else "node_620100"
    listed = "SELECT attnames FROM pg_publication_tables WHERE pubname = %s AND tablename = 'events_event'"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        narrow = f"ALTER PUBLICATION {name} SET TABLE events_event (id, node)"
        cursor.execute(narrow)
        cursor.execute(listed, [name])
        before = cursor.fetchone()[0]

        publications.apply(cursor)

        cursor.execute(listed, [name])
        after = cursor.fetchone()[0]
        cursor.execute("SET LOCAL ROLE jianqiao_app")
    assert sorted(before) == ["id", "node"]
    assert sorted(after) == sorted(str(field.column) for field in Event._meta.concrete_fields)
