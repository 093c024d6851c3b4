"""Sending and receiving over a real wire."""

from typing import Any

import pytest
from django.conf import settings as node

from kernel.audit.models import AuditRow
from kernel.commands import services, transport
from kernel.commands.errors import CommandRefused
from kernel.commands.models import CommandSent
from kernel.events.models import EventWatermark
from kernel.homes import uuid7
from kernel.keys import secrets
from tests.commands.conftest import OWN

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"name": "a resident 13800001111"}


def test_both_ends_over_a_real_wire(peer, live_server, register):
    """The node sends to itself: one process plays both ends, with its own key."""
    transport._pool.cache_clear()
    register(node.NODE_CODE, live_server.url, secrets.public_key())
    key = str(uuid7())

    command: dict[str, Any] = {
        "name": "test.note",
        "to": node.NODE_CODE,
        "body": BODY,
        "key": key,
        "by": OWN,
    }

    first = services.send(**command)
    CommandSent.objects.all().delete()
    again = services.send(**command)

    assert first == again
    assert EventWatermark.objects.get().node == BODY["name"]
    assert AuditRow.objects.count() == 1
    with pytest.raises(CommandRefused) as refused:
        services.send("test.refuse", to=node.NODE_CODE, body={"name": "b"}, by=OWN)
    assert (refused.value.code, refused.value.facts) == ("sold-out", {"left": 0})
    transport._pool().clear()


@pytest.mark.node("hub")
def test_a_question_over_a_real_wire(peer, live_server, register):
    transport._pool.cache_clear()
    register(node.NODE_CODE, live_server.url, secrets.public_key())

    asked = services.ask("test.read", to=node.NODE_CODE, body={"length": 2}, by=OWN)
    assert asked == {"content": "xx"}
    transport._pool().clear()
