"""Every status is known to a transition table, and every table speaks of known statuses only."""

from typing import Any

import pytest
from django.apps import apps
from django.db.models import CharField, Field, TextField

from tests.architecture.repository import packages
from tests.state_diagrams import FOLDER, pages, transition_tables


def status_fields() -> "list[Field[Any, Any]]":
    """The status columns of our models."""
    return [
        field
        for model in apps.get_models()
        if model.__module__.split(".")[0] in packages()
        for field in model._meta.concrete_fields
        if field.name in {"status", "state"} and isinstance(field, TextField | CharField)
    ]


@pytest.mark.parametrize("field", status_fields(), ids=str)
def test_every_status_has_a_transition_row(field):
    tables = transition_tables(field.model._meta.app_config.name)
    known = {str(value) for value, _ in field.flatchoices}

    assert known, f"{field} lists no choices"
    assert known in [{str(status) for status in table} for table in tables], (
        f"no table in {field.model._meta.app_config.name}.states has a row for each of {known}"
    )


def test_every_transition_leads_to_a_row_of_its_table():
    astray = [
        f"{app.name}: {start} -> {target}"
        for app in apps.get_app_configs()
        if app.name.split(".")[0] in packages()
        for table in transition_tables(app.name)
        for start, targets in table.items()
        for target in targets
        if target not in table
    ]

    assert astray == []


def test_the_diagrams_are_those_of_the_tables():
    drawn = {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}

    assert drawn == pages(), "make states"
