"""Migrations that a running stream would not survive are found before they run."""

import pytest
from django.db import migrations, models
from django.db.migrations.state import ProjectState

from kernel.postgres.homes import City, Local
from kernel.replication.additive import check_migrations, faults


def migration_of(*operations):
    made = migrations.Migration("0002_more", "clinic")
    made.operations = list(operations)
    return made


@pytest.fixture
def before():
    """Two replicated tables and a local one, as an earlier migration left them."""
    state = ProjectState()
    for name, home in [("Visit", City), ("Result", City), ("Draft", Local)]:
        migrations.CreateModel(
            name, [("id", models.UUIDField(primary_key=True))], bases=(home, models.Model)
        ).state_forwards("clinic", state)
    return state


def test_the_migrations_of_this_project_have_no_fault():
    assert check_migrations() == []


def test_a_new_column_of_a_replicated_table_must_be_able_to_stay_empty(before):
    found = faults(migration_of(migrations.AddField("visit", "ward", models.TextField())), before)

    assert list(found) == [
        "the new column visit.ward of a replicated table must be nullable or have a db_default"
    ]


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("visit", models.TextField(null=True)),
        ("visit", models.TextField(db_default="")),
        ("draft", models.TextField()),
    ],
)
def test_a_column_that_may_stay_empty_or_stays_here_is_fine(before, table, field):
    found = faults(migration_of(migrations.AddField(table, "ward", field)), before)

    assert list(found) == []


def test_a_migration_that_alters_two_tables_is_found(before):
    ward = models.TextField(null=True)
    found = faults(
        migration_of(
            migrations.AddField("visit", "ward", ward),
            migrations.AddIndex("result", models.Index(fields=["id"], name="result_id")),
        ),
        before,
    )

    assert list(found) == ["one migration alters several existing tables: result, visit"]


def test_tables_made_in_the_same_migration_do_not_count(before):
    found = faults(
        migration_of(
            migrations.CreateModel(
                "Bed", [("id", models.UUIDField(primary_key=True))], bases=(City, models.Model)
            ),
            migrations.AddField("bed", "ward", models.TextField()),
            migrations.AddField("visit", "ward", models.TextField(null=True)),
        ),
        before,
    )

    assert list(found) == []
