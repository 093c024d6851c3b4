"""Grants of the serving role and of the replication logins, derived from the homes.

They are applied as a difference: a REVOKE ALL before the GRANT breaks live writers.
"""

from typing import Any

from kernel.postgres.homes import is_insert_only, is_written_here
from kernel.replication import partitions
from kernel.replication.names import APP_ROLE, replication_role
from kernel.replication.publications import published_models
from kernel.replication.tables import managed_models, table_of

READ = frozenset({"SELECT"})
APPEND = frozenset({"SELECT", "INSERT"})
CHANGE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
BOOKKEEPING = ("django_migrations",)
BY_OWNER = frozenset({"audit_auditkept"})  # a serving process that was taken over cannot erase it

Privileges = dict[tuple[str, str], frozenset[str]]


def wanted(peers: list[str]) -> Privileges:
    """Privileges by (role, table): the serving role, and one login per peer node."""
    privileges: Privileges = {(APP_ROLE, table): READ for table in BOOKKEEPING}
    for model in managed_models():
        if not is_written_here(model) or table_of(model) in BY_OWNER:
            allowed = READ
        elif is_insert_only(model):
            allowed = APPEND
        else:
            allowed = CHANGE
        privileges[APP_ROLE, table_of(model)] = allowed
    for peer in peers:
        for model in published_models():
            privileges[replication_role(peer), table_of(model)] = READ
    return privileges


def found(cursor: Any, roles: list[str]) -> Privileges:
    """Privileges the roles have now on tables of the public schema."""
    cursor.execute(
        """
        SELECT r.rolname, c.relname, array_agg(a.privilege_type)
        FROM pg_class c
        CROSS JOIN LATERAL aclexplode(c.relacl) a
        JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND r.rolname = ANY(%s)
        GROUP BY 1, 2
        """,
        [roles],
    )
    return {(role, table): frozenset(names) for role, table, names in cursor.fetchall()}


def apply(cursor: Any) -> None:
    """Make grants what the homes say, changing only what differs."""
    peers = [peer for peer in _peers(cursor) if _exists(cursor, replication_role(peer))]
    want = wanted(peers)
    have = found(cursor, [APP_ROLE, *map(replication_role, peers)])
    cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    tables = {name for (name,) in cursor.fetchall()}
    for role, table in sorted(want.keys() | have.keys()):
        if table not in tables:
            continue
        should, has = want.get((role, table), frozenset()), have.get((role, table), frozenset())
        if should - has:
            cursor.execute(f'GRANT {", ".join(sorted(should - has))} ON "{table}" TO {role}')
        if has - should:
            cursor.execute(f'REVOKE {", ".join(sorted(has - should))} ON "{table}" FROM {role}')


def _peers(cursor: Any) -> list[str]:
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [replication_role("%")])
    known = {role.rpartition("_")[2] for (role,) in cursor.fetchall()}
    return sorted(known | set(partitions.enrolled(cursor)))


def _exists(cursor: Any, role: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return cursor.fetchone() is not None
