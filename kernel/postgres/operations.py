"""Operations that differ because tests run under the role of the serving processes."""

from collections.abc import Iterable

from django.db import transaction
from django.db.backends.postgresql import operations


class HomesOperations(operations.DatabaseOperations):
    """PostgreSQL operations of a database whose tables belong to another role."""

    def execute_sql_flush(self, sql_list: Iterable[str]) -> None:
        """Empty the tables as the login role, which owns them; the app role may not truncate."""
        with (
            transaction.atomic(using=self.connection.alias),
            self.connection.cursor() as cursor,
        ):
            cursor.execute("SELECT session_user")
            (login,) = cursor.fetchone()
            cursor.execute(f'SET LOCAL ROLE "{login}"')
            for sql in sql_list:
                cursor.execute(sql)
