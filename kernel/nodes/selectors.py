"""Reading the register of nodes."""

from django.db.models import QuerySet

from kernel.nodes.models import Node
from kernel.nodes.states import Status


def node_by_code(code: str) -> Node | None:
    """The enrolled node of that code."""
    return enrolled_nodes().filter(code=code).first()


def enrolled_nodes() -> QuerySet[Node]:
    """Nodes that take part, in order of code."""
    return Node.objects.filter(status=Status.ENROLLED).order_by("code")
