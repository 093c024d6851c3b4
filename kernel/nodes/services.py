"""Writing the register of nodes; it lives at the hub and reaches every city."""

from django.db import transaction
from django.utils import timezone

from kernel.nodes.models import FormerKey, Node
from kernel.nodes.states import Status


@transaction.atomic
def register_node(
    *, code: str, name: str, url: str, public_key: str, exchange_key: str = ""
) -> Node:
    """Add a node, or bring its address and keys up to date; a key that is replaced is remembered.

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
    before = Node.objects.select_for_update().filter(code=code).first()
    if before is not None and before.public_key != public_key:
        FormerKey.objects.create(
            node=before, public_key=before.public_key, replaced_at=timezone.now()
        )
    node, _ = Node.objects.update_or_create(code=code, defaults=facts)
    return node
