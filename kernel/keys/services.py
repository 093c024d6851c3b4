"""Making keys, and letting the hub hold a copy of each city's data keys."""

import os
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from kernel.access.rules import Fact
from kernel.access.services import authorise_write
from kernel.actor import Actor
from kernel.commands.services import send
from kernel.keys import ring, secrets
from kernel.keys.models import DataKey, KeyPurpose
from kernel.keys.states import Status
from kernel.nodes.selectors import node_by_code

KEY_BYTES = 32
LIVE = (Status.NEW, Status.ACTIVE, Status.RETIRED)


@transaction.atomic
def make_keys() -> None:
    """Give this node its first data key and its first index key; those it has stay."""
    for purpose in KeyPurpose:
        if not own_keys(purpose).exists():
            add_key(purpose=purpose, status=Status.ACTIVE)


def add_key(*, purpose: KeyPurpose, status: Status) -> DataKey:
    """A fresh key of this node under the next number."""
    last = own_keys(purpose).aggregate(last=Max("number"))["last"] or 0
    key = DataKey(
        node=settings.NODE_CODE, number=last + 1, purpose=purpose, status=status, wrapped=b""
    )
    key.wrapped = secrets.wrap(os.urandom(KEY_BYTES), name=ring.name_of(key))
    key.save(force_insert=True)
    return key


def own_keys(purpose: KeyPurpose) -> QuerySet[DataKey]:
    """Keys of this node for a purpose, oldest first."""
    return DataKey.objects.filter(node=settings.NODE_CODE, purpose=purpose).order_by("number")


def exchange_public_key() -> str:
    """The key for which others encrypt for this node, base64."""
    return secrets.exchange_key()


def is_shared() -> bool:
    """Whether the hub holds every data key of this node; true at the hub."""
    if settings.NODE_CODE == settings.HUB_CODE:
        return True
    return not own_keys(KeyPurpose.DATA).filter(status__in=LIVE, shared_at=None).exists()


def can_share() -> bool:
    """Whether the hub is known here, with the key to encrypt for it."""
    hub = node_by_code(settings.HUB_CODE)
    return hub is not None and bool(hub.exchange_key)


def share_with_hub() -> bool:
    """Have the hub hold this city's data keys, encrypted for it; whether it does now.

    False before enrolment. Raises CityUnreachable while the hub does not answer.
    """
    if is_shared():
        return True
    if (hub := node_by_code(settings.HUB_CODE)) is None or not hub.exchange_key:
        return False
    tell_hub(hub.exchange_key)
    return True


def tell_hub(exchange_key: str) -> None:
    """Send the hub the whole list of live data keys; what is not in it, it need not keep."""
    keys = list(own_keys(KeyPurpose.DATA).filter(status__in=LIVE))
    shared = []
    for key in keys:
        name = ring.name_of(key)
        secret = secrets.unwrap(bytes(key.wrapped), name=name)
        sealed = secrets.encrypt_for(exchange_key, secret, name=name)
        shared.append({"number": key.number, "sealed": sealed})
    send(
        "keys.share",
        to=settings.HUB_CODE,
        body={"keys": shared},
        by=Actor.of_node(settings.NODE_CODE),
    )
    held = [key.id for key in keys]
    DataKey.objects.filter(id__in=held, shared_at=None).update(shared_at=timezone.now())


@transaction.atomic
def take_over_keys(*, body: dict[str, Any], by: Actor) -> dict[str, Any]:
    """At the hub: hold the data keys a city shares; those it no longer lists only read."""
    at_hub = settings.NODE_CODE == settings.HUB_CODE and by.node != settings.HUB_CODE
    authorise_write(
        by,
        "keys.share",
        facts={Fact.OWN_ORGANISATION} if at_hub else frozenset(),
        resource_type="DataKey",
        count=len(body["keys"]),
    )
    listed = {int(one["number"]): str(one["sealed"]) for one in body["keys"]}
    for number, sealed in sorted(listed.items()):
        name = ring.name_of(DataKey(node=by.node, purpose=KeyPurpose.DATA, number=number))
        secret = secrets.decrypt_own(sealed, name=name)
        DataKey.objects.update_or_create(
            node=by.node,
            purpose=KeyPurpose.DATA,
            number=number,
            defaults={"status": Status.HELD, "wrapped": secrets.wrap(secret, name=name)},
        )
    DataKey.objects.filter(node=by.node, purpose=KeyPurpose.DATA, status=Status.HELD).exclude(
        number__in=listed
    ).update(status=Status.RETIRED)
    ring.forget()
    return {"held": sorted(listed)}
