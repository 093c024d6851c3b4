"""Writing the register of nodes; it lives at the hub and reaches every city."""

from django.db import transaction

from kernel.nodes.models import Node
from kernel.nodes.states import Status


@transaction.atomic
def register_node(
    *, code: str, name: str, url: str, public_key: str, exchange_key: str = ""
) -> Node:
    """Add a node, or bring its address and keys up to date.

    `public_key` is an Ed25519 key in PEM, `exchange_key` the X25519 key for which data keys are
    wrapped (hub only).
    """
    facts = {
        "name": name,
        "url": url,
        "public_key": public_key,
        "exchange_key": exchange_key,
        "status": Status.ENROLLED,
    }
    node, _ = Node.objects.update_or_create(code=code, defaults=facts)
    return node
