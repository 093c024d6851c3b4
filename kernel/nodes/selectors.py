"""Reading the register of nodes."""

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from kernel.nodes.models import FormerKey, Node
from kernel.nodes.states import Status
from kernel.postgres import prepared

COLUMNS = [field.attname for field in Node._meta.concrete_fields]
BY_CODE = f"SELECT {', '.join(COLUMNS)} FROM nodes_node WHERE code = %s AND status = 'enrolled'"  # noqa: S608
"""Asked for every signature, hence without the ORM."""


def node_by_code(code: str) -> Node | None:
    """The enrolled node of that code."""
    with connection.cursor() as cursor:
        prepared.execute(cursor, BY_CODE, [code])
        row = cursor.fetchone()
    return Node.from_db(connection.alias, COLUMNS, row) if row else None


def enrolled_nodes() -> QuerySet[Node]:
    """Nodes that take part, in order of code."""
    return Node.objects.filter(status=Status.ENROLLED).order_by("code")


def node_names() -> dict[str, str]:
    """What the nodes that take part are called, by code."""
    return dict(enrolled_nodes().values_list("code", "name"))


def former_keys(code: str) -> list[tuple[str, datetime]]:
    """Public keys that a node had, in PEM, and when each was replaced, in order."""
    found = FormerKey.objects.filter(node__code=code).order_by("replaced_at")
    return list(found.values_list("public_key", "replaced_at"))
