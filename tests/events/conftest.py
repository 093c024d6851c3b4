"""What tests of the consumer share."""

import pytest

from kernel.events import consumer, services
from tests.events import wiring


@pytest.fixture
def routes(settings):
    """Handlers of the wiring of tests, which have seen nothing yet."""
    settings.WIRING = wiring.HERE
    services.sync_routes()
    wiring.seen.clear()
    wiring.hooks.clear()
    wiring.sets.clear()


@pytest.fixture
def unhurried(monkeypatch):
    """A round takes all the time that a busy machine needs."""
    monkeypatch.setattr(consumer, "ROUND_SECONDS", 60.0)
