"""Rows of any home in any test: written where the home is written, else as replication brings them."""

from typing import Any, TypeVar

import factory
from django.conf import settings

from kernel.homes import is_written_here
from tests.conftest import arriving

T = TypeVar("T")

HERE = settings.NODE_CODE
HUB = "620000"
LANZHOU, PINGLIANG = "620100", "620800"


class ArrivingFactory(factory.django.DjangoModelFactory[T]):
    """A factory whose rows pass where the test's node does not write them."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        node = kwargs.get("node", HERE)
        is_own = node == HERE or not hasattr(model_class, "home") or "node" not in kwargs
        if is_written_here(model_class) and is_own:
            return super()._create(model_class, *args, **kwargs)
        with arriving():
            return super()._create(model_class, *args, **kwargs)
