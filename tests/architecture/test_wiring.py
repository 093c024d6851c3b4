"""Names that are only strings lead somewhere: events, handlers, commands, tasks."""

import ast
import inspect
from importlib import import_module
from uuid import UUID

import click
import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import BinaryField
from django.utils.module_loading import import_string

from config.celery import app
from config.cli.main import COMMANDS, cli
from tests.architecture.repository import called_names, packages, sources

WIRING = import_module(settings.WIRING)
HANDLERS = sorted({
    (name, handler)
    for events in WIRING.HANDLERS.values()
    for name, handlers in events.items()
    for handler in handlers
})  # fmt: skip
SERVICES = WIRING.COMMANDS | WIRING.QUERIES | WIRING.HUB_QUERIES
NOT_SEALED = {
    "code_digest", "digest", "login_digest", "previous", "row_digests", "sha256", "signature", "wrapped",
}  # fmt: skip
LISTED_EVENTS = {name for events in WIRING.HANDLERS.values() for name in events}


def names_given_to(*functions: str) -> set[str]:
    """Literal first arguments of these functions in our code."""
    return {
        name
        for _, tree in sources(*packages())
        for _, name in called_names(tree, *functions)
        if "." in name
    }


def task_names() -> set[str]:
    """Names that tasks are given, or asked for by."""
    named = {
        str(keyword.value.value)
        for _, tree in sources(*packages())
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("shared_task")
        for keyword in call.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    return named | scheduled | names_given_to("send_task")


def test_the_wiring_knows_both_roles():
    assert set(WIRING.HANDLERS) == set(settings.ROLE_APPS)


@pytest.mark.parametrize(("name", "handler"), HANDLERS)
def test_every_handler_takes_an_event(name, handler):
    parameters = inspect.signature(import_string(handler)).parameters

    assert list(parameters) == ["event"], f"{handler}, wired to {name}"


def test_a_handler_of_several_events_takes_events():
    several = [
        import_string(handler).together
        for _, handler in HANDLERS if hasattr(import_string(handler), "together")
    ]  # fmt: skip

    assert several
    assert all(list(inspect.signature(one).parameters) == ["events"] for one in several)


def test_recorded_events_and_listed_events_are_the_same():
    assert names_given_to("record", "NewEvent") == LISTED_EVENTS


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_command_leads_to_a_service(name):
    parameters = inspect.signature(import_string(SERVICES[name])).parameters

    assert set(parameters) == {"body", "by"}
    assert all(
        parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values()
    )


def test_sent_commands_and_known_commands_are_the_same():
    assert WIRING.COMMANDS.keys() & WIRING.QUERIES.keys() == set()
    assert names_given_to("send") == set(WIRING.COMMANDS)
    assert names_given_to("ask") == set(WIRING.QUERIES | WIRING.HUB_QUERIES)


def is_binary(field):
    return isinstance(getattr(field, "base_field", field), BinaryField)


@pytest.mark.parametrize("column", WIRING.SEALED_COLUMNS, ids=str)
def test_every_sealed_column_exists(column):
    model = apps.get_model(column.model)

    assert isinstance(model._meta.get_field(column.column), BinaryField)
    assert model._meta.get_field(column.bound_to)
    assert column.context_of(UUID(int=0))


@pytest.mark.parametrize("index", WIRING.BLIND_INDEXES, ids=str)
def test_every_blind_index_exists_twice(index):
    model = apps.get_model(index.model)

    assert is_binary(model._meta.get_field(index.column))
    assert is_binary(model._meta.get_field(index.column_next))
    assert callable(import_string(index.value))


def test_no_sealed_column_is_forgotten_when_keys_change():
    listed = {(sealed.model, sealed.column) for sealed in WIRING.SEALED_COLUMNS}
    listed |= {
        (index.model, column)
        for index in WIRING.BLIND_INDEXES
        for column in (index.column, index.column_next)
    }
    binary = {
        (model._meta.label, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if is_binary(field) and field.name not in NOT_SEALED
    }

    assert binary == listed


def test_every_task_name_is_in_the_registry():
    names = task_names()

    assert names
    assert names - set(app.tasks) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_command_line_is_there(name):
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.help
