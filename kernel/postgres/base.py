"""Database wrapper; Django's backend loader wants this file name."""

from django.db.backends.postgresql import base

from kernel.postgres.schema import HomesSchemaEditor


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL with tables shaped by their home."""

    SchemaEditorClass = HomesSchemaEditor
