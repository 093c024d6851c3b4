"""The register of nodes remembers the keys that nodes had."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kernel.nodes.models import FormerKey, Node
from kernel.nodes.selectors import former_keys
from kernel.nodes.services import register_node

pytestmark = [pytest.mark.node("hub"), pytest.mark.django_db]


def register(public_key, name="平凉"):
    return register_node(code="620800", name=name, url="http://x", public_key=public_key)


def test_a_key_that_is_replaced_is_remembered():
    for public_key in ("first", "second", "third"):
        register(public_key)

    assert Node.objects.get().public_key == "third"
    assert [key for key, _ in former_keys("620800")] == ["first", "second"]
    assert timezone.now() - former_keys("620800")[-1][1] < timedelta(minutes=1)
    assert former_keys("620100") == []


def test_registering_again_with_the_same_key_remembers_nothing():
    register("first")

    assert register("first", name="平凉市").name == "平凉市"
    assert not FormerKey.objects.exists()
