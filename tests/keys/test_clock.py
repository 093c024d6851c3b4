"""What the consumer asks the worker to do: only when there is something to do."""

from datetime import timedelta

import pytest
from django.conf import settings as node
from django.utils import timezone

from kernel.commands import tasks as command_tasks
from kernel.commands.models import CommandSent
from kernel.commands.states import State
from kernel.keys import tasks as key_tasks
from kernel.keys.models import DataKey
from kernel.nodes.models import Node

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    """Names of the tasks that the worker was asked for."""
    names = []
    for task in (command_tasks.settle, key_tasks.share):
        monkeypatch.setattr(task, "apply_async", lambda expires, task=task: names.append(task.name))
    return names


def test_commands_are_settled_when_one_is_due(asked):
    command_tasks.settle_when_due()
    late = timezone.now() + timedelta(minutes=1)
    CommandSent.objects.create(
        key="k", name="n", to="620100", actor={}, body=b"", digest=b"", next_at=late
    )
    command_tasks.settle_when_due()
    assert asked == []

    CommandSent.objects.update(next_at=timezone.now())
    command_tasks.settle_when_due()
    assert asked == ["commands.settle"]

    CommandSent.objects.update(state=State.PARKED)
    command_tasks.settle_when_due()
    assert asked == ["commands.settle"]


def test_keys_are_shared_once_the_hub_is_known(asked, arrives):
    key_tasks.share_when_needed()
    assert asked == []

    with arrives():
        Node.objects.create(
            code="620000", name="hub", url="http://127.0.0.1:1", public_key="", exchange_key="x"
        )
    key_tasks.share_when_needed()
    assert asked == (["keys.share"] if node.ROLE == "city" else [])

    DataKey.objects.update(shared_at=timezone.now())
    key_tasks.share_when_needed()
    assert len(asked) <= 1
