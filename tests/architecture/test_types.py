"""mypy reads this file with the Django plugin; without the plugin these types would be wrong.

The assertions are mypy's: at run time `assert_type` does nothing. mypy without its plugin is what
a malformed pyproject.toml silently gives.
"""

from typing import assert_type
from uuid import UUID

from django.db.models import QuerySet

from kernel.nodes.models import Node


def test_mypy_knows_what_a_model_gives():
    def never_called(node: Node) -> None:
        assert_type(node.code, str)
        assert_type(node.id, UUID)
        assert_type(Node.objects.filter(code="620000"), QuerySet[Node, Node])

    assert never_called is not None
