"""What a migration may do while streams run (architecture §3; docs/replication.md, pitfalls 11 and 13).

A subscriber may be a release ahead of its publisher, so a new column of a replicated table must be
able to stay empty there. A lock that a busy apply worker holds makes the migration give way and try
again, so a migration holds the lock of one existing table only.
"""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db.migrations import AddField, CreateModel, Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.operations.models import ModelOperation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

from kernel.postgres.homes import Home, home_of


def check_migrations(**_: Any) -> list[CheckMessage]:
    """Every fault of every migration of the project's own apps."""
    loader = MigrationLoader(None)
    state = ProjectState(real_apps=loader.unmigrated_apps)
    found: list[CheckMessage] = []
    for key in loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True):
        migration = loader.graph.nodes[key]
        if not migration.__module__.startswith("django."):
            found += [
                Error(fault, obj=str(migration), id="replication.E001")
                for fault in faults(migration, state)
            ]
        state = migration.mutate_state(state, preserve=False)
    return found


def faults(migration: Migration, before: ProjectState) -> Iterator[str]:
    """What of a migration would stop a stream or hold several tables at once."""
    state = before.clone()
    touched: set[str] = set()
    made: set[str] = set()
    for operation in migration.operations:
        if isinstance(operation, CreateModel):
            made.add(operation.name_lower)
        elif (name := _table_of(operation)) and name not in made:
            touched.add(name)
        operation.state_forwards(migration.app_label, state)
        if isinstance(operation, AddField) and operation.model_name_lower not in made:
            model = state.apps.get_model(migration.app_label, operation.model_name)
            field = operation.field
            if (
                home_of(model) not in {None, Home.LOCAL}
                and not field.null
                and field.db_default is NOT_PROVIDED
            ):
                yield (
                    f"the new column {operation.model_name}.{operation.name} of a replicated table "
                    "must be nullable or have a db_default"
                )
    if len(touched) > 1:
        yield f"one migration alters several existing tables: {', '.join(sorted(touched))}"


def _table_of(operation: Any) -> str:
    if isinstance(operation, FieldOperation):
        return operation.model_name_lower
    if isinstance(operation, ModelOperation):
        return operation.name_lower
    return str(getattr(operation, "model_name_lower", "") or getattr(operation, "model_name", ""))
