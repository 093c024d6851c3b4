"""Schema editor: one model, two shapes (architecture §3).

In a city a table of home CITY or NODE is plain, with primary key `id`; at the hub it is
`PARTITION BY LIST (node)` with primary key `(node, id)`, no foreign keys, and `node` put in front of
every unique rule. Foreign keys exist only where the home is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import models
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models.expressions import Col, ExpressionList

from kernel.postgres.homes import Home, home_of, is_partitioned, is_written_here
from kernel.replication import partitions


class HomesSchemaEditor(DatabaseSchemaEditor):
    """Writes the shape that a model's home has on this node."""

    def table_sql(self, model: type[models.Model]) -> tuple[str, list[Any]]:
        """CREATE TABLE, partitioned by node where rows of many nodes arrive."""
        sql, params = super().table_sql(model)
        if is_partitioned(model):
            sql = f'{sql.removesuffix(")")}, PRIMARY KEY ("node", "id")) PARTITION BY LIST ("node")'
        return sql, params

    def _iter_column_sql(
        self,
        column_db_type: str,
        params: list[Any],
        model: type[models.Model],
        field: models.Field[Any, Any],
        *args: Any,
    ) -> Iterator[str]:
        parts = super()._iter_column_sql(column_db_type, params, model, field, *args)  # type: ignore[misc]
        for part in parts:
            if is_partitioned(model) and part in {"PRIMARY KEY", "UNIQUE"}:
                if part == "UNIQUE":
                    self.deferred_sql.append(self._create_unique_sql(model, [field]))
                continue
            yield part

    def create_model(self, model: type[models.Model]) -> None:
        """Create the table, its replica identity and the partitions of the enrolled nodes."""
        with self._foreign_keys_where_written(model):
            super().create_model(model)
        home, table = home_of(model), model._meta.db_table
        quoted, identity = self.quote_name(table), self.quote_name(f"{table}_identity")
        if is_partitioned(model):
            self.execute(f"CREATE INDEX {self.quote_name(f'{table}_by_id')} ON {quoted} (id)")
            for sql in partitions.creation_sql(table, self._enrolled(), monthly=home is Home.NODE):
                self.execute(sql)
        elif home is Home.CITY:
            self.execute(f"CREATE UNIQUE INDEX {identity} ON {quoted} (node, id)")
            self.execute(f"ALTER TABLE {quoted} REPLICA IDENTITY USING INDEX {identity}")
        elif home is Home.PERSONAL:
            self.execute(f"CREATE UNIQUE INDEX {identity} ON {quoted} (id, audience)")
            self.execute(f"ALTER TABLE {quoted} REPLICA IDENTITY USING INDEX {identity}")

    def add_field(self, model: type[models.Model], field: models.Field[Any, Any]) -> None:
        """Add a column, with its foreign key only where the home is written."""
        with self._foreign_keys_where_written(model):
            super().add_field(model, field)

    def _alter_field(self, model: type[models.Model], *args: Any, **kwargs: Any) -> None:
        with self._foreign_keys_where_written(model):
            super()._alter_field(model, *args, **kwargs)  # type: ignore[misc]

    @contextmanager
    def _foreign_keys_where_written(self, model: type[models.Model]) -> Iterator[None]:
        features = self.connection.features
        before = features.supports_foreign_keys
        features.supports_foreign_keys = is_written_here(model) and not is_partitioned(model)
        try:
            yield
        finally:
            features.supports_foreign_keys = before

    def _enrolled(self) -> list[str]:
        with self.connection.cursor() as cursor:
            return partitions.enrolled(cursor)

    def _unique_sql(
        self,
        model: type[models.Model],
        fields: Sequence[models.Field[Any, Any]],
        name: str,
        **kwargs: Any,
    ) -> Any:
        if not kwargs.get("expressions"):
            fields = self._node_first(model, fields, kwargs)
        return super()._unique_sql(model, fields, name, **kwargs)  # type: ignore[misc]

    def _create_unique_sql(
        self,
        model: type[models.Model],
        fields: Sequence[models.Field[Any, Any]],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        fields = self._node_first(model, fields, kwargs)
        return super()._create_unique_sql(model, fields, *args, **kwargs)  # type: ignore[misc]

    def _node_first(
        self,
        model: type[models.Model],
        fields: Sequence[models.Field[Any, Any]],
        kwargs: dict[str, Any],
    ) -> Sequence[models.Field[Any, Any]]:
        if not is_partitioned(model):
            return fields
        node: models.Field[Any, Any] = model._meta.get_field("node")  # type: ignore[assignment]
        if kwargs.get("expressions"):
            old = kwargs["expressions"].source_expressions
            kwargs["expressions"] = ExpressionList(Col(None, node), *old)  # type: ignore[arg-type]
            return fields
        return fields if node in fields else [node, *fields]

    def _constraint_names(
        self,
        model: type[models.Model],
        column_names: Sequence[str] | None = None,
        unique: bool | None = None,
        primary_key: bool | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> list[str]:
        if is_partitioned(model) and unique and column_names and "node" not in column_names:
            column_names = ["node", *column_names]
        names: list[str] = super()._constraint_names(  # type: ignore[misc]
            model, column_names, unique, primary_key, *args, **kwargs
        )
        return names
