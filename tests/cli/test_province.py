"""What a start writes down, and when."""

import asyncio

import pytest

from config.cli.home import Home, read_json
from config.cli.memory import Memory
from config.cli.province import Province
from config.cli.reporting import Terminal
from config.cli.supervision import Supervisor


class Told(Terminal):
    """Looks at what the supervisor has written when it hears that all is ready."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self.home = home
        self.phases: list[str] = []

    def ready(self, nodes, seconds):
        self.phases.append(read_json(self.home.run_file)["phase"])


@pytest.fixture
def of_no_nodes(monkeypatch):
    """Nothing to start: only what the supervisor says about itself."""

    async def done(*_, **__):
        return None

    steps = "_start_servers _prepare_logins _stop_restored _migrate enrol _serve"
    for step in steps.split():
        monkeypatch.setattr(Province, step, done)
    monkeypatch.setattr("config.cli.province.refuse_taken", lambda nodes: None)


def test_whoever_is_told_that_all_is_ready_finds_it_written(tmp_path, of_no_nodes):
    home = Home(tmp_path)
    told = Told(home)

    async def scenario():
        province = Province(home, [], Memory(), told, Supervisor(home.log))
        await province.start()
        await province.stop(asyncio.Event())
        await asyncio.sleep(0.1)  # longer than a note waits to be written

    asyncio.run(scenario())

    assert told.phases == ["ready"]
    assert not home.run_file.exists()
