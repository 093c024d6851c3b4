"""First preparation of a node's cluster by its superuser: roles and the database."""

import psycopg2
from psycopg2 import sql

from kernel.replication.names import APP_ROLE, OWNER_ROLE, replication_role


def prepare_cluster(
    superuser_dsn: str, *, owner_password: str, app_password: str, database: str = "jianqiao"
) -> None:
    """Make roles and database, or bring their passwords up to date. Safe to repeat.

    `jianqiao_owner` owns everything and migrates; `jianqiao_app` serves; neither is superuser.
    """
    connection = psycopg2.connect(superuser_dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for role, password, options in (
                (OWNER_ROLE, owner_password, "LOGIN IN ROLE pg_create_subscription"),
                (APP_ROLE, app_password, "LOGIN"),
            ):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE ROLE {role} {options}")
                cursor.execute(f"ALTER ROLE {role} PASSWORD %s", [password])
            cursor.execute(f"GRANT {APP_ROLE} TO {OWNER_ROLE} WITH INHERIT FALSE, SET TRUE")
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            name = sql.Identifier(database)
            if cursor.fetchone() is None:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                        name, sql.Identifier(OWNER_ROLE)
                    )
                )
            cursor.execute(
                sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(name)
            )
            cursor.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(APP_ROLE))
            )
    finally:
        connection.close()


def prepare_replication_login(
    superuser_dsn: str, *, peer: str, password: str, database: str = "jianqiao"
) -> None:
    """Make the login by which a peer subscribes here. Safe to repeat.

    It may decode the whole database whatever its grants say (docs/security.md).
    """
    role = replication_role(peer)
    connection = psycopg2.connect(superuser_dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE ROLE {role} LOGIN REPLICATION")
            cursor.execute(f"ALTER ROLE {role} LOGIN REPLICATION PASSWORD %s", [password])
            cursor.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(database), sql.Identifier(role)
                )
            )
    finally:
        connection.close()
