"""Fixtures of every test: the database under the serving role, and arriving rows."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations

from kernel.events.models import EventRoute
from kernel.events.services import sync_routes
from kernel.keys import ring
from kernel.keys.services import make_keys
from kernel.replication import enrolment

hypothesis.settings.register_profile("deep", max_examples=1_500, deadline=None)
"""Thorough, by hand: `pytest --hypothesis-profile=deep`. In CI Hypothesis's own profile `ci` is used."""

CITIES = ("620100", "620800")
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences"}


def flush_as_owner(operations: DatabaseOperations, statements: Iterable[str]) -> None:
    """Empty the tables as the login role, which owns them; the app role may not truncate."""
    with transaction.atomic(), operations.connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Enrol two cities at the hub, then let every test run under the serving role."""
    options = connection.settings_dict["OPTIONS"]
    with django_db_blocker.unblock():
        if settings.ROLE == "province":
            for city in CITIES:
                enrolment.make_room(city)
        connection.close()
        options["options"] = "-c role=jianqiao_app"
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(DatabaseOperations, "execute_sql_flush", flush_as_owner)
    yield
    monkeypatch.undo()
    with django_db_blocker.unblock():
        connection.close()
        options.pop("options", None)


@pytest.fixture(autouse=True)
def node_keys(request: pytest.FixtureRequest) -> None:
    """Keys and event routes, which a test that truncates tables takes from the next one."""
    ring.forget()
    if DATABASE_FIXTURES & set(request.fixturenames) or request.node.get_closest_marker(
        "django_db"
    ):
        make_keys()
        if not EventRoute.objects.exists():
            sync_routes()


@contextmanager
def arriving() -> Iterator[None]:
    """Write rows of foreign homes as replication does: ordinary triggers and grants are passed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE jianqiao_owner")
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("SET LOCAL ROLE jianqiao_app")


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is rolled back, as at the end of a test; for one example of many."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


def until_blocked(thread: Thread) -> None:
    """Wait until a thread waits for a lock of this database, or has ended without."""
    waiting = (
        "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE datname = current_database() AND NOT granted"
    )
    while thread.is_alive():
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.rowcount:
                return
        thread.join(0.01)


@pytest.fixture
def arrives() -> Callable[[], AbstractContextManager[None]]:
    """`with arrives():` writes rows of foreign homes as replication does."""
    return arriving
