"""Rows of any home in any test: written where the home is written, else as replication brings them."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from factory.django import DjangoModelFactory

from kernel.homes import Home, is_written_here
from tests.conftest import arriving

HERE = settings.NODE_CODE
HUB = "620000"
LANZHOU, PINGLIANG = "620100", "620800"

if TYPE_CHECKING:

    class ArrivingFactory:
        """As the type checker sees it: a call gives something with any attribute."""

        def __init__(self, **given: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        @classmethod
        def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any: ...

else:

    class ArrivingFactory(DjangoModelFactory):
        """A factory whose rows pass where the test's node does not write them."""

        class Meta:
            abstract = True

        @classmethod
        def _create(cls, model_class, *args, **kwargs):
            by_node = model_class.home in {Home.CITY, Home.NODE}
            foreign = by_node and kwargs.get("node", HERE) != HERE
            if is_written_here(model_class) and not foreign:
                return super()._create(model_class, *args, **kwargs)
            with arriving():
                return super()._create(model_class, *args, **kwargs)
